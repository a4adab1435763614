"""The form as a whole: the tab, the file, its version, its rows, its macro."""

import re
from collections import Counter
from collections.abc import Iterator

from pipeline.checks.matter import Matter, Say, check, quoted
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.form import CellKind, FormRow

FORM_TAB = "CPL - New Entry"
_VERSION = re.compile(r"Version ([0-9]{1,4})\.([0-9]{1,4})(?: |$)")
_DASHES = dict.fromkeys([0x2D, *range(0x2010, 0x2016), 0x2212], " - ")


def _is_form_name(name: str) -> bool:
    return " ".join(name.translate(_DASHES).split()) == FORM_TAB


@check("form.tab", needs="workbook")
def tab(matter: Matter, say: Say) -> Iterator[Finding]:
    """Exactly one tab 'CPL - New Entry', visible, and not renamed; other tabs are free to be there or not."""
    form = matter.submission.form
    named = [t for t in form.tabs if _is_form_name(t.name)]
    names = ", ".join(f"'{t.name}'" for t in form.tabs[:12]) or "none"
    more = {"expected": f"one visible tab named '{FORM_TAB}'"}
    if not named:
        renamed = f"; '{form.tab}' looks like it" if form.tab else ""
        yield say.fail(
            f"The workbook has no tab '{FORM_TAB}'{renamed}.",
            matter.whole_file(names),
            remedy=f"Name the tab '{FORM_TAB}', as published." if form.tab else "Fill in the tab of the current CPL.",
            **more,
        )
    elif len(named) > 1:
        yield say.fail(
            f"The workbook has {len(named)} tabs named '{FORM_TAB}'.",
            matter.whole_file(names),
            remedy="Send one workbook for each submission.",
            **more,
        )
    elif named[0].state != "visible":
        yield say.fail(
            f"The tab '{named[0].name}' is hidden.",
            matter.whole_file(named[0].state),
            remedy="Show the tab, and sign and save the workbook again.",
            **more,
        )
    elif form.like:
        yield say.look(
            f"Besides '{named[0].name}' the tab '{form.like[0]}' is laid out like a form.",
            matter.whole_file(names),
            remedy="Send one workbook for each submission.",
            **more,
        )


@check("form.file-type", needs="workbook")
def file_type(matter: Matter, say: Say) -> Iterator[Finding]:
    """An .xlsm by its content; the name is advice only."""
    form = matter.submission.form
    name = matter.submission.file.rsplit(" › ", 1)[-1]
    if not form.macro_enabled:
        yield say.fail(
            f"{name} is not an Excel Macro-Enabled Workbook.",
            matter.whole_file(),
            expected="a workbook saved as .xlsm",
            remedy="Save it from the published CPL as 'Excel Macro-Enabled Workbook (*.xlsm)'.",
        )
    elif not name.lower().endswith(".xlsm"):
        yield say.advice(
            f"{name} is an Excel Macro-Enabled Workbook, but its name does not end in .xlsm.",
            matter.whole_file(),
            expected="a name ending in .xlsm",
        )


@check("form.version")
def version(matter: Matter, say: Say) -> Iterator[Finding]:
    """Cell A2 says from which CPL version the form is taken."""
    form = matter.submission.form
    evidence = (Evidence(matter.submission.artefact, matter.submission.file, f"{form.tab}!A2", form.version),)
    used = _version(form.version)
    earliest = matter.rules.earliest
    current = matter.template.version if matter.template else ""
    more = {"expected": f"the form of CPL version {current or earliest}, or one not older than {earliest}"}
    remedy = "Download the current CPL from the SEC website and fill in its New Entry tab."
    if used is None:
        yield say.fail(
            "Cell A2 does not say which CPL version the form is from, as forms before 3.000 do not.",
            evidence,
            remedy=remedy,
            **more,
        )
    elif used < _numbers(earliest):
        yield say.fail(
            f"The form is from CPL version {_dotted(used)}, which can no longer be used.",
            evidence,
            remedy=remedy,
            **more,
        )
    elif current and used > _numbers(current):
        yield say.look(
            f"The form says it is from CPL version {_dotted(used)}, but {current} is in force.",
            evidence,
            **more,
        )
    elif current and used < _numbers(current):
        yield say.advice(
            f"The form is from CPL version {_dotted(used)}; {current} is in force.",
            evidence,
            remedy="Use the latest version next time.",
            **more,
        )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]:03}"


def _numbers(dotted: str) -> tuple[int, int]:
    principal, _, sub = dotted.partition(".")
    return int(principal), int(sub)


def _version(line: str) -> tuple[int, int] | None:
    match = _VERSION.match(line)
    return (int(match[1]), int(match[2])) if match else None


_START_AGAIN = "Start again from the current CPL; only column G may be changed."


