"""``pipeline certificate``: exit codes, the JSON object and what a person reads, however a document turns out."""

import io
import json
import re
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from PIL import Image

from pipeline.cli import certificate as command
from pipeline.demo.certificates import certificate_pdf
from pipeline.demo.layouts import LAYOUTS
from pipeline.demo.wording import WORDING
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.document import Box, Unseen
from pipeline.readers.child import Forked
from pipeline.rulebook import Rulebook
from tests.papers import KINDS
from tests.pdfs import Raw, protected, raw_pdf, text, updated
from tests.readings import read_value

ROOT = Path(__file__).parents[3]
CORPUS = ROOT.parent / "shared" / "corpus" / "pdf"
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/reference/certificate.schema.json").read_text("utf-8")))

MODEL = {
    "manufacturer_identifier": "E1:07",
    "model_identifier": "00:2A",
    "hardware_version.version": "01",
    "hardware_version.revision": "AC",
    "firmware_version": "0C:03:0C:22",
}
SAID = {
    "number": "NCSC-1700000001-0042",
    "award_date": "26/10/2025",
    "expiry_date": "26/10/2031",
    "security_characteristics": "Gas Smart Metering Equipment v1.2",
    "manufacturer": "Quillmoor Metering Ltd",
    "device_type": "Gas Smart Meter",
    **MODEL,
}
TITLE = text(72, 780, "Commercial Product Assurance") + text(72, 760, "CPA Certificate, NCSC")
BODY = TITLE + text(72, 700, "Certificate Number: NCSC-1700000001-0042")


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def cpa(**more: str) -> bytes:
    return certificate_pdf("cpa", {**SAID, **more})


def docx(*paragraphs: str) -> bytes:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    types = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    body = "".join(f"<w:p><w:r><w:t>{each}</w:t></w:r></w:p>" for each in paragraphs)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{types}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (120, 80), "white").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def told(cli, tmp_path):
    """Read a document and return its object, which keeps to the schema and to the exit code."""

    def run(data, *more, name="paper.pdf"):
        ended = cli("certificate", put(tmp_path / name, data), "--json", *more)
        assert ended.err == ""
        tree = json.loads(ended.out)
        SCHEMA.validate(tree)
        assert ended.code == (0 if tree["kind"] else 20)
        return tree

    return run


@pytest.fixture
def shown(cli, tmp_path):
    """Read a document and return the exit code and the lines that a person reads."""

    def run(data, *more, name="paper.pdf"):
        ended = cli("certificate", put(tmp_path / name, data), *more)
        assert ended.err == ""
        return ended.code, ended.out.splitlines()

    return run


def test_the_schema_is_a_schema_and_strict(told):
    Draft202012Validator.check_schema(SCHEMA.schema)
    good = told(cpa())
    for change in (
        {"schema": 2},
        {"kind": None},
        {"kind": "CPA"},
        {"name": None},
        {"role": "paper"},
        {"source": "mail"},
        {"colour": 1},
        {"sha256": "0"},
        {"devices": [[]]},
        {"revisions": 0},
        {"values": [{**good["values"][0], "box": [1, 2, 3]}]},
        {"values": [{**good["values"][0], "page": 0}]},
        {"values": [{**good["values"][0], "how": "guess"}]},
        {"unseen": [{"page": 1, "box": [1, 2, 3, 4], "why": "shy", "text": "x"}]},
    ):
        with pytest.raises(ValidationError):
            SCHEMA.validate(good | change)
    for key in good:
        with pytest.raises(ValidationError):
            SCHEMA.validate({name: value for name, value in good.items() if name != key})


def test_every_value_has_its_page_box_label_and_readers(told, tmp_path):
    tree = told(cpa())
    assert (tree["kind"], tree["name"], tree["role"], tree["source"]) == (
        "cpa",
        "CPA Certificate",
        "certificate",
        "text",
    )
    assert tree["file"] == str(tmp_path / "paper.pdf")
    assert tree["rules"] == Rulebook.load(ROOT / "rules").fingerprint
    assert {value["field"]: value["text"] for value in tree["values"]} == SAID
    (number,) = [value for value in tree["values"] if value["field"] == "number"]
    left, top, right, bottom = number.pop("box")
    assert number == {
        "field": "number",
        "text": SAID["number"],
        "page": 1,
        "as_read": SAID["number"],
        "how": "label",
        "label": "Certificate Number",
        "readers": ["pdfium", "pdfplumber"],
        "confirmed": True,
    }
    assert 0 < left < right < 595
    assert 0 < top < bottom < 842
    assert tree["missed"] == tree["unseen"] == tree["problems"] == []
    (device,) = tree["devices"]
    assert {value["field"]: value["text"] for value in device} == {**MODEL, "manufacturer": SAID["manufacturer"]}


