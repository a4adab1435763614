"""How a reader says that a file cannot be read, and how it shows a name that a stranger chose."""

import re

_UNSEEN = re.compile(r"[^ -~\u00a1-\ud7ff]")


class Unreadable(Exception):  # noqa: N818 - named for the fact
    """The package cannot be read. Caught at the reader's boundary and stated as a Problem of this kind.

    code: a stable short name of the fault, for a SignatureFault. where: the part concerned; empty for the whole file.
    """

    def __init__(self, kind: str, text: str, code: str = "", where: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.code = code or kind
        self.where = where


def shown(text: str, most: int = 80) -> str:
    """Return a stranger's name as a sentence may show it: cut, and what cannot be seen replaced."""
    seen = _UNSEEN.sub("?", text[:most])
    return seen if len(text) <= most else f"{seen}…"