@check("form.layout")
def layout(matter: Matter, say: Say) -> Iterator[Finding]:
    """The rows are the published ones, each once, and columns A to F say what SECAS published."""
    yield from _row_counts(matter, say)
    yield from _strange_rows(matter, say)
    yield from _changed_texts(matter, say)


def _row_counts(matter: Matter, say: Say) -> Iterator[Finding]:
    form, rules = matter.submission.form, matter.rules
    counted = Counter(row.field for row in form.rows)
    for name in (*rules.allocated, *rules.fields):
        if not counted[name]:
            yield say.fail(
                f"The row '{name}' is missing from the form.", matter.whole_file(), subject=name, remedy=_START_AGAIN
            )
        elif counted[name] > 1:
            rows = [row for row in form.rows if row.field == name]
            yield say.fail(
                f"The row '{name}' stands {len(rows)} times in the form.",
                tuple(_at(matter, row, f"A{row.number}") for row in rows),
                subject=name,
                remedy=_START_AGAIN,
            )


def _strange_rows(matter: Matter, say: Say) -> Iterator[Finding]:
    """A row that SECAS has not published, and a hidden one, may hold something that nobody judges."""
    published = matter.template.fields if matter.template else matter.rules.allocated
    expected = {*matter.rules.fields, *published}
    for row in matter.submission.form.rows:
        if row.field not in expected:
            yield say.look(
                f"The form has the row {quoted(row.field)}, which SECAS has not published.",
                (_at(matter, row, f"A{row.number}", row.field),),
                subject=f"row {row.number}",
                remedy=_START_AGAIN,
            )
        elif row.hidden and row.answer.kind is not CellKind.EMPTY:
            yield say.look(
                f"The row '{row.field}' is hidden.",
                (_at(matter, row, f"A{row.number}"),),
                subject=row.field,
                remedy="Show all rows.",
            )


def _changed_texts(matter: Matter, say: Say) -> Iterator[Finding]:
    """Only a form of the very version in force can be compared with it."""
    form, template = matter.submission.form, matter.template
    if template is None or _version(form.version) != _numbers(template.version):
        return
    for row in form.rows:
        if _differs(row, template.texts.get(row.field)):
            yield say.look(
                f"The published texts of the row '{row.field}' have been changed.",
                (_at(matter, row, f"C{row.number}:F{row.number}"),),
                subject=row.field,
                remedy=_START_AGAIN,
            )


def _differs(row: FormRow, published: tuple[str, ...] | None) -> bool:
    return published is not None and [" ".join(t.split()) for t in row.texts] != [
        " ".join(t.split()) for t in published
    ]


def _at(matter: Matter, row: FormRow, where: str, text: str = "") -> Evidence:
    sheet = matter.submission.form.tab
    return Evidence(matter.submission.artefact, matter.submission.file, f"{sheet}!{where}", text or row.field)


@check("form.macro", needs="workbook")
def macro(matter: Matter, say: Say) -> Iterator[Finding]:
    """The macro is the one of the CPL in force, or a reviewer looks."""
    form = matter.submission.form
    known = matter.template.macro if matter.template else ""
    earlier = next((item for item in matter.rules.signers.macros if item.sha256 == form.macro), None)
    if not form.macro_enabled:
        yield say.not_applicable("The workbook is not macro-enabled.")
    elif not form.macro:
        yield say.look("The workbook has no macro, so it was not made from the published CPL.", matter.whole_file())
    elif earlier and form.macro != known:
        yield say.advice(f"The workbook's macro is the one of CPL version {earlier.version}.", matter.whole_file())
    elif not known:
        yield say.look("There is no CPL in force to compare the workbook's macro with.", matter.whole_file(form.macro))
    elif form.macro != known:
        yield say.look(
            f"The workbook's macro is not the one that SECAS published with the CPL in force{_said(matter)}.",
            matter.whole_file(form.macro),
            expected=f"vbaProject.bin with sha256 {known}",
        )


def _said(matter: Matter) -> str:
    shown = matter.submission.macro_differs[:8]
    more = len(matter.submission.macro_differs) - len(shown)
    return f": {'; '.join(shown)}{f'; and {more} more' if more > 0 else ''}" if shown else ""


@check("form.entry-empty")
def entry_empty(matter: Matter, say: Say) -> Iterator[Finding]:
    """Entry.number and Entry.status are given by SECAS; what a submitter writes there is not used."""
    for name in matter.rules.allocated:
        answer = matter.submission.answers.get(name)
        if answer and answer.text and "allocated by SECAS" not in answer.text:
            yield say.advice(
                f"{name} is filled in, but it is given by SECAS and what stands there is not used.",
                matter.evidence(name),
                subject=name,
                expected="the field as published",
            )
