"""The words of the field as frozen values. Standard library only; every floor above builds on these."""
