"""Writes OLE compound files ([MS-CFB] version 3): the container of vbaProject.bin and of encrypted workbooks."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

_SECTOR = 512
_MINI_SECTOR = 64
_MINI_LIMIT = 4096
_FREE = 0xFFFFFFFF
_END = 0xFFFFFFFE
_FAT = 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_RED, _BLACK = 0, 1
_FAT_IN_HEADER = 109


@dataclass(slots=True)
class _Node:
    """One directory entry; number is its place in the directory, start and size say where its bytes lie."""

    name: str
    kind: int
    data: bytes = b""
    children: list["_Node"] = field(default_factory=list)
    number: int = 0
    left: int = _FREE
    right: int = _FREE
    child: int = _FREE
    colour: int = _BLACK
    start: int = 0
    size: int = 0


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """Return a compound file that holds the given streams; ``VBA/dir`` is the stream dir in the storage VBA.

    Raises ValueError for a name that [MS-CFB] 2.6.1 does not allow and for more than about 6.8 MB in all, which
    would need a second table of sectors.
    """
    root = _Node("Root Entry", _ROOT)
    for path, data in streams.items():
        _plant(root, path, data)
    nodes = _number(root)
    _link(root)

    mini, mini_fat = _lay_out_small(nodes)
    chains: list[tuple[_Node | None, bytes]] = [(root, mini)] if mini else []
    chains += [(node, node.data) for node in nodes if node.kind == _STREAM and len(node.data) >= _MINI_LIMIT]
    root.start, root.size = (0 if mini else _END), len(mini)

    sectors: list[bytes] = []
    fat: list[int] = []
    for node, data in chains:
        if node is not None:
            node.start = len(fat)
        _chain(sectors, fat, data)
    mini_fat_start = len(fat)
    mini_fat_sectors = _chain(sectors, fat, struct.pack(f"<{len(mini_fat)}I", *mini_fat), fill=b"\xff")
    directory_start = len(fat)
    _chain(sectors, fat, _directory(nodes))
    fat_sectors = _append_fat(sectors, fat)
    header = _header(fat_sectors, directory_start, mini_fat_start if mini_fat_sectors else _END, mini_fat_sectors)
    return header + b"".join(sectors)


def _plant(root: _Node, path: str, data: bytes) -> None:
    """Put one stream into the tree of storages, making those that are missing."""
    *storages, name = path.split("/")
    here = root
    for step in (*storages, name):
        if not step or len(step) > 31 or set(step) & set("/\\:!"):  # noqa: PLR2004 - [MS-CFB] 2.6.1: 31 characters
            raise ValueError(f"{step!r} cannot be a name in a compound file; use 1 to 31 characters without / \\ : !")
    for step in storages:
        found = next((child for child in here.children if child.name == step), None)
        if found is None:
            found = _Node(step, _STORAGE)
            here.children.append(found)
        here = found
    here.children.append(_Node(name, _STREAM, data, size=len(data)))


def _number(root: _Node) -> list[_Node]:
    """Give every node its place in the directory, the root first."""
    nodes: list[_Node] = []
    waiting = [root]
    while waiting:
        node = waiting.pop(0)
        node.number = len(nodes)
        nodes.append(node)
        waiting += node.children
    return nodes


def _link(storage: _Node) -> None:
    """Join the children of each storage into a balanced red-black tree ([MS-CFB] 2.6.4)."""
    ordered = sorted(storage.children, key=lambda node: (len(node.name), node.name.upper()))
    deepest = len(ordered).bit_length() - 1

    def grow(part: list[_Node], depth: int) -> int:
        if not part:
            return _FREE
        middle = len(part) // 2
        node = part[middle]
        node.left, node.right = grow(part[:middle], depth + 1), grow(part[middle + 1 :], depth + 1)
        node.colour = _RED if depth == deepest and depth else _BLACK
        return node.number

    storage.child = grow(ordered, 0)
    for child in storage.children:
        if child.kind == _STORAGE:
            _link(child)


def _lay_out_small(nodes: list[_Node]) -> tuple[bytes, list[int]]:
    """Put every stream under 4,096 octets into the mini stream; return it with its allocation table."""
    sectors: list[bytes] = []
    table: list[int] = []
    for node in nodes:
        if node.kind != _STREAM or len(node.data) >= _MINI_LIMIT:
            continue
        node.start = len(table) if node.data else _END
        _chain(sectors, table, node.data, size=_MINI_SECTOR)
    return b"".join(sectors), table


def _chain(sectors: list[bytes], table: list[int], data: bytes, size: int = _SECTOR, fill: bytes = b"\0") -> int:
    """Append data as a run of sectors, enter the run in the table, and return how many sectors it took."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    first = len(table)
    sectors += [piece.ljust(size, fill) for piece in pieces]
    table += [first + at + 1 for at in range(len(pieces))]
    if pieces:
        table[-1] = _END
    return len(pieces)


def _directory(nodes: list[_Node]) -> bytes:
    """Return the directory stream: 128 octets for each node ([MS-CFB] 2.6.1), filled up with unused entries."""
    out = bytearray()
    for node in nodes:
        name = (node.name + "\0").encode("utf-16-le")
        out += struct.pack(
            "<64sHBBIII16sIQQIQ",
            name,
            len(name),
            node.kind,
            node.colour,
            node.left,
            node.right,
            node.child,
            b"",
            0,
            0,
            0,
            node.start,
            node.size,
        )
    unused = struct.pack("<64sHBBIII16sIQQIQ", b"", 0, 0, 0, _FREE, _FREE, _FREE, b"", 0, 0, 0, 0, 0)
    while len(out) % _SECTOR:
        out += unused
    return bytes(out)


def _append_fat(sectors: list[bytes], fat: list[int]) -> list[int]:
    """Append the sectors of the allocation table, which list themselves too; return their numbers."""
    per_sector = _SECTOR // 4
    needed = next(n for n in count(1) if n * per_sector >= len(fat) + n)
    if needed > _FAT_IN_HEADER:
        raise ValueError("the streams are too large for one compound file of this writer (about 6.8 MB in all)")
    numbers = [len(fat) + at for at in range(needed)]
    fat += [_FAT] * needed
    fat += [_FREE] * (needed * per_sector - len(fat))
    table = struct.pack(f"<{len(fat)}I", *fat)
    sectors += [table[at : at + _SECTOR] for at in range(0, len(table), _SECTOR)]
    return numbers


def _header(fat_sectors: list[int], directory: int, mini_fat: int, mini_fat_sectors: int) -> bytes:
    """Return the first 512 octets ([MS-CFB] 2.2)."""
    places = fat_sectors + [_FREE] * (_FAT_IN_HEADER - len(fat_sectors))
    return struct.pack(
        "<8s16sHHHHH6sIIIIIIIII109I",
        bytes.fromhex("d0cf11e0a1b11ae1"),
        b"",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        b"",
        0,
        len(fat_sectors),
        directory,
        0,
        _MINI_LIMIT,
        mini_fat,
        mini_fat_sectors,
        _END,
        0,
        *places,
    )
