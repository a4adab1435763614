"""The crops of ``pipeline case N --crops DIR``: what is written, under which name, and what is told instead."""

import io
import json
import re
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from PIL import Image

from pipeline.cli import crops
from pipeline.cli.crops import write_crops
from pipeline.demo.mail import File, mail
from pipeline.demo.pdf import Line, Sheet, pdf_of
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Status
from pipeline.domain.judgement import Decision, Judged, Outcome
from pipeline.domain.message import Problem
from pipeline.readers.child import Forked
from pipeline.readers.message import read_message
from tests.pdfs import protected, text

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PAPER = pdf_of([Sheet((Line(72, 700, "Firmware Version 0C:03:0C:22"),)), Sheet((Line(72, 700, "Page two"),))])
BOX = "page 1 [72.0, 130.0, 220.0, 145.0]"
CHECK = "align.zse.firmware"


def photograph(size=(300, 200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, "PNG", dpi=(72, 72))
    return out.getvalue()


def a_mail(*files):
    """A mail as read, with the files in it."""
    return read_message(mail("New entry", "With certificates.", AT, [File(n, d, "application/pdf") for n, d in files]))


MAIL = a_mail(("zse.pdf", PAPER))


def at(where=BOX, data=PAPER, file="zse.pdf", text="0C:03:0C:22"):
    return Evidence(sha256(data).hexdigest() if isinstance(data, bytes) else data, file, where, text)


def found(*evidence, check=CHECK):
    finding = Finding(check, Status.PASS, "It agrees.", "CPL guidance V6.0, 7.2.2", evidence)
    return Judged("form.xlsm", "", "Gas Smart Meter", None, (finding,), Decision(Outcome.ACCEPT, "accept", "Good."))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "crops"


@pytest.fixture
def written(folder):
    """Write the crops of Findings; return what is told of each."""

    def run(*judged, read=MAIL, readers=None):
        return list(write_crops(folder, judged, read, readers or Forked()))

    return run


def files_in(folder):
    """Every file under a folder, by its path in it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class Counting:
    """Readers that answer every question for a crop alike, and keep the questions."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def crop(self, question):
        self.asked.append(question)
        return self.answer


# ---- what is written


def test_a_place_is_written_as_a_picture_of_it(written, folder):
    (crop,) = written(found(at()))
    assert (crop.check, crop.file, crop.place, crop.problem) == (CHECK, "zse.pdf", BOX, "")
    assert crop.path == str(folder / "align.zse.firmware_zse.pdf_page-1.png")
    assert files_in(folder) == ["align.zse.firmware_zse.pdf_page-1.png"]
    with Image.open(crop.path) as shown:
        assert shown.format == "PNG"
        assert shown.width == pytest.approx((72 + 148 + 18) * 200 / 72, abs=2)
        assert min(shown.convert("L").tobytes()) < 64, "there is ink on it"


def test_the_question_has_the_bytes_the_page_and_the_box(written):
    readers = Counting(b"png")
    written(found(at("page 2 [-1.5, 2.0, 3.5, 40.0]")), readers=readers)
    (question,) = readers.asked
    box = question.box
    assert (question.data, question.page) == (PAPER, 2)
    assert (box.left, box.top, box.right, box.bottom) == (-1.5, 2.0, 3.5, 40.0)


@pytest.mark.parametrize(("where", "place", "page"), [("", "first page", 1), ("page 2", "page 2", 2)])
def test_evidence_without_a_box_is_the_whole_page(written, where, place, page):
    (crop,) = written(found(at(where)))
    assert crop.place == place
    assert crop.path.endswith(f"_zse.pdf_page-{page}.png")
    with Image.open(crop.path) as shown:
        assert shown.size == (pytest.approx(595 * 200 / 72, abs=2), pytest.approx(842 * 200 / 72, abs=2))


def test_a_picture_has_a_page_to_show(written):
    data = photograph()
    read = a_mail(("scan.png", data))
    whole, part = written(found(at("", data, "scan.png"), at("page 1 [50.0, 50.0, 90.0, 60.0]", data)), read=read)
    assert whole.path
    assert part.path
    with Image.open(whole.path) as shown:
        assert shown.width > 300


def test_cells_headers_and_other_files_are_no_pages(written, folder):
    here = [at("CPL - New Entry!G14"), at("header Subject"), at("line 3", "", "rules/conventions.csv")]
    here += [at("", "0" * 64, "an earlier mail"), at("", b"a workbook"), at("page 1 [72.0, 301.2"), at("page 1!A1")]
    assert written(found(*here)) == []
    assert files_in(folder) == []


def test_each_place_of_a_check_once(written, folder):
    other = "page 1 [10.0, 10.0, 20.0, 20.0]"
    done = written(found(at(), at(), at(other)), found(at()), found(at(), check="certificate.number"))
    assert [(crop.check, crop.place) for crop in done] == [
        (CHECK, BOX),
        (CHECK, other),
        ("certificate.number", BOX),
    ]
    assert files_in(folder) == [
        "align.zse.firmware_zse.pdf_page-1-2.png",
        "align.zse.firmware_zse.pdf_page-1.png",
        "certificate.number_zse.pdf_page-1.png",
    ]


# ---- names


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("fwd.eml › sub.zip › zse.pdf", "zse.pdf"),
        ("../../../etc/passwd", "etc-passwd"),
        ("a.zip › ../../evil.pdf", "evil.pdf"),
        ("/etc/shadow", "etc-shadow"),
        ("..\\..\\evil.pdf", "evil.pdf"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        (".hidden", "hidden"),
        ("a\0b\nc\x1b[2J.pdf", "a-b-c-2J.pdf"),
        ("证书.pdf", "pdf"),
        ("\udcff\u202efdp.exe", "fdp.exe"),
        ("$(rm -rf ~);`id`'\".pdf", "rm--rf-id-.pdf"),
        ("x" * 5_000 + ".pdf", "x" * 56 + ".pdf"),
    ],
)
def test_no_name_of_a_mail_leaves_the_folder(written, folder, tmp_path, file, name):
    (crop,) = written(found(at(file=file)))
    assert crop.path == str(folder / f"{CHECK}_{name}_page-1.png")
    assert crop.file == file
    assert files_in(tmp_path) == [f"crops/{CHECK}_{name}_page-1.png"]


