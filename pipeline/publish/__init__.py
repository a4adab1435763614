"""The documents of a Release, written as bytes: the CPL workbook and its guard, the CSV, the FIR and the DZIR."""