def test_a_value_cut_out_of_what_was_read_shows_both(told, shown):
    (revision,) = [value for value in told(cpa())["values"] if value["field"] == "hardware_version.revision"]
    assert (revision["text"], revision["as_read"]) == ("AC", "01_AC")
    assert any("'AC'" in line and ", in '01_AC'" in line for line in shown(cpa())[1])


@pytest.mark.parametrize("kind", WORDING)
def test_every_kind_is_told(told, kind):
    more = {"letter_date": "01/02/2026", "risk_review_date": "01/02/2029", "release_date": "01/02/2026"}
    numbers = {"zse_number": "ZIG12345ZSE12345", "cpa_number": SAID["number"], "dlms_number": "1234"}
    values = {**SAID, **more, **numbers, "test_lab": "KPMG"}
    layout = list(LAYOUTS)[list(WORDING).index(kind) % len(LAYOUTS)]
    tree = told(certificate_pdf(kind, values, layout=layout))
    assert tree["kind"] == kind
    assert tree["role"] == KINDS[kind].role
    assert tree["values"]


def test_every_device_model_of_a_list_is_told(told, shown):
    devices = [{**MODEL, "firmware_version": f"0C:03:0C:{number:02X}"} for number in range(30)]
    letter = {name: SAID[name] for name in ("number", "manufacturer")} | {"test_lab": "KPMG"}
    data = certificate_pdf("test-lab-letter", letter, devices, layout="schedule")
    firmware = [
        value["text"] for device in told(data)["devices"] for value in device if value["field"] == "firmware_version"
    ]
    assert firmware == [device["firmware_version"] for device in devices]
    code, lines = shown(data)
    assert code == 0
    assert "30 Device Models:" in lines
    (last,) = [line for line in lines if line.startswith("  30. ")]
    assert last == (
        "  30. manufacturer_identifier E1:07, model_identifier 00:2A, hardware_version.version 01, "
        "hardware_version.revision AC, firmware_version 0C:03:0C:1D, manufacturer Quillmoor Metering Ltd"
    )


def test_a_person_reads_one_line_for_each_value(shown):
    code, lines = shown(cpa())
    assert code == 0
    assert lines[0] == "CPA Certificate (cpa), read from its text."
    place = r"page 1 \[\d+\.\d, \d+\.\d, \d+\.\d, \d+\.\d\]"
    assert re.fullmatch(
        rf"  number: 'NCSC-1700000001-0042'  {place}; label 'Certificate Number'; read by pdfium and pdfplumber",
        lines[1],
    )
    assert [line for line in lines if line.startswith("  expiry_date: '26/10/2031'")]
    assert "1 Device Model:" in lines
    assert len(lines) == 1 + len(SAID) + 2


