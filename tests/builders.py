"""Workbooks, forms and mails for tests: the demo's own material, and faults to spoil a workbook with.

A fault is a function from workbook bytes to workbook bytes; ``spoil`` applies several in order:
``spoil(new_entry_form(good_answers()), rename_tab("Sheet1"), drop_row("Device_Type.name"))``. Faults work on the form
of any workbook, the real one too, and also after the form's tab was renamed.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from lxml import etree
from lxml.etree import _Element as Element

from pipeline.demo.answers import SAPC, Value, good_answers
from pipeline.demo.cells import MAIN, PACKAGE
from pipeline.demo.certificates import certificates
from pipeline.demo.fields import ALLOCATED, DEVICE_TYPES, FORM_FIELDS, LIST_COLUMNS
from pipeline.demo.form import (
    CELL,
    INLINE,
    ROW,
    TEXT,
    VALUE,
    cell_in,
    form_rows,
    new_entry_form,
    with_date_style,
    write,
)
from pipeline.demo.hostile import (
    NOT_A_WORKBOOK,
    billion_laughs,
    deep_nesting,
    duplicate_part,
    encrypted_workbook,
    external_entity,
    far_cell,
    huge_shared_string,
    many_parts,
    mismatched_names,
    traversal_names,
    truncated,
    understated_size,
    zip_bomb,
)
from pipeline.demo.macro import vba_project
from pipeline.demo.mail import (
    File,
    Thread,
    batch_submission,
    faulty_submission,
    forwarded_submission,
    hostile_submission,
    mail,
    protected_submission,
    reply,
    sample_mailbox,
    submission,
    unrelated,
    zipped_submission,
)
from pipeline.demo.package import Package
from pipeline.demo.parts import MACRO_RELATION, MACRO_WORKBOOK, PLAIN_WORKBOOK
from pipeline.demo.products import many_entries, sample_entries
from pipeline.demo.tabs import CONTENT_TYPES, RELATIONS, WORKBOOK, add, edit, rename, set_state, tabs, take_out
from pipeline.demo.workbook import CSV_TAB, FORM_TAB, LIST_TAB, VERSION_TAB, cpl_workbook, field_texts, sample_cpl
from pipeline.domain.form import Tab

__all__ = [
    "ALLOCATED",
    "CSV_TAB",
    "DEVICE_TYPES",
    "FORM_FIELDS",
    "FORM_TAB",
    "HOSTILE",
    "LIST_COLUMNS",
    "LIST_TAB",
    "NOT_A_WORKBOOK",
    "SAPC",
    "VERSION_TAB",
    "Fault",
    "File",
    "Package",
    "Thread",
    "Value",
    "add_row",
    "add_tab",
    "answer",
    "as_xlsx",
    "batch_submission",
    "certificates",
    "column_text",
    "cpl_workbook",
    "date_1904",
    "drop_row",
    "dropped_tabs",
    "en_dash_tab",
    "encrypted_workbook",
    "error_cell",
    "far_cell",
    "faulty_submission",
    "field_texts",
    "fields",
    "formula",
    "forwarded_submission",
    "good_answers",
    "hide_row",
    "hostile_submission",
    "mail",
    "many_entries",
    "move_rows_down",
    "new_entry_form",
    "other_macro",
    "phonetic_text",
    "prefixed",
    "protected_submission",
    "rename_tab",
    "repeat_row",
    "reply",
    "reverse_rows",
    "rich_text",
    "sample_cpl",
    "sample_entries",
    "sample_mailbox",
    "second_form_tab",
    "signature_parts",
    "spoil",
    "stray_cell",
    "submission",
    "tab_state",
    "truncated",
    "unrelated",
    "version_text",
    "without_macro",
    "xlsx_content_type",
    "zip_bomb",
    "zipped_submission",
]

Fault = Callable[[bytes], bytes]

HOSTILE: dict[str, Callable[[], bytes]] = {
    "billion-laughs": billion_laughs,
    "deep-nesting": deep_nesting,
    "duplicate-part": duplicate_part,
    "empty": bytes,
    "encrypted": encrypted_workbook,
    "external-entity": external_entity,
    "far-cell": far_cell,
    "huge-shared-string": huge_shared_string,
    "many-parts": many_parts,
    "mismatched-names": mismatched_names,
    "not-a-workbook": lambda: NOT_A_WORKBOOK,
    "traversal-names": traversal_names,
    "truncated": lambda: truncated(sample_cpl()),
    "understated-size": understated_size,
    "zip-bomb": zip_bomb,
}
"""Every hostile workbook, by a name for the test's id. Made when called: some take a fifth of a second."""

