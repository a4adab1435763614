"""What is read of HTML mails: cells apart, earlier mails marked, what is struck out left unsaid."""

import pytest

from pipeline.asked import requested
from pipeline.readers.message import read_message
from tests.asking import LISTED, REGISTERS, RULES, SSC


def html(body: str) -> bytes:
    head = f"From: {SSC}\r\nSubject: A request\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    return f"{head}<html><body>{body}</body></html>".encode()


def asked(body: str) -> list[str]:
    message = read_message(html(body)).message
    return [" ".join(p.entries) for p in requested(message, (), LISTED, RULES, askers=REGISTERS).proposals]


@pytest.mark.parametrize(
    ("body", "entries"),
    [
        ("<p>Please remove entry 000001 from the CPL.</p>", ["000001"]),
        ("<div>Please remove<br>entry 000001<br>from the CPL.</div>", ["000001"]),
        ("<p>Please remove from the CPL:</p><ul><li>entry 1</li><li>entry 2</li></ul>", ["000001 000002"]),
        (
            "<p>Please remove these entries from the CPL:</p><table><tr><td>000001</td><td>000002</td></tr></table>",
            ["000001 000002"],
        ),
        ("<p>Please remove entries <s>000001</s> 000002 from the CPL.</p>", ["000002"]),
        ("<p>Please remove entries <del>000001,</del> 000002 from the CPL.</p>", ["000002"]),
        ("<p>Noted.</p><blockquote>Please remove entry 000001\nfrom the CPL.</blockquote><p>Ann</p>", []),
        ("<p>No.</p><div>On Friday Ann wrote:<blockquote><p>Please remove entry 1.</p></blockquote></div>", []),
        ("<p>Noted.</p><p><b>From:</b> Ann<br><b>Sent:</b> Friday<br></p><p>Please remove entry 000001.</p>", []),
        ("<blockquote><p>What is it?</p></blockquote><p>Please remove entry 000001 from the CPL.</p>", ["000001"]),
    ],
)
def test_html_bodies(body, entries):
    assert asked(body) == entries


def test_the_lines_of_a_quotation_are_marked_and_no_others():
    body = read_message(html("<p>a</p><blockquote>b<br>c<blockquote>d</blockquote></blockquote><p>e</p>")).message.body
    lines = [line.strip() for line in body.splitlines()]
    assert [line.lstrip("> ") for line in lines if line.startswith(">") and line.lstrip("> ")] == ["b", "c", "d"]
    assert [line for line in lines if line and not line.startswith(">")] == ["a", "e"]


def test_cells_are_kept_apart():
    message = read_message(html("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>")).message
    assert [" ".join(line.split()) for line in message.body.splitlines() if line] == ["a b", "1 2"]