def test_a_check_s_name_does_not_leave_it_either(written, folder, tmp_path):
    (crop,) = written(found(at(), check="../../align"))
    assert crop.path == str(folder / "align_zse.pdf_page-1.png")
    assert files_in(tmp_path) == ["crops/align_zse.pdf_page-1.png"]


def test_files_that_are_called_alike_do_not_overwrite_one_another(written, folder):
    names = ("a.zip › zse.pdf", "b.zip › zse.pdf", "zse.pdf", "zse.pdf_page-1-2")
    done = written(found(*(at(file=name) for name in names)))
    assert len({crop.path for crop in done}) == len(files_in(folder)) == 4


# ---- nothing is overwritten


def test_a_file_that_is_there_is_left_as_it_is(written, folder):
    written(found(at()))
    (file,) = folder.iterdir()
    file.write_bytes(b"mine")
    again, new = written(found(at(), at("page 2 [0.0, 0.0, 50.0, 50.0]")))
    assert again.path == ""
    assert again.problem.startswith(f"{file} is there already")
    assert file.read_bytes() == b"mine"
    assert new.path.endswith("_zse.pdf_page-2.png")


def test_a_link_that_is_there_is_not_followed(written, folder, tmp_path):
    precious = tmp_path / "precious"
    folder.mkdir()
    (folder / f"{CHECK}_zse.pdf_page-1.png").symlink_to(precious)
    (crop,) = written(found(at()))
    assert "is there already" in crop.problem
    assert not precious.exists()


def test_the_folder_is_for_its_owner_alone(written, folder):
    written(found(at()))
    assert folder.stat().st_mode & 0o777 == 0o700


# ---- what cannot be shown is told


