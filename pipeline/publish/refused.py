"""How the writer of the list says that it will not write."""


class ListNotEditable(Exception):  # noqa: N818 - named for the fact
    """The workbook cannot be edited without guessing. The text names the place, what is wrong and what to do."""