_SIGNATURE = "application/vnd.openxmlformats-package.digital-signature"
_GROUPS = ("A", "B", "C", "D", "E", "F")


def spoil(workbook: bytes, *faults: Fault) -> bytes:
    """Return the workbook with the faults applied, the first one first."""
    for fault in faults:
        workbook = fault(workbook)
    return workbook


def _form(package: Package) -> tuple[Tab, dict[str, int]]:
    """Return the form's tab, whatever it is called by now, and its rows by field."""
    for tab in sorted(tabs(package), key=lambda one: one.name != FORM_TAB):
        rows = form_rows(package, tab.part)
        if "Device_Type.name" in rows:
            return tab, rows
    raise LookupError("the workbook has no form to spoil")


def _on_package(change: Callable[[Package], Package]) -> Fault:
    return lambda workbook: change(Package.read(workbook)).to_bytes()


def _on_rows(change: Callable[[Element, dict[str, int]], None]) -> Fault:
    """Return a fault that changes the sheetData of the form; change is given the rows by field too."""

    def fault(package: Package) -> Package:
        tab, rows = _form(package)
        return edit(package, tab.part, lambda sheet: change(next(sheet.iter(f"{{{MAIN}}}sheetData")), rows))

    return _on_package(fault)


def _row(data: Element, number: int) -> Element:
    return next(row for row in data.iter(ROW) if row.get("r") == str(number))


def _on_answer(field: str, change: Callable[[Element], None]) -> Fault:
    return _on_rows(lambda data, rows: change(cell_in(_row(data, rows[field]), "G")))


def _renumber(row: Element, number: int) -> Element:
    """Move a row, and its cells, to another number; its place among the rows is the caller's matter."""
    row.set("r", str(number))
    for cell in row.iter(CELL):
        cell.set("r", f"{cell.get('r', '').rstrip('0123456789')}{number}")
    return row


def _copy(row: Element) -> Element:
    return etree.fromstring(etree.tostring(row))


# Tabs


def rename_tab(name: str) -> Fault:
    """Call the form's tab something else."""
    return _on_package(lambda package: rename(package, _form(package)[0].name, name))


def en_dash_tab() -> Fault:
    """Call the form's tab what the guidance's print calls it, with an en dash."""
    return rename_tab(FORM_TAB.replace("-", "–"))


def tab_state(state: str) -> Fault:
    """Make the form's tab ``hidden`` or ``veryHidden``."""
    return _on_package(lambda package: set_state(package, _form(package)[0].name, state))


def second_form_tab(name: str = f"{FORM_TAB} (2)") -> Fault:
    """Add a copy of the form under another name, or under the same one, which only a damaged workbook has."""
    return _on_package(lambda package: add(package, name, package.part(_form(package)[0].part)))


def dropped_tabs(*names: str) -> Fault:
    """Take tabs out. Taking out FORM_TAB of a workbook that keeps its list leaves a workbook without a form."""
    return _on_package(lambda package: take_out(package, names))


def add_tab(name: str, text: str = "own notes") -> Fault:
    """Add a tab with one text in A1."""
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>'
    return _on_package(lambda package: add(package, name, f"{sheet}</sheetData></worksheet>".encode()))


# Rows and cells of the form


def drop_row(field: str) -> Fault:
    """Take a field's row out; the rows below keep their numbers."""
    return _on_rows(lambda data, rows: data.remove(_row(data, rows[field])))


def repeat_row(field: str, value: Value = None) -> Fault:
    """Add the field's row again at the end, with another answer."""

    def change(data: Element, rows: dict[str, int]) -> None:
        again = _renumber(_copy(_row(data, rows[field])), max(rows.values()) + 1)
        write(cell_in(again, "G"), value)
        data.append(again)

    return _on_rows(change)