LOCKED = protected(text(72, 700, "x"), opens=False)


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (at("page 9 [0.0, 0.0, 9.0, 9.0]"), "no page 9"),
        (at("page 9"), "Page 9 cannot be shown. It has fewer pages."),
        (at("page 0 [0.0, 0.0, 9.0, 9.0]"), "no page 0"),
        (at("page 1 [9000.0, 0.0, 9009.0, 9.0]"), "not on page 1"),
        (at("page 1 [9000.0, 0.0, 9009.0, 9.0]", photograph()), "not on page 1"),
        (at(BOX, LOCKED), "cannot be opened"),
        (at("", LOCKED), "needs a password"),
        (at(BOX, b""), "Only PDF"),
        (at(BOX, b"PK\x03\x04 word"), "Only PDF"),
        (at(BOX, photograph()[:60]), "damaged"),
        (at(BOX, b"not in the mail"), "not among those of the mail"),
    ],
)
def test_what_cannot_be_shown_is_a_line(written, folder, evidence, words):
    files = [PAPER, LOCKED, b"", b"PK\x03\x04 word", photograph(), photograph()[:60]]
    read = a_mail(*((f"{number}.pdf", data) for number, data in enumerate(files)))
    (bad, good) = written(found(evidence, at()), read=read)
    assert bad.path == ""
    assert words in bad.problem
    assert files_in(folder) == [good.path.rpartition("/")[2]]


def test_a_mail_that_can_no_longer_be_read_is_told(written):
    (crop,) = written(found(at()), read=Problem("timeout", "It took too long."))
    assert crop.problem == "The mail can no longer be read: It took too long."


def test_a_page_that_cost_a_child_its_life_is_not_tried_again(written):
    places = [at(f"page {page} [0.0, 0.0, {n}.0, 9.0]") for page in (1, 2) for n in range(1, 5)]
    for kind, asked in (("timeout", 2), ("memory", 2), ("crash", 2), ("limit", 8)):
        readers = Counting(Problem(kind, "It was stopped."))
        assert [crop.problem for crop in written(found(*places), readers=readers)] == ["It was stopped."] * 8
        assert len(readers.asked) == asked


def test_a_flood_of_places_ends(written, folder, monkeypatch):
    monkeypatch.setattr(crops, "MOST_CROPS", 3)
    done = written(found(*(at(f"page 1 [0.0, 0.0, {n}.0, 9.0]") for n in range(1, 6))), readers=Counting(b"png"))
    assert [bool(crop.path) for crop in done] == [True, True, True, False, False]
    assert done[-1].problem == "Only 3 places are shown in one call; open the file itself."
    assert len(files_in(folder)) == 3


# ---- through the command


@pytest.fixture
def act(cli, demo):
    """Run a command on the demo's settings."""

    def run(*arguments):
        return cli("--log-level", "error", *arguments, "--config", demo / "pipeline.toml")

    return run


@pytest.fixture
def numbers(act):
    """Case numbers by subject."""
    return {line["subject"]: line["number"] for line in json.loads(act("cases", "--json").out)["cases"]}


@pytest.fixture
def good(numbers):
    """A Case whose certificates all agree."""
    return next(number for subject, number in numbers.items() if subject.startswith("CPL submission: 00:0A"))


def test_case_prints_where_each_crop_is(act, good, folder):
    ended = act("case", good, "--crops", folder)
    assert (ended.code, ended.err) == (0, "")
    told = re.findall(r"^crop   (\S+): (\S+), (.+)\n       (.+)$", ended.out, re.MULTILINE)
    assert [path for *_, path in told] == [str(folder / path.rpartition("/")[2]) for *_, path in told]
    assert sorted(path.rpartition("/")[2] for *_, path in told) == files_in(folder)
    assert {CHECK, "align.cpa.model", "certificate.number"} <= {check for check, *_ in told}
    assert ended.out.startswith(act("case", good).out)
    again = act("case", good, "--crops", folder)
    assert again.code == 0
    assert again.out.count("is there already and was left as it is") == len(told)


def test_case_as_an_object_names_the_crops_only_where_they_were_asked_for(act, good, folder):
    tree = json.loads(act("case", good, "--crops", folder, "--json").out)
    assert sorted(crop["path"].rpartition("/")[2] for crop in tree.pop("crops")) == files_in(folder)
    assert tree == json.loads(act("case", good, "--json").out)


def test_case_says_that_there_is_nothing_to_show(act, numbers, folder):
    ended = act("case", numbers["New entry"], "--crops", folder)
    assert ended.code == 0
    assert ended.out.endswith("no crops: nothing that was found points at a page\n")
    assert files_in(folder) == []


def test_a_folder_that_is_none(act, good, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    assert act("case", good, "--crops", file).code == 2
    ended = act("case", good, "--crops", file / "below")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert file.read_text() == "mine"
    assert act("case", good, "--crops").code == 2
