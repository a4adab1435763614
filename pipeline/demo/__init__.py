"""Invented sample material: a Central Products List, forms, certificates and mails, made with the project's own code.

Used by ``pipeline demo`` and by the tests. Every name, address, number and sentence in it is made up; field names,
column headings and drop-down values are those of the CPL workbook. The same arguments always give the same bytes.
"""
