"""The rules as data (law 5): read from rules/, checked for shape, and known by one fingerprint."""

from pipeline.rulebook.load import Rulebook, RulesBroken

__all__ = ["Rulebook", "RulesBroken"]
