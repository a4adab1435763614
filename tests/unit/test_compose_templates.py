"""Templates: whoever edits one learns at once what is wrong with it, and no mail is ever half rendered."""

import re
from pathlib import Path

import pytest

from pipeline.compose import Templates, TemplatesBroken, verify
from pipeline.compose.parity import active_content, difference

FOLDER = Path(__file__).resolve().parents[2] / "templates"
TEMPLATES = Templates.load(FOLDER)


def _names() -> list[str]:
    return [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.j2")]


def _source(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def changed(name: str, old: str, new: str) -> dict[str, str]:
    sources = {n: _source(n) for n in _names()}
    assert old in sources[name]
    return {**sources, name: sources[name].replace(old, new)}


def test_our_own_templates_are_sound() -> None:
    assert verify(TEMPLATES) == ()
    assert TEMPLATES.kinds == (
        "accepted",
        "amendment-received",
        "expired-ssc",
        "notice-dcc",
        "notice-list",
        "notice-party",
        "notice-ssc",
        "question",
        "rejected",
        "reminder-expiry",
        "reminder-renewal",
        "reminder-trial",
        "set-aside",
        "unreadable",
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "words_"),
    [
        ("accepted/body.html.j2", "There may be a delay", "There is never a delay", "there .* differ|differ for"),
        ("accepted/body.html.j2", "There may", '<img src="https://x.example/a.png">There may', "loads or runs"),
        ("rejected/subject.txt.j2", "Re: ", "Re: {{ case }} ", "case number once"),
        ("rejected/subject.txt.j2", "Re: ", "", "must give 'Re: '"),
        ("_base/mail.txt.j2", "{{ case }}", "{{ caze }}", "'caze' is undefined"),
        ("_base/mail.txt.j2", "{{ case }}", "{{ case.__class__ }}", "unsafe|undefined"),
        ("question/body.txt.j2", "_base/mail.txt.j2", "../../etc/passwd", "cannot be rendered"),
    ],
)
def test_a_template_that_is_wrong_is_found_before_a_mail_needs_it(name: str, old: str, new: str, words_: str) -> None:
    troubles = verify(Templates(changed(name, old, new)))
    assert any(re.search(words_, trouble) for trouble in troubles), troubles


def test_a_folder_that_lacks_a_file_is_named() -> None:
    sources = {n: _source(n) for n in _names() if n != "question/body.html.j2"}
    assert verify(Templates(sources)) == (
        "The mail kind question lacks body.html.j2: add what is missing to its folder.",
    )
    with pytest.raises(TemplatesBroken, match=r"no mail template question/body\.html\.j2"):
        Templates(dict.fromkeys(sources, "words")).bodies("question", {})


def test_a_template_that_does_not_parse_is_named_with_its_line() -> None:
    with pytest.raises(TemplatesBroken, match=r"rejected/body.txt.j2, line 1 is wrong"):
        Templates(changed("rejected/body.txt.j2", '{% extends "_base/mail.txt.j2" %}', "{% extends %}"))


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(TemplatesBroken, match="no mail templates"):
        Templates.load(tmp_path)
    (tmp_path / "odd").mkdir()
    file = tmp_path / "odd" / "body.txt.j2"
    file.write_bytes(b"\xff")
    with pytest.raises(TemplatesBroken, match=r"odd/body\.txt\.j2 cannot be read"):
        Templates.load(tmp_path)
    file.write_bytes(b"x" * 200_001)
    with pytest.raises(TemplatesBroken, match="over 200,000 octets"):
        Templates.load(tmp_path)
    file.unlink()
    file.symlink_to(FOLDER / "accepted" / "body.txt.j2")
    with pytest.raises(TemplatesBroken, match="a link out of"):
        Templates.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "html", "apart"),
    [
        ("ONE two", "<p>One <b>two</b></p><style>p{}</style>", ""),
        ("one & two", "<p>one &amp; two</p>", ""),
        ("one two", "<p>one three</p>", "after 'one' the text says 'two' and the HTML says 'three'"),
        ("one", "<p>one more</p>", "after 'one' the text says 'nothing more' and the HTML says 'more'"),
    ],
)
def test_difference(text: str, html: str, apart: str) -> None:
    assert difference(text, html) == apart


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<p>src=x &lt;script&gt;</p>", ""),
        ("<script>x</script>", "<script"),
        ('<p onclick="x">', "onclick="),
        ('<td background="https://x.example">', "background="),
        ('<p style="background:url(https://x.example)">', "url("),
        ('<a href="javascript:x">', "javascript:"),
        ('<a href="mailto:a@b.example" style="background-color:#fff">', ""),
    ],
)
def test_active_content(html: str, found: str) -> None:
    assert active_content(html) == found
