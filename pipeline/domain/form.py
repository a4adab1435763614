"""A 'CPL - New Entry' form as it stands in the workbook: cells as stored, nothing coerced, nothing judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.domain.certificate import CertificateReading
from pipeline.domain.macro import MacroReading
from pipeline.domain.message import Problem
from pipeline.domain.signature import SignatureReading


class CellKind(StrEnum):
    """How the workbook stores a cell's value (ECMA-376 Part 1, 18.18.11 ST_CellType and the number format)."""

    EMPTY = "empty"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    """A number under a date format; ``Cell.text`` is dd/mm/yyyy, with hh:mm:ss after it where the time is not zero."""
    BOOLEAN = "boolean"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. ref: ``G14``. text: the stored value as text, untrimmed. formula: a formula stands in it."""

    ref: str
    kind: CellKind
    text: str
    formula: bool = False


@dataclass(frozen=True, slots=True)
class FormRow:
    """One row of the form: columns A to F as published, and the answer in column G."""

    number: int
    group: str
    attribute: str
    texts: tuple[str, str, str, str]
    """Columns C to F: Notes, Conditionality rule, Format, Valid values."""
    answer: Cell
    hidden: bool = False

    @property
    def field(self) -> str:
        """The pair that identifies the data item (guidance 5.2): ``Device_Model.firmware_version``."""
        return f"{self.group}.{self.attribute}"


@dataclass(frozen=True, slots=True)
class Tab:
    """One worksheet of the workbook. state: ``visible``, ``hidden`` or ``veryHidden``."""

    name: str
    state: str
    part: str


@dataclass(frozen=True, slots=True)
class Form:
    """What a workbook holds of the New Entry form.

    tab: the name of the tab read as the form; empty when none was found. tabs: all of them, in order.
    version: the text of cell A2. rows: every row below the header row that has a Data Group or an answer.
    like: other tabs laid out like the form. macro: sha256 of vbaProject.bin, or empty. macro_enabled: the main part
    has the .xlsm content type. signatures: number of package signature parts.
    """

    tab: str
    tabs: tuple[Tab, ...]
    version: str
    rows: tuple[FormRow, ...]
    macro: str
    macro_enabled: bool
    signatures: int
    like: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """What the CPL in force says a form must look like: it is the template (guidance 5.2, 7.1).

    version: ``3.000``. issued: the date as printed, ``07-11-2024``. fields: in form order.
    texts: field to columns C to F. lists: field to the values of its drop-down. placeholders: field to what stands
    in column G of the blank form. macro: sha256 of vbaProject.bin; modules: what it consists of. artefact: sha256 of
    the workbook it comes from.
    """

    artefact: str
    version: str
    issued: str
    fields: tuple[str, ...]
    texts: Mapping[str, tuple[str, str, str, str]]
    lists: Mapping[str, tuple[str, ...]]
    placeholders: Mapping[str, str]
    macro: str
    modules: MacroReading = field(default_factory=MacroReading)


class Change(StrEnum):
    """What bringing an answer into its normal text changed; nothing that could alter its meaning."""

    TRIMMED = "trimmed"
    UPPER = "upper-cased"
    RESPELLED = "respelled"
    SEPARATED = "separated"


@dataclass(frozen=True, slots=True)
class Answer:
    """One data item of a Submission: the cell it was read from and its normal text.

    text: the cell's text with outer blanks and line ends taken off, and upper-cased where the rule says the field
    is hexadecimal; what every check compares. changes: what that did to it.
    """

    field: str
    row: int
    cell: Cell
    text: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """One New Entry form and the documents that belong to it.

    file: the workbook's path in the mail. artefact: its sha256. documents: sha256 of the other files sent with it.
    answers: by field, the first row where a field stands twice. form: everything as read. signature: of the workbook;
    None where it was not read. macro_differs: how its macro differs from the published one, in words.
    certificates: the reading of every document of the mail, whichever Submission of the mail it belongs to.
    """

    file: str
    artefact: str
    form: Form
    answers: Mapping[str, Answer]
    documents: tuple[str, ...] = field(default=())
    signature: SignatureReading | None = None
    macro_differs: tuple[str, ...] = ()
    certificates: tuple[CertificateReading, ...] = ()

    def text(self, name: str) -> str:
        """Return the normal text of a field; empty where the form has no such row or no answer."""
        answer = self.answers.get(name)
        return answer.text if answer else ""