def add_row(group: str, attribute: str, value: Value = None) -> Fault:
    """Add a row at the end that the published form does not have."""

    def change(data: Element, rows: dict[str, int]) -> None:
        row = etree.SubElement(data, ROW, {"r": str(max(rows.values()) + 1)})
        for letters, content in (("A", group), ("B", attribute), ("G", value)):
            write(cell_in(row, letters), content)

    return _on_rows(change)


def move_rows_down(by: int = 3) -> Fault:
    """Move every field row down, as if rows had been inserted above them."""

    def change(data: Element, rows: dict[str, int]) -> None:
        for number in sorted(rows.values(), reverse=True):
            _renumber(_row(data, number), number + by)

    return _on_rows(change)


def reverse_rows() -> Fault:
    """Put the field rows in the opposite order."""

    def change(data: Element, rows: dict[str, int]) -> None:
        numbers = sorted(rows.values())
        moved = [_row(data, number) for number in numbers]
        for row in moved:
            data.remove(row)
        for number, row in zip(numbers, reversed(moved), strict=True):
            data.append(_renumber(row, number))

    return _on_rows(change)


def hide_row(field: str) -> Fault:
    """Hide a field's row."""
    return _on_rows(lambda data, rows: _row(data, rows[field]).set("hidden", "1"))


def version_text(text: str | None) -> Fault:
    """Put another text into A2, or none."""
    return _on_rows(lambda data, _: write(cell_in(_row(data, 2), "A"), text))


def column_text(field: str, letters: str, text: str) -> Fault:
    """Change what columns A to F say of a field."""
    if letters not in _GROUPS:
        raise ValueError(f"columns A to F hold the published texts, not {letters}")
    return _on_rows(lambda data, rows: write(cell_in(_row(data, rows[field]), letters), text))


