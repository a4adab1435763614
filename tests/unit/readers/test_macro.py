"""The modules of a VBA project: as the project's own writer made them, and whatever else may come."""

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.demo.answers import good_answers
from pipeline.demo.compound import compound_file
from pipeline.demo.form import new_entry_form
from pipeline.demo.macro import SAMPLE_MODULES, VALIDATE_NEW_ENTRY, _compress, vba_project
from pipeline.demo.package import Package
from pipeline.domain.macro import MacroReading
from pipeline.readers.child import Forked
from pipeline.readers.macro import decompress, read_macro
from pipeline.readers.unreadable import Unreadable
from tests.builders import HOSTILE, as_xlsx, other_macro, spoil

MACRO = "xl/vbaProject.bin"
WORKBOOK = new_entry_form(good_answers())


def with_macro(project: bytes) -> bytes:
    return Package.read(WORKBOOK).put(MACRO, project).to_bytes()


def problem(workbook: bytes) -> str:
    read = read_macro(workbook)
    assert (read.modules, read.references) == ((), ())
    (one,) = read.problems
    return one.text


def test_the_sample_macro_is_read_back():
    read = read_macro(WORKBOOK)
    assert [module.name for module in read.modules] == list(SAMPLE_MODULES)
    assert read.references == ("VBA", "Excel", "stdole")
    assert not read.problems
    sheet = read.modules[1]
    assert sheet.lines == len(VALIDATE_NEW_ENTRY.splitlines()) + 8
    head = 'Attribute VB_Name = "Module1"\n'
    read = read_macro(with_macro(vba_project({"Module1": "Sub A()\nEnd Sub\n"})))
    assert read.modules[0].sha256 == hashlib.sha256(f"{head}Sub A()\nEnd Sub\n".encode()).hexdigest()


def test_line_ends_do_not_make_another_source():
    same = {"M": "a\nb\n"}
    assert read_macro(with_macro(vba_project(same))) == read_macro(with_macro(vba_project({"M": "a\r\nb\r\n"})))


def test_another_macro_is_another_source_and_the_child_says_the_same():
    workbook = spoil(WORKBOOK, other_macro())
    read = read_macro(workbook)
    assert {m.sha256 for m in read.modules} != {m.sha256 for m in read_macro(WORKBOOK).modules}
    assert Forked().macro(workbook) == read


def test_a_long_source_of_many_chunks():
    source = "".join(f"' line {number} {hashlib.sha256(str(number).encode()).hexdigest()}\n" for number in range(900))
    (module,) = read_macro(with_macro(vba_project({"M": source}))).modules
    assert module.lines == 901


def test_a_module_whose_source_begins_after_compiled_code():
    compiled = b"\x16\x03" * 40
    project = vba_project({"M": "x = 1\n"})
    where = decompress(_dir_stream(project))
    moved = where.replace(struct.pack("<HII", 0x31, 4, 0), struct.pack("<HII", 0x31, 4, len(compiled)))
    source = _compress(b'Attribute VB_Name = "M"\r\nx = 1\r\n')
    again = compound_file({"VBA/dir": _compress(moved), "VBA/M": compiled + source})
    assert read_macro(with_macro(again)).modules == read_macro(with_macro(project)).modules


def _dir_stream(project: bytes) -> bytes:
    import io

    import olefile

    with olefile.OleFileIO(io.BytesIO(project)) as opened:
        return bytes(opened.openstream("VBA/dir").read())


def test_a_workbook_without_a_macro_or_with_two():
    assert "has 0 VBA projects" in problem(spoil(WORKBOOK, as_xlsx()))
    package = Package.read(WORKBOOK)
    assert "has 2 VBA projects" in problem(package.put("xl/other/vbaProject.bin", b"x").to_bytes())


@pytest.mark.parametrize(
    ("project", "words"),
    [
        (b"", "not in the published form"),
        (b"not a compound file", "not in the published form"),
        (compound_file({"VBA/other": b"x"}), "not in the published form"),
        (compound_file({"VBA/dir": b"\x02no container"}), "not in the published form"),
        (compound_file({"VBA/dir": _compress(struct.pack("<HI", 0x19, 300) + b"n" * 300)}), "not in the published"),
        (compound_file({"VBA/dir": _compress(struct.pack("<HIH", 3, 2, 7777) + b"\x16\0\1\0\0\0x")}), "LookupError"),
        (compound_file({"VBA/dir": _compress((struct.pack("<HI", 0x16, 1) + b"r") * 201)}), "more than 200 references"),
    ],
)
def test_what_is_no_project_is_a_problem_in_words(project, words):
    assert words in problem(with_macro(project))


def test_more_modules_than_any_workbook_has():
    project = vba_project({f"M{number}": "" for number in range(201)})
    assert "more than 200 modules" in problem(with_macro(project))


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"zip-bomb", "huge-shared-string", "many-parts"}))
def test_hostile_workbooks_are_problems_or_readings(name):
    assert isinstance(read_macro(HOSTILE[name]()), MacroReading)


# ---- [MS-OVBA] 2.4.1


@given(st.binary(max_size=9000))
@settings(max_examples=60, deadline=None)
def test_what_was_compressed_comes_back(data):
    back = decompress(_compress(data))
    assert back[: len(data)] == data
    assert not back[len(data) :].strip(b"\0")


def test_the_example_of_the_specification():
    # [MS-OVBA] 3.2.3: a run of one letter, packed as a literal and one copy token
    packed = bytes.fromhex("0103b002614500")
    assert decompress(packed) == b"a" * 73


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a compressed container"),
        (b"\x00", "not a compressed container"),
        (bytes.fromhex("0102b001ffff"), "before its chunk"),
        (b"\x01" + struct.pack("<H", 0xB000 | 4) + b"\x06a\xff\x0f\xff\x0f", "more than 4,096"),
    ],
)
def test_a_container_that_is_none(data, words):
    with pytest.raises(ValueError, match=words):
        decompress(data)


def test_a_bomb_is_given_up():
    with pytest.raises(Unreadable) as caught:
        decompress(b"\x01" + _compress(bytes(4096))[1:] * 2049)
    assert caught.value.kind == "limit"


@given(st.binary(max_size=300), st.integers(0, 2**16))
@settings(max_examples=150, deadline=None)
def test_arbitrary_octets_in_a_project_never_raise(octets, at):
    project = vba_project(SAMPLE_MODULES)
    at %= len(project)
    spoilt = project[:at] + octets + project[at + len(octets) :]
    read = read_macro(with_macro(spoilt))
    assert not (read.problems and read.modules)