@pytest.mark.parametrize("width", ["200", "60", "30"])
def test_a_terminal_gets_a_table_in_which_nothing_is_cut_off(shown, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, lines = shown(cpa())
    assert code == 0
    rows = [line for line in lines if "│" in line]
    assert max(map(len, rows)) <= int(width)
    assert "…" not in "".join(lines)
    columns = [
        "".join(cell.strip() for cell in column) for column in zip(*(row.split("│")[1:-1] for row in rows), strict=True)
    ]
    assert "NCSC-1700000001-0042" in columns[1]
    assert "0C:03:0C:22" in columns[1]
    assert "page1" in columns[2].replace(" ", "")


def test_a_document_of_a_known_kind_that_says_nothing_is_recognised(told, shown):
    assert told(raw_pdf(Raw(TITLE)))["values"] == []
    assert shown(raw_pdf(Raw(TITLE))) == (0, ["CPA Certificate (cpa), read from its text.", "0 Device Models."])


def test_an_unconfirmed_value_is_marked():
    values = (
        read_value("number", "NCSC-1", confirmed=False, readers=("pdfium",)),
        read_value("award_date", "1/1/2026"),
    )
    reading = CertificateReading("a.pdf", "0" * 64, "cpa", values)
    doubtful, sure = list(command._lines(reading, KINDS))[1:3]
    assert doubtful.endswith("read by pdfium, NOT CONFIRMED")
    assert sure.endswith("read by pdfium and pdfplumber")


def test_where_nothing_is_recognised_the_missing_wordings_are_told_nearest_first(told, shown):
    data = raw_pdf(Raw(text(72, 700, "CPA Certificate of NCSC, Dear Ada")))
    code, lines = shown(data)
    assert code == 20
    assert lines[0] == "Not recognised: its words fit no kind."
    kinds = [line.strip() for line in lines if re.match(r"  \S", line)]
    assert {f"{kind.name} ({kind.kind})" for kind in KINDS.values()} == set(kinds)
    reasons = {name: [] for name in kinds}
    for line in lines[2:-1]:
        if re.match(r"  \S", line):
            name = line.strip()
        else:
            reasons[name].append(line.strip())
    assert reasons["CPA Certificate (cpa)"] == ["'dear' stands in it"]
    assert any(re.search("missing: .*'Risk Review'", reason) for reason in reasons["NCSC letter (ncsc-letter)"])
    counts = [len(reasons[name]) for name in kinds]
    assert counts == sorted(counts)
    assert counts[-1] > 1
    assert "rules/certificates/" in lines[-1]
    tree = told(data)
    assert {missed["kind"] for missed in tree["missed"]} == set(KINDS)
    assert tree["values"] == tree["devices"] == []


def test_what_a_person_does_not_see_is_told(told, shown):
    data = raw_pdf(Raw(BODY + text(72, 500, "Firmware Version: 0C:03:0C:22", before="3 Tr")))
    tree = told(data)
    assert tree["kind"] == "cpa"
    assert {item["why"] for item in tree["unseen"]} == {"invisible"}
    assert "0C:03:0C:22" in " ".join(item["text"] for item in tree["unseen"])
    assert "firmware_version" not in {value["field"] for value in tree["values"]}
    (line,) = [line for line in shown(data)[1] if line.startswith("Not seen by a person (invisible), page 1 [")]
    assert "0C:03:0C:22" in line


@pytest.mark.parametrize("why", SCHEMA.schema["properties"]["unseen"]["items"]["properties"]["why"]["enum"])
def test_every_way_to_hide_has_its_words(why):
    hidden = Unseen(2, "0C:03", Box(1, 2, 3, 4), why)
    line = list(command._lines(CertificateReading("a.pdf", "0" * 64, "", unseen=(hidden,)), KINDS))[-1]
    assert why in command._UNSEEN
    assert line == f"Not seen by a person ({command._UNSEEN[why]}), page 2 [1.0, 2.0, 3.0, 4.0]: '0C:03'"


def test_a_change_after_signing_and_a_second_save_are_told(told, shown):
    entry = "<< /Type /Sig /Filter /Adobe.PPKLite /ByteRange [0 0000000100 0000000200 0000000000] /Contents <00> >>"
    plain = raw_pdf(Raw(BODY, extra=[entry])) + b"\n"
    signed = plain.replace(b"0000000200 0000000000", b"0000000200 %010d" % (len(plain.rstrip()) - 200))
    assert (told(signed)["changed_after_signing"], told(signed)["revisions"]) == (False, 1)
    assert not [line for line in shown(signed)[1] if line.startswith("Changed")]
    tree = told(updated(signed))
    assert (tree["changed_after_signing"], tree["revisions"]) == (True, 2)
    assert "Changed: it was saved again after it was signed." in shown(updated(signed))[1][1]
    again = raw_pdf(Raw(BODY))
    assert told(updated(again))["revisions"] == 2
    assert shown(updated(again))[1][1].startswith("Changed: it was saved 2 times")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (protected(BODY, opens=False), "needs a password"),
        (b"%PDF-1.7\nbroken", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Word format"),
        (b"PK\x03\x04 no zip", "cannot be read"),
        (b"\0\xff" * 5_000, "is no PDF"),
        (picture()[:40], "damaged"),
    ],
)
def test_what_cannot_be_read_ends_in_words(told, shown, data, words):
    tree = told(data)
    assert (tree["kind"], tree["source"]) == (None, "none")
    assert words in tree["problems"][0]["text"]
    code, lines = shown(data)
    assert (code, lines[0]) == (20, "Not recognised: no words in it were read.")
    assert words in lines[1]
    assert not [line for line in lines if "missing" in line]


def test_a_certificate_that_only_its_owner_may_change_is_read(told):
    assert told(protected(BODY, opens=True))["kind"] == "cpa"


def test_a_child_that_does_not_come_back_is_told(monkeypatch, told, shown):
    limited = command.Forked

    def small() -> Forked:
        from pipeline.readers.jobs import ChildLimits

        return limited(ChildLimits(result=10))

    monkeypatch.setattr(command, "Forked", small)
    tree = told(cpa())
    assert (tree["kind"], tree["missed"]) == (None, [])
    assert tree["problems"]
    assert shown(cpa())[1][1].startswith("Problem: ")