def stray_cell(ref: str, value: Value) -> Fault:
    """Write a value somewhere else in the form, ``H14`` for example. The row must be there."""
    letters, number = ref.rstrip("0123456789"), int(ref.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return _on_rows(lambda data, _: write(cell_in(_row(data, number), letters), value))


def answer(field: str, value: Value) -> Fault:
    """Write another answer."""

    def fault(package: Package) -> Package:
        package, style = with_date_style(package) if isinstance(value, date) else (package, "")
        tab, rows = _form(package)
        write_it = partial(write, value=value, date_style=style)
        return edit(package, tab.part, lambda sheet: write_it(cell_in(_row(sheet, rows[field]), "G")))

    return _on_package(fault)


def formula(field: str, text: str = 'CONCATENATE("0C:03:0C:","22")', cached: str = "0C:03:0C:22") -> Fault:
    """Answer with a formula and the text it last gave."""

    def change(cell: Element) -> None:
        write(cell, None)
        cell.set("t", "str")
        etree.SubElement(cell, f"{{{MAIN}}}f").text = text
        etree.SubElement(cell, VALUE).text = cached

    return _on_answer(field, change)


def error_cell(field: str, code: str = "#N/A") -> Fault:
    """Answer with an error value (18.17.2.7)."""

    def change(cell: Element) -> None:
        write(cell, None)
        cell.set("t", "e")
        etree.SubElement(cell, VALUE).text = code

    return _on_answer(field, change)


def rich_text(field: str, *runs: str) -> Fault:
    """Answer with text in several runs, every second one bold."""

    def change(cell: Element) -> None:
        write(cell, "")
        holder = next(cell.iter(INLINE))
        del holder[:]
        for number, run in enumerate(runs):
            made = etree.SubElement(holder, f"{{{MAIN}}}r")
            if number % 2:
                etree.SubElement(etree.SubElement(made, f"{{{MAIN}}}rPr"), f"{{{MAIN}}}b")
            etree.SubElement(made, TEXT).text = run

    return _on_answer(field, change)


def phonetic_text(field: str, text: str, reading: str = "レ") -> Fault:
    """Answer with text that carries a phonetic hint, which is no part of it (18.4.6)."""

    def change(cell: Element) -> None:
        write(cell, text)
        hint = etree.SubElement(next(cell.iter(INLINE)), f"{{{MAIN}}}rPh", {"sb": "0", "eb": str(len(text))})
        etree.SubElement(hint, TEXT).text = reading

    return _on_answer(field, change)


# The package


def xlsx_content_type() -> Fault:
    """Say that the workbook holds no macros, though its macro is still there."""
    old, new = MACRO_WORKBOOK.encode(), PLAIN_WORKBOOK.encode()
    return _on_package(lambda p: p.put(CONTENT_TYPES, p.part(CONTENT_TYPES).replace(old, new)))


def without_macro() -> Fault:
    """Take the macro out, and leave the workbook of the macro-enabled kind."""

    def drop(attribute: str, value: str) -> Callable[[Element], None]:
        def change(root: Element) -> None:
            for child in list(root):
                if child.get(attribute) == value:
                    root.remove(child)

        return change

    def fault(package: Package) -> Package:
        package = edit(package, RELATIONS, drop("Type", MACRO_RELATION))
        package = edit(package, CONTENT_TYPES, drop("PartName", "/xl/vbaProject.bin"))
        return package.drop(("xl/vbaProject.bin",))

    return _on_package(fault)


def as_xlsx() -> Fault:
    """Save as an ordinary workbook: no macro, and the content type that says so."""
    return lambda workbook: spoil(workbook, without_macro(), xlsx_content_type())


def other_macro(source: str = 'Sub Greet()\n    MsgBox "hello"\nEnd Sub\n') -> Fault:
    """Put another macro in the place of the published one."""
    project = vba_project({"ThisWorkbook": "", "Sheet1": source})
    return _on_package(lambda package: package.put("xl/vbaProject.bin", project))


def signature_parts(count: int = 1) -> Fault:
    """Add the parts of count package signatures. They sign nothing: only their number is meant."""

    def declare(root: Element) -> None:
        kinds = {"/_xmlsignatures/origin.sigs": f"{_SIGNATURE}-origin"}
        kinds |= {f"/_xmlsignatures/sig{n}.xml": f"{_SIGNATURE}-xmlsignature+xml" for n in range(1, count + 1)}
        for name, kind in kinds.items():
            attributes = {"PartName": name, "ContentType": kind}
            etree.SubElement(root, f"{{{PACKAGE}/content-types}}Override", attributes)

    def relation(number: int, kind: str, target: str) -> dict[str, str]:
        return {"Id": f"rIdSig{number}", "Type": f"{PACKAGE}/relationships/digital-signature/{kind}", "Target": target}

    def fault(package: Package) -> Package:
        tag = f"{{{PACKAGE}/relationships}}Relationship"
        origin = relation(0, "origin", "_xmlsignatures/origin.sigs")
        package = edit(package, CONTENT_TYPES, declare)
        package = edit(package, "_rels/.rels", lambda root: root.append(etree.Element(tag, origin)))
        package = package.put("_xmlsignatures/origin.sigs", b"")
        listing = etree.Element(f"{{{PACKAGE}/relationships}}Relationships")
        for number in range(1, count + 1):
            etree.SubElement(listing, tag, relation(number, "signature", f"sig{number}.xml"))
            sample = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
            package = package.put(f"_xmlsignatures/sig{number}.xml", sample)
        return package.put("_xmlsignatures/_rels/origin.sigs.rels", etree.tostring(listing))

    return _on_package(fault)


def prefixed() -> Fault:
    """Write the form's sheet with a namespace prefix, as some programs do; only for sheets without other prefixes."""

    def fault(package: Package) -> Package:
        part = _form(package)[0].part
        text = package.part(part).decode().replace(f'xmlns="{MAIN}"', f'xmlns:x="{MAIN}"')
        return package.put(part, re.sub(r"<(/?)(?=[A-Za-z])", r"<\1x:", text).encode())

    return _on_package(fault)


def date_1904() -> Fault:
    """Make the workbook count days from 1904 (18.2.28)."""

    def change(root: Element) -> None:
        for properties in root.iter(f"{{{MAIN}}}workbookPr"):
            properties.set("date1904", "1")

    return _on_package(lambda package: edit(package, WORKBOOK, change))


def fields(names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the fields a submitter fills in, in form order, or those of the given Data Groups."""
    return tuple(f.name for f in FORM_FIELDS if f.group != "Entry" and (not names or f.group in names))
