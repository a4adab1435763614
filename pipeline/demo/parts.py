"""The parts of the sample workbook that hold no cells: content types, relations, formats, theme, properties."""

from collections.abc import Sequence
from datetime import date

from pipeline.demo.cells import HEADER, MAIN, OFFICE, PACKAGE, markup

MACRO_WORKBOOK = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
PLAIN_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
WORKSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
MACRO_RELATION = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"

_SHEET_ML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DOCUMENT = "application/vnd.openxmlformats-officedocument"
_LIBRARY_FORM = "http://schemas.microsoft.com/sharepoint/v3/contenttype/forms"


def book_parts(tabs: Sequence[str], issued: date) -> dict[str, str]:
    """Return all parts but the sheets, the shared strings and the macro, in the order they are stored."""
    return {
        "[Content_Types].xml": _content_types(len(tabs)),
        "_rels/.rels": _relations(
            (f"{OFFICE}/officeDocument", "xl/workbook.xml"),
            (f"{PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
            (f"{OFFICE}/extended-properties", "docProps/app.xml"),
        ),
        "xl/workbook.xml": _workbook(tabs),
        "xl/_rels/workbook.xml.rels": _relations(
            *((f"{OFFICE}/worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(tabs) + 1)),
            (f"{OFFICE}/theme", "theme/theme1.xml"),
            (f"{OFFICE}/styles", "styles.xml"),
            (f"{OFFICE}/sharedStrings", "sharedStrings.xml"),
            (MACRO_RELATION, "vbaProject.bin"),
            (f"{OFFICE}/customXml", "../customXml/item1.xml"),
        ),
        "xl/theme/theme1.xml": _theme(),
        "xl/styles.xml": _styles(),
        "customXml/item1.xml": (
            f'<?mso-contentType?><FormTemplates xmlns="{_LIBRARY_FORM}"><Display>DocumentLibraryForm</Display>'
            "<Edit>DocumentLibraryForm</Edit><New>DocumentLibraryForm</New></FormTemplates>"
        ),
        "customXml/itemProps1.xml": (
            f'{HEADER}<ds:datastoreItem ds:itemID="{{2C7E9B54-61D8-4F3A-8E05-B4D1F6A09C72}}" '
            f'xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml"><ds:schemaRefs>'
            f'<ds:schemaRef ds:uri="{_LIBRARY_FORM}"/></ds:schemaRefs></ds:datastoreItem>'
        ),
        "customXml/_rels/item1.xml.rels": _relations((f"{OFFICE}/customXmlProps", "itemProps1.xml")),
        "docProps/app.xml": (
            f'{HEADER}<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
            "<Application>Microsoft Excel</Application><AppVersion>16.0300</AppVersion></Properties>"
        ),
        "docProps/core.xml": _core(issued),
    }


def _relations(*targets: tuple[str, str]) -> str:
    """Return a relationships part; ids count from rId1 in the given order."""
    items = "".join(
        f'<Relationship Id="rId{n}" Type="{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, 1)
    )
    return f'{HEADER}<Relationships xmlns="{PACKAGE}/relationships">{items}</Relationships>'


def _content_types(sheets: int) -> str:
    """Return [Content_Types].xml (ECMA-376 Part 2, 10.1.2.2)."""
    overrides = [("/xl/workbook.xml", MACRO_WORKBOOK)]
    overrides += [(f"/xl/worksheets/sheet{n}.xml", WORKSHEET) for n in range(1, sheets + 1)]
    overrides += [
        ("/xl/theme/theme1.xml", f"{_DOCUMENT}.theme+xml"),
        ("/xl/styles.xml", f"{_SHEET_ML}.styles+xml"),
        ("/xl/sharedStrings.xml", f"{_SHEET_ML}.sharedStrings+xml"),
        ("/xl/vbaProject.bin", "application/vnd.ms-office.vbaProject"),
        ("/customXml/itemProps1.xml", f"{_DOCUMENT}.customXmlProperties+xml"),
        ("/docProps/app.xml", f"{_DOCUMENT}.extended-properties+xml"),
        ("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"),
    ]
    items = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides)
    return (
        f'{HEADER}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{items}</Types>'
    )


def _workbook(tabs: Sequence[str]) -> str:
    """Return xl/workbook.xml (18.2.27)."""
    sheets = "".join(f'<sheet name="{markup(tab)}" sheetId="{n}" r:id="rId{n}"/>' for n, tab in enumerate(tabs, 1))
    return (
        f'{HEADER}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr codeName="ThisWorkbook"/>'
        f'<bookViews><workbookView xWindow="0" yWindow="0" windowWidth="19200" windowHeight="10000"/></bookViews>'
        f'<sheets>{sheets}</sheets><calcPr calcId="191029"/></workbook>'
    )


def _styles() -> str:
    """Return xl/styles.xml: the seven cell formats that the workbook names, in that order (18.8.39)."""
    fills = "".join(
        f'<fill><patternFill patternType="solid"><fgColor rgb="{colour}"/><bgColor indexed="64"/></patternFill></fill>'
        for colour in ("FFD9D9D9", "FFE2EFDA", "FFFFF2CC")
    )
    wrapped = '<alignment vertical="top" wrapText="1"/>'
    formats = (
        (0, 0, 0, "", ""),
        (0, 1, 0, "", ""),
        (0, 1, 2, wrapped, ""),
        (0, 0, 0, wrapped, ""),
        (49, 0, 3, wrapped, '<protection locked="0"/>'),
        (49, 0, 4, wrapped, '<protection locked="0"/>'),
        (14, 0, 0, "", ""),
    )
    cells = "".join(
        f'<xf numFmtId="{number}" fontId="{font}" fillId="{fill}" borderId="0" xfId="0" applyNumberFormat="1" '
        f'applyFont="1" applyFill="1" applyAlignment="1" applyProtection="1">{alignment}{protection}</xf>'
        for number, font, fill, alignment, protection in formats
    )
    return (
        f'{HEADER}<styleSheet xmlns="{MAIN}">'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
        '<fills count="5"><fill><patternFill patternType="none"/></fill>'
        f'<fill><patternFill patternType="gray125"/></fill>{fills}</fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(formats)}">{cells}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _theme() -> str:
    """Return the smallest theme that the schema allows (20.1.6.9): colours, fonts and three of each format."""
    colours = {"dk1": "000000", "lt1": "FFFFFF", "dk2": "44546A", "lt2": "E7E6E6"}
    colours |= {"accent1": "2F6B4F", "accent2": "7A5C99", "accent3": "B0763A", "accent4": "4C8CA8"}
    colours |= {"accent5": "A84C64", "accent6": "6B6B6B", "hlink": "0563C1", "folHlink": "954F72"}
    scheme = "".join(f'<a:{name}><a:srgbClr val="{value}"/></a:{name}>' for name, value in colours.items())
    fonts = "".join(
        f'<a:{kind}Font><a:latin typeface="Calibri"/><a:ea typeface=""/><a:cs typeface=""/></a:{kind}Font>'
        for kind in ("major", "minor")
    )
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
    line = f'<a:ln w="6350">{fill}</a:ln>'
    effect = "<a:effectStyle><a:effectLst/></a:effectStyle>"
    return (
        f'{HEADER}<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Sample">'
        f'<a:themeElements><a:clrScheme name="Sample">{scheme}</a:clrScheme>'
        f'<a:fontScheme name="Sample">{fonts}</a:fontScheme><a:fmtScheme name="Sample">'
        f"<a:fillStyleLst>{fill * 3}</a:fillStyleLst><a:lnStyleLst>{line * 3}</a:lnStyleLst>"
        f"<a:effectStyleLst>{effect * 3}</a:effectStyleLst><a:bgFillStyleLst>{fill * 3}</a:bgFillStyleLst>"
        "</a:fmtScheme></a:themeElements></a:theme>"
    )


def _core(issued: date) -> str:
    """Return docProps/core.xml (Part 2, 11.1) with the day of issue as its only date."""
    created = f"{issued.isoformat()}T09:00:00Z"
    return (
        f'{HEADER}<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:creator>Sample maker</dc:creator>'
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{created}</dcterms:created></cp:coreProperties>'
    )