def test_a_word_file_is_read_and_settles_nothing(told, shown):
    data = docx("Commercial Product Assurance, CPA Certificate, NCSC", "Certificate Number: NCSC-1700000001-0042")
    tree = told(data, name="paper.docx")
    assert tree["kind"] == "cpa"
    (number,) = [value for value in tree["values"] if value["field"] == "number"]
    assert (number["text"], number["confirmed"], number["readers"]) == (SAID["number"], False, ["docx"])
    assert any(line.endswith("read by docx, NOT CONFIRMED") for line in shown(data)[1])


def test_a_picture_without_words_is_not_recognised(told, shown):
    tree = told(picture(), name="scan.png")
    assert (tree["kind"], tree["values"]) == (None, [])
    assert shown(picture())[0] == 20


def test_what_is_no_file_is_2(cli, tmp_path):
    for path in (tmp_path, tmp_path / "none.pdf", tmp_path / "x\x1b[2Jy.pdf"):
        ended = cli("certificate", path)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert "\x1b" not in ended.err
    assert cli("certificate").code == 2
    paper = put(tmp_path / "a.pdf", cpa())
    assert cli("certificate", paper, "--rules", tmp_path / "none").code == 2
    assert cli("certificate", paper, "--rules", paper).code == 2


@pytest.mark.parametrize("name", ["-", "a b.pdf", "x\x1b[2Jy\u202e.pdf", "\udcff.pdf", "ü" * 100])
def test_a_file_may_be_called_anything(told, shown, name):
    data = cpa()
    assert told(data, name=name)["kind"] == "cpa"
    code, lines = shown(data, name=name)
    assert code == 0
    assert not [c for c in "".join(lines) if not c.isprintable()]


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_in_a_document_is_a_command_or_markup(monkeypatch, terminal):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "250")
    evil = "\x1b[31m[red]x[/red] [/no] \u202e\x07 :smile:"
    value = read_value("number", evil)
    value = replace(value, label=evil, place=replace(value.place, text=f"{evil} more", page=1))
    hidden = Unseen(1, evil, Box(0, 0, 1, 1), "covered")
    reading = CertificateReading("a.pdf", "0" * 64, "cpa", (value,), unseen=(hidden,))
    lines = list(command._lines(reading, KINDS))
    assert not [c for c in "".join(lines) if not c.isprintable()]
    assert sum("[red]x[/red] [/no]" in line and ":smile:" in line for line in lines) == 2


# ---- which rules


def other_rules(folder: Path) -> Path:
    """Rules under which a CPA Certificate is known by other words only."""
    shutil.copytree(ROOT / "rules", folder)
    cpa_file = folder / "certificates" / "cpa.yaml"
    known = cpa_file.read_text("utf-8")
    changed = known.replace("[Commercial Product Assurance, CPA Certificate, CPA Scheme, Foundation Grade]", "[Sesame]")
    assert changed != known
    cpa_file.write_text(changed, "utf-8")
    return folder


def test_the_rules_of_a_folder(told, tmp_path):
    folder = other_rules(tmp_path / "own")
    tree = told(raw_pdf(Raw(BODY)), "--rules", folder)
    assert tree["kind"] is None
    assert {"'Sesame'"} == {missing for m in tree["missed"] if m["kind"] == "cpa" for missing in m["missing"]}
    tree = told(raw_pdf(Raw(BODY + text(72, 600, "Sesame"))), "--rules", folder)
    assert tree["kind"] == "cpa"
    assert tree["rules"] == Rulebook.load(folder).fingerprint


def test_the_rules_of_the_settings(told, tmp_path):
    other_rules(tmp_path / "own")
    settings = put(tmp_path / "s.toml", b'rules = "own"\nmailbox = {kind = "maildir", path = "m"}\n')
    assert told(raw_pdf(Raw(BODY)))["kind"] == "cpa"
    assert told(raw_pdf(Raw(BODY)), "--config", settings)["kind"] is None
    assert told(raw_pdf(Raw(BODY)), "--config", settings, "--rules", ROOT / "rules")["kind"] == "cpa"


def test_rules_that_cannot_be_read_are_1(cli, tmp_path):
    folder = other_rules(tmp_path / "own")
    put(folder / "certificates" / "cpa.yaml", b"kind: [")
    ended = cli("certificate", put(tmp_path / "a.pdf", cpa()), "--rules", folder)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert "certificates/cpa.yaml" in ended.err


@pytest.mark.real
def test_pdf_files_that_other_people_made(told):
    files = sorted(CORPUS.rglob("*.pdf"))[::15]
    if not files:
        pytest.skip(f"no PDF files in {CORPUS}")
    for file in files:
        tree = told(file.read_bytes())
        assert tree["missed"] or tree["problems"], file.name
