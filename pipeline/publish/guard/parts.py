"""The parts of the two packages held side by side, and the octets outside the rows."""

import re
from collections.abc import Collection, Iterator, Sequence

from pipeline.publish.guard.orders import TabOrders
from pipeline.readers.zip_directory import ZipEntry, read_directory

_RANGE = re.compile(rb"(\$?[A-Z]{1,3}\$?)([0-9]{1,7})(:\$?[A-Z]{1,3}\$?)([0-9]{1,7})")
_USED = re.compile(rb'<dimension ref="[A-Z]+[0-9]+(?::[A-Z]+([0-9]+))?"/>')
_MERGED = re.compile(rb"<mergeCells.*</mergeCells>", re.DOTALL)
_FOLLOWING = re.compile(
    rb'<(?:autoFilter|conditionalFormatting|dataValidation|table)(?=\s)[^<>]*?\s(?:sq)?ref="([^"]*)"'
)


def part_faults(before: bytes, after: bytes, may_change: Collection[str]) -> Iterator[str]:
    """Yield what differs between two packages beside the contents of some parts. Raises Unreadable."""
    then, now = read_directory(before), read_directory(after)
    old, new = [entry.name for entry in then.values()], [entry.name for entry in now.values()]
    yield from (f"the part {name} is lost" for name in old if name not in new)
    yield from (f"the part {name} is new" for name in new if name not in old)
    if old != new and sorted(old) == sorted(new):
        yield "the parts stand in another order"
    for key, entry in then.items():
        if key in now and entry.name not in may_change and _packed(before, entry) != _packed(after, now[key]):
            yield f"the part {entry.name} is not what it was, octet by octet"


def _packed(data: bytes, entry: ZipEntry) -> tuple[int, int, int, bytes]:
    return entry.method, entry.crc, entry.size, data[entry.start : entry.start + entry.packed]


def head_faults(name: str, then: bytes, now: bytes, orders: TabOrders) -> Iterator[str]:
    """Yield what differs before the rows of a tab: the used range may grow, and must."""
    if _USED.sub(b"", then) != _USED.sub(b"", now):
        yield f"in the tab '{name}' something before the rows has changed"
    used = _USED.search(now)
    if used and int(used[1] or 0) < orders.last + orders.added:
        yield f"the tab '{name}' says that its last row is {int(used[1] or 0)}: some programs would miss the new rows"


def tail_faults(name: str, then: bytes, now: bytes, orders: TabOrders) -> Iterator[str]:
    """Yield what differs behind the rows of a tab: ranges that ended on the last row still do, save merged cells."""
    if not only_grown(then, now, [orders]) or _merged(then) != _merged(now):
        yield f"in the tab '{name}' something behind the rows has changed"
    for holder in _FOLLOWING.finditer(now):
        for one in _RANGE.finditer(holder[1]):
            if orders.added and int(one[2]) < int(one[4]) == orders.last:
                yield f"in the tab '{name}' the range {one[0].decode()} does not reach the new rows"


def _merged(text: bytes) -> bytes:
    found = _MERGED.search(text)
    return found[0] if found else b""


def only_grown(then: bytes, now: bytes, growing: Sequence[TabOrders]) -> bool:
    """Say whether two texts are the same, save that ranges which ended on a tab's last row reach its new rows."""
    grown = {one.last: {two.last + two.added for two in growing if two.last == one.last} for one in growing}
    old, new = list(_RANGE.finditer(then)), list(_RANGE.finditer(now))
    if len(old) != len(new) or _RANGE.sub(b"", then) != _RANGE.sub(b"", now):
        return False
    return all(
        (one[1], one[2], one[3]) == (two[1], two[2], two[3])
        and (one[4] == two[4] or int(two[4]) in grown.get(int(one[4]), set()))
        for one, two in zip(old, new, strict=True)
    )
