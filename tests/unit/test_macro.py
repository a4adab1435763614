"""How two macros differ, in words for the reviewer."""

from pipeline.domain.macro import MacroModule, MacroReading, differences
from pipeline.domain.message import Problem

PUBLISHED = MacroReading((MacroModule("ThisWorkbook", "a", 9), MacroModule("Sheet1", "b", 20)), ("VBA", "Excel"))


def found(*modules: MacroModule, references: tuple[str, ...] = PUBLISHED.references) -> tuple[str, ...]:
    return differences(PUBLISHED, MacroReading(modules, references))


def test_each_difference_is_named():
    sheet = MacroModule("Sheet1", "c", 21)
    extra = MacroModule("Module1", "d", 3)
    assert found(sheet, extra, references=("VBA", "MSXML2")) == (
        "module ThisWorkbook is missing",
        "module Module1 is added (3 lines)",
        "module Sheet1 has another source (20 lines published, 21 here)",
        "reference Excel is missing",
        "reference MSXML2 is added",
    )


def test_equal_sources_are_said_to_be_equal_and_no_more():
    (said,) = found(*PUBLISHED.modules)
    assert said == "the source of every module is the published one, so Excel may only have saved it anew"


def test_modules_in_another_order_are_the_same_modules():
    assert found(*reversed(PUBLISHED.modules)) == found(*PUBLISHED.modules)


def test_a_macro_that_cannot_be_read_is_said_to_be_so():
    unreadable = MacroReading(problems=(Problem("damaged", "the workbook has 2 VBA projects"),))
    assert differences(PUBLISHED, unreadable) == ("its modules cannot be read: the workbook has 2 VBA projects",)
