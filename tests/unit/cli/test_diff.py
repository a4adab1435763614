"""``pipeline diff``: exit codes, what a person reads, and the JSON object."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.builders import Package, cpl_workbook, encrypted_workbook, new_entry_form, sample_entries, zip_bomb

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "real"
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/reference/diff.schema.json").read_text("utf-8")))
STATUS = "Entry.status"


def put(path, data):
    path.write_bytes(data)
    return path


def changed(number, **values):
    named = {name.replace("__", "."): text for name, text in values.items()}
    return [{**entry, **(named if entry["Entry.number"] == number else {})} for entry in sample_entries()]


@pytest.fixture
def old(tmp_path):
    return put(tmp_path / "old.xlsm", cpl_workbook(sample_entries()))


@pytest.fixture
def diff(cli, tmp_path, old):
    """Compare the sample list with one of other entries; the object keeps to the schema."""

    def run(entries, version="3.001"):
        new = put(tmp_path / "new.xlsm", cpl_workbook(entries, version=version, issued="20-11-2026"))
        plain = cli("diff", old, new)
        assert (plain.code, plain.err) == (0, "")
        ended = cli("diff", old, new, "--json")
        assert (ended.code, ended.err) == (0, "")
        tree = json.loads(ended.out)
        SCHEMA.validate(tree)
        assert plain.out.startswith(tree["words"][0])
        return plain.out.splitlines(), tree

    return run


def test_the_schema_is_a_schema_and_strict(diff):
    Draft202012Validator.check_schema(SCHEMA.schema)
    _, good = diff(changed("000008", **{STATUS: "Removed"})[1:])
    assert [item["kind"] for item in good["changes"]] == ["gone", "removed"]
    for change in ({"schema": 2}, {"colour": 1}, {"words": []}, {"changes": [{}]}):
        with pytest.raises(ValidationError):
            SCHEMA.validate(good | change)
    for spoiled in ({"kind": "moved"}, {"kind": "added"}, {"before": None}, {"number": "8"}):
        with pytest.raises(ValidationError):
            SCHEMA.validate(good | {"changes": [good["changes"][1] | spoiled]})
    for key in good:
        with pytest.raises(ValidationError):
            SCHEMA.validate({name: value for name, value in good.items() if name != key})


def test_lists_that_say_the_same(diff):
    lines, tree = diff(sample_entries())
    assert lines == ["The entries of version 3.000 and version 3.001 say the same."]
    assert tree["changes"] == []
    assert [tree[side]["entries"] for side in ("old", "new")] == [21, 21]
    assert tree["old"]["sha256"] != tree["new"]["sha256"]


def test_each_change_in_words_and_cell_by_cell(diff):
    entries = changed("000008", **{STATUS: "Removed", "CPA_Certificate.expiry_date": "01/02/2031"})
    entries[0] = {**entries[0], "Manufacturer_Image.creator": ""}
    lines, tree = diff([*entries, {**entries[-1], "Entry.number": "000025"}])
    assert lines[0] == "From version 3.000 to version 3.001: 1 added, 1 changed, 1 removed."
    assert "" in lines
    table = lines[lines.index("") + 1 :]
    assert table == [
        "000001  changed  Manufacturer_Image.creator: 'Quillmoor Metering Ltd' -> ''",
        "000008  removed  Entry.status: 'Current' -> 'Removed'",
        "000008  removed  CPA_Certificate.expiry_date: '09/09/2029' -> '01/02/2031'",
        "000025  added    Device_Model: '' -> 'E1:01 00:0A 01 02 0C:02:0C:21'",
    ]
    assert (tree["old"]["version"], tree["new"]["version"]) == ("3.000", "3.001")
    creator, removed, added = tree["changes"]
    assert creator["values"] == [
        {"field": "Manufacturer_Image.creator", "before": "Quillmoor Metering Ltd", "after": ""}
    ]
    assert removed["before"][STATUS] == "Current"
    assert removed["after"][STATUS] == "Removed"
    assert (added["before"], added["after"]) == (None, {**sample_entries()[-1], "Entry.number": "000025"})


def test_a_number_that_stands_twice_is_told(diff):
    lines, tree = diff([*sample_entries(), sample_entries()[-1]])
    assert "Careful: entry 000024 of the later list, version 3.001: more than one row each." in lines
    assert (tree["old"]["repeated"], tree["new"]["repeated"]) == ([], ["000024"])
    assert [item["kind"] for item in tree["changes"]] == ["added"]


def test_a_stranger_s_text_cannot_steer_the_terminal(diff):
    lines, tree = diff(changed("000008", **{"Manufacturer_Image.creator": "Nice\u202eeman\u200b"}))
    assert "\\u202e" in "\n".join(lines)
    assert "\u202e" not in "\n".join(lines)
    assert tree["changes"][0]["values"][0]["after"] == "Nice\u202eeman\u200b"


def test_what_no_list_publishes_is_not_told(cli, tmp_path, old):
    package = Package.read(cpl_workbook(sample_entries(), version="3.001"))
    strings = package.part("xl/sharedStrings.xml").replace(b">Zigbee_Properties<", b">Manufacturer Contact FIR<")
    new = put(tmp_path / "new.xlsm", package.put("xl/sharedStrings.xml", strings).to_bytes())
    ended = cli("diff", old, new, "--json")
    (change,) = json.loads(ended.out)["changes"]
    assert [cell["field"] for cell in change["values"]] == ["ZigBee_Properties.Bands_Join"]
    assert "Contact FIR" not in ended.out + cli("diff", old, new).out


def test_in_a_terminal_it_is_a_table(cli, tmp_path, old, monkeypatch):
    new = put(tmp_path / "new.xlsm", cpl_workbook(changed("000008", **{"Manufacturer_Image.creator": "[bold]X"})))
    monkeypatch.setattr("pipeline.cli.diff.sys.stdout.isatty", lambda: True, raising=False)
    ended = cli("diff", old, new)
    assert re.search("┃.*entry.*┃.*what.*┃.*column.*┃.*before.*┃.*after.*┃", ended.out)
    assert re.search(r"│ 000008 │ changed │ Manufacturer_Image.creator │ Fennbrook .*│ \[bold\]X │", ended.out)


@pytest.mark.parametrize("data", [b"", b"\0\xff" * 500, encrypted_workbook(), zip_bomb(), new_entry_form({})])
def test_what_is_no_list_is_exit_1_with_the_file_and_the_reason(cli, tmp_path, old, data):
    bad = put(tmp_path / "bad.xlsm", data)
    for arguments in ((old, bad), (bad, old), (bad, old, "--json")):
        ended = cli("diff", *arguments)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(f"pipeline: {bad}: cannot be read as a CPL: ")
        assert ended.err.count("\n") == 1


def test_asked_wrongly_is_exit_2(cli, tmp_path, old):
    for arguments in ((), (old,), (old, tmp_path / "none"), (old, tmp_path), (old, old, "--yaml"), (old, old, old)):
        ended = cli("diff", *arguments)
        assert (ended.code, ended.out) == (2, "")


def test_the_help_says_the_exit_codes(cli):
    text = " ".join(cli("diff", "--help").out.split())
    assert "0 when both were read, whether they differ or not; 1 when one cannot be read; 2 usage" in text


@pytest.mark.real
def test_two_real_layouts_say_the_same(cli):
    files = [REAL / name for name in ("Central-Products-List_2.051.xlsm", "CPL_3.000_derived.xlsm")]
    if not all(file.is_file() for file in files):
        pytest.skip("the real lists are not beside this checkout (../shared/real)")
    ended = cli("diff", *files, "--json")
    tree = json.loads(ended.out)
    SCHEMA.validate(tree)
    assert (ended.code, tree["changes"], tree["old"]["entries"]) == (0, [], 729)
