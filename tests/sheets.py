"""The smallest workbook around given SpreadsheetML: for what a reader makes of single elements."""

from pipeline.demo.cells import MAIN, OFFICE, PACKAGE
from pipeline.demo.package import Package, entry
from pipeline.demo.parts import MACRO_WORKBOOK
from pipeline.readers.package import open_package
from pipeline.readers.sheet import Row, Workbook

STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"


def sheet_workbook(
    rows: str,
    *,
    strings: str = "",
    styles: str = "",
    properties: str = "",
    main: str = MAIN,
    office: str = OFFICE,
    sheet: str = "",
    name: str = "Sheet",
) -> bytes:
    """Return a workbook with one tab. rows: the content of its sheetData; sheet: the whole part in its place.

    strings: the content of sst; styles: of styleSheet; properties: of workbook before its sheets.
    """
    kinds = {"worksheet": "sheet1", "sharedStrings": "sharedStrings", "styles": "styles"}
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{office}/{kind}" Target="{part}.xml"/>'
        for n, (kind, part) in enumerate(kinds.items())
    )
    listing = f'<Relationships xmlns="{PACKAGE}/relationships">%s</Relationships>'
    root = f'<Relationship Id="r" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
    book = f'<sheets><sheet name="{name}" sheetId="1" r:id="r0"/></sheets>'
    overrides = f'<Override PartName="/xl/workbook.xml" ContentType="{MACRO_WORKBOOK}"/>' + "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{_SHEET_ML}.{kind}+xml"/>' for kind, part in kinds.items()
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">{_DEFAULTS}{overrides}</Types>',
        "_rels/.rels": listing % root,
        "xl/_rels/workbook.xml.rels": listing % relations,
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">{properties}{book}</workbook>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}">{styles}</styleSheet>',
        "xl/sheet1.xml": sheet or f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }
    return Package(tuple(entry(part, text.encode("utf-8")) for part, text in parts.items())).to_bytes()


_SHEET_ML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DEFAULTS = (
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
)


def rows_of(data: bytes) -> list[Row]:
    """Return the rows of a workbook's first tab."""
    book = Workbook(open_package(data))
    return list(book.rows(book.tabs[0]))
