"""The shared texts of a workbook, read one by one as cells point at them (ECMA-376 Part 1, 18.4.8 and 18.4.9).

The list brings hundreds of thousands of texts, of which an edit needs a few: only their places are kept.
"""

import re
from array import array
from collections.abc import Sequence
from typing import overload

from lxml import etree
from lxml.etree import _Element as Element

from pipeline.publish.refused import ListNotEditable
from pipeline.readers.cell import unescape

_ITEM = re.compile(rb"<si(?:\s[^<>]*)?/?>")
_PLAIN = re.compile(rb'<si><t(?: xml:space="preserve")?>([^<&\r]*)</t></si>\s*')
_ROOT = re.compile(rb"<sst(?:\s[^<>]*)?>")


class SharedTexts(Sequence[Element]):
    """The items of xl/sharedStrings.xml, each parsed when it is asked for."""

    def __init__(self, data: bytes) -> None:
        root = _ROOT.search(data)
        if data and (root is None or b"<!" in data):
            raise ListNotEditable(
                "The shared texts of the workbook are not written as Excel writes them. Open the list in Excel, save "
                "it and publish again."
            )
        self._data = data
        self._root = root[0] if root else b""
        self._places = array("Q", (found.start() for found in _ITEM.finditer(data)))
        self._places.append(max(data.rfind(b"</sst>"), 0))

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self._places) - 1

    @overload
    def __getitem__(self, index: int) -> Element: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Element]: ...
    def __getitem__(self, index: int | slice) -> Element | Sequence[Element]:
        """Return an ``si`` element."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        return etree.fromstring(self._root + self._item(index) + b"</sst>", _parser())[0]

    def plain(self, index: int) -> str | None:
        """Return an item that is nothing but text, quickly; None for any other, or for none."""
        match = _PLAIN.fullmatch(self._item(index)) if index < len(self) else None
        return unescape(match[1].decode()) if match else None

    def _item(self, index: int) -> bytes:
        return self._data[self._places[index] : self._places[index + 1]]


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
