"""Drafts that are too large for one request to Graph: made in steps, finished by another worker, left to a person.

Proved against a stub of Graph, which is all that there is to be had (docs/how-to/microsoft-365.md).
"""

import contextlib
import dataclasses
import email
import logging
from email import policy
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

from pipeline.mailbox import graph as graph_module
from pipeline.mailbox import graph_large, graph_upload
from pipeline.mailbox.graph import DRAFT_KEY
from pipeline.mailbox.graph_large import BEGUN_KEY, CONTENT_KEY, REQUEST_OCTETS
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable, Place
from tests.contract import graph_attachments
from tests.contract.graph_state import Reply, error, once, said

DRAFT_ID = "<0123.reply@mail.example>"
PIECE = 320 * 1024
FILES = {"CPL, Änderungen.csv": b"a,b\r\n" * 40, "CPL.xlsm": bytes(range(256)) * 2_800}  # the second in three pieces


def draft(files=None, message_id=DRAFT_ID, text="The list.\r\n"):
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "SECAS <desk@secas.example>", "jo@maker.example", "Re: Grüße"
    mail["Message-ID"], mail["In-Reply-To"] = message_id, "<1@maker.example>"
    mail["References"] = "<0@maker.example> <1@maker.example>"
    mail.set_content(text)
    mail.add_alternative(f"<p>{text}</p>", subtype="html")
    for name, octets in (FILES if files is None else files).items():
        mail.add_attachment(octets, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


@pytest.fixture
def little(monkeypatch):
    """Bring the limits down, so that drafts of under a megabyte are large."""
    for module in (graph_module, graph_large):
        monkeypatch.setattr(module, "REQUEST_OCTETS", 8_000)
    monkeypatch.setattr(graph_upload, "POST_OCTETS", 1_000)
    monkeypatch.setattr(graph_upload, "PIECE_OCTETS", PIECE)
    monkeypatch.setattr(graph_attachments, "SMALL_OCTETS", 101_000)


def standing(graph, place="drafts"):
    return graph.state.inside(graph.state.place(place))


def attached(item):
    return sorted(item.attachments.values())


def asked(graph, name):
    return [one for one in graph.state.asked if one.name.startswith(name)]


def cut_at(number, *, done):
    """Plan: the line breaks at the request of this number, before or after it was done."""
    count = [0]

    def plan(_, do):
        count[0] += 1
        if count[0] != number:
            return None
        return dataclasses.replace(do() if done else Reply(200), cut=0)

    return plan


def half(graph, mailbox, name="POST messages/", raw=None):
    """Have a worker die over a draft: at the first request of this name."""
    graph.state.plans = [once(name, Reply(200, cut=0))]
    with pytest.raises(MailboxUnavailable):
        mailbox.save_draft(raw or draft(), DRAFT_ID)
    graph.state.plans = []
    (item,) = standing(graph)
    return item


def test_a_large_draft_is_whole_with_its_threading_and_is_put_once(graph, graph_mailbox):
    files = {"small.pdf": b"%PDF" * 500_000, "large.xlsm": b"PK" * 3_600_000}
    raw = draft(files)
    assert graph_mailbox.save_draft(raw, DRAFT_ID)
    assert not graph_mailbox.save_draft(raw, DRAFT_ID)
    (item,) = standing(graph)
    assert item.raw.partition(b"\r\n\r\n")[0] == raw.partition(b"\r\n\r\n")[0]
    (texts,) = email.message_from_bytes(item.raw).get_payload()
    assert [text.get_content_type() for text in texts.get_payload()] == ["text/plain", "text/html"]
    assert attached(item) == sorted(files.items())
    assert item.properties[DRAFT_KEY] == item.properties[BEGUN_KEY] == DRAFT_ID
    pieces = [len(one.body) for one in asked(graph, "PUT")]
    assert [size % PIECE for size in pieces[:-1]] == [0, 0]
    assert sum(pieces) == 7_200_000
    (trace,) = graph_mailbox.drafts([DRAFT_ID])[DRAFT_ID]
    assert (trace.place, trace.whole) == (Place.DRAFTS, True)


def test_what_fits_into_one_request_is_put_so(graph, graph_mailbox):
    raw = draft({"x": b""})
    raw = draft({"x": b"y" * ((REQUEST_OCTETS * 3 // 4 - len(raw)) * 73 // 100)})
    assert 2_900_000 < len(raw) <= REQUEST_OCTETS * 3 // 4
    assert graph_mailbox.save_draft(raw, DRAFT_ID)
    assert standing(graph)[0].raw == raw


@pytest.mark.parametrize(
    "raw",
    [
        f"Message-ID: {DRAFT_ID}\r\n\r\n".encode() + b"x" * 3_000_000,
        draft({}, text="x" * 80 + "\r\n", message_id=DRAFT_ID) + b"\r\n" * 1_600_000,
        draft({"a": b"b"}, text=("x" * 70 + "\r\n") * 45_000),
        draft({"a": b"b" * 3_000_000}).replace(b"\r\n--=", b"\n--="),
    ],
    ids=["plain", "no-mixed", "long-text", "no-crlf"],
)
def test_a_large_draft_that_has_no_parts_to_put_singly_is_refused_in_words(graph, graph_mailbox, raw):
    with pytest.raises(MailboxRefused, match=r"by hand, or with a link"):
        graph_mailbox.save_draft(raw, DRAFT_ID)
    assert standing(graph) == []


def test_a_draft_over_the_limit_for_mails_is_refused(graph):
    with pytest.raises(MailboxRefused, match=r"max_octets allows 4,000,000"):
        graph.mailbox(max_octets=4_000_000).save_draft(draft({"x": b"y" * 3_000_000}), DRAFT_ID)
    assert standing(graph) == []


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("done", [False, True])
def test_a_large_draft_is_finished_once_wherever_a_worker_died(graph, graph_mailbox, done):
    another = graph.mailbox()
    assert another.save_draft(draft(), DRAFT_ID)
    steps = len(graph.state.asked)
    for step in range(1, steps + 1):
        graph.state.items.clear()
        graph.state.plans = [cut_at(step, done=done)]
        with contextlib.suppress(MailboxUnavailable):
            graph_mailbox.save_draft(draft(), DRAFT_ID)
        graph.state.plans = []
        found = another.drafts([DRAFT_ID])
        whole = [DRAFT_KEY in one.properties for one in standing(graph)]
        assert [trace.whole for trace in found.get(DRAFT_ID, ())] == whole
        another.save_draft(draft(), DRAFT_ID)
        (item,) = standing(graph)
        assert attached(item) == sorted(FILES.items())
        assert item.properties[DRAFT_KEY] == DRAFT_ID
    assert steps > 12


# Uploads in pieces


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("done", [False, True])
def test_an_upload_that_is_cut_goes_on_where_the_server_has_got_to(graph, graph_mailbox, done):
    cut = Reply(200, cut=0)
    graph.state.plans = [once("PUT upload", cut, after=done)]
    assert graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert [one.headers["content-range"].partition("/")[0] for one in asked(graph, "PUT")] == (
        (["bytes 0-327679"] * (1 if done else 2)) + ["bytes 327680-655359", "bytes 655360-716799"]
    )
    assert len(asked(graph, "GET upload")) == 1
    assert attached(standing(graph)[0]) == sorted(FILES.items())


@pytest.mark.usefixtures("little")
def test_an_upload_that_is_cut_again_and_again_is_left_for_later(graph, graph_mailbox):
    graph.state.plans = [lambda one, do: Reply(200, cut=0) if one.method == "PUT" else None]
    with pytest.raises(MailboxUnavailable, match="does not get on"):
        graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert 2 < len(asked(graph, "PUT")) < 10
    graph.state.plans = []
    assert graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert attached(standing(graph)[0]) == sorted(FILES.items())


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("first", [1, 2])
def test_an_upload_whose_session_ran_out_is_begun_anew(graph, graph_mailbox, first):
    seen = []

    def plan(one, do):
        if one.method == "PUT":
            seen.append(one)
            if len(seen) == first:
                graph.state.uploads.clear()

    graph.state.plans = [plan]
    assert graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert len([one for one in graph.state.asked if one.path.endswith("createUploadSession")]) == 2
    assert attached(standing(graph)[0]) == sorted(FILES.items())


@pytest.mark.usefixtures("little")
def test_a_last_piece_whose_answer_is_lost_is_not_sent_again(graph, graph_mailbox):
    last = [False]

    def plan(one, do):
        if one.method == "PUT" and not last[0] and one.headers["content-range"].startswith("bytes 655360-"):
            last[0] = True
            return dataclasses.replace(do(), cut=0)
        return None

    graph.state.plans = [plan]
    assert graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert last == [True]
    assert attached(standing(graph)[0]) == sorted(FILES.items())
    assert len(asked(graph, "PUT")) == 3


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(
    "told",
    [
        said(200, {}),
        said(200, {"nextExpectedRanges": []}),
        said(200, {"nextExpectedRanges": [7]}),
        said(200, {"nextExpectedRanges": ["9999999999999"]}),
        said(200, {"nextExpectedRanges": ["-1"]}),
        said(200, {"nextExpectedRanges": ["0-"]}),
        Reply(200, b"[]"),
        Reply(200, b"<html>"),
        error(500, "X"),
        error(404, "ErrorItemNotFound"),
    ],
    ids=["none", "empty", "number", "huge", "negative", "stuck", "list", "html", "broken", "gone"],
)
def test_an_upload_whose_answers_make_no_sense_ends_in_words(graph, graph_mailbox, told):
    graph.state.plans = [lambda one, do: told if one.path == "upload" else None]
    with pytest.raises(MailboxUnavailable, match=graph.settings().place):
        graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert len(asked(graph, "PUT")) < 10


@pytest.mark.usefixtures("little")
def test_a_draft_that_takes_long_is_gone_on_with_at_the_next_visit(graph, graph_mailbox):
    seconds = iter([0.0, *[graph_large.PUT_SECONDS] * 3, *[graph_large.PUT_SECONDS + 1] * 9])
    with pytest.raises(MailboxUnavailable, match="next time"):
        graph_large.put(graph_mailbox._session, draft(), DRAFT_ID, None, DRAFT_KEY, clock=lambda: next(seconds))
    (item,) = standing(graph)
    assert [name for name, _ in attached(item)] == ["CPL, Änderungen.csv"]
    assert graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert attached(item) == sorted(FILES.items())


@pytest.mark.usefixtures("little")
def test_a_throttled_upload_waits_as_it_is_told(graph, graph_mailbox, sleeps):
    graph.state.plans = [once("PUT upload", error(429, "TooManyRequests", Retry_After="4"))]
    assert graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert sleeps == [4]


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(
    "url",
    [
        "http://{uploads}/upload/x?authtoken=t",
        "https://elsewhere.example/upload/x?authtoken=t",
        "https://{uploads}.elsewhere.example/x",
        "https://me@{uploads}/x",
        "https://{uploads}@elsewhere.example/x",
        "//{uploads}/x",
        "https://[::1/x",
        "https://{uploads}/x\r\nHost: elsewhere.example",
        "",
    ],
)
def test_no_piece_is_sent_to_a_host_that_the_settings_do_not_name(graph, graph_mailbox, url):
    to = url.format(uploads=graph.server.uploads)
    graph.state.plans = [
        lambda one, do: said(201, {"uploadUrl": to}) if one.path.endswith("/createUploadSession") else None
    ]
    with pytest.raises(MailboxRefused, match="upload_hosts"):
        graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert asked(graph, "PUT") == []


@pytest.mark.usefixtures("little")
def test_the_permission_to_upload_is_neither_logged_nor_told(graph, graph_mailbox, caplog):
    graph.state.plans = [lambda one, do: error(500, "X", one.options["authtoken"]) if one.path == "upload" else None]
    with caplog.at_level(logging.DEBUG), pytest.raises(MailboxUnavailable) as trouble:
        graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert caplog.text
    assert "ticket0" not in caplog.text + str(trouble.value)


# A person's hand on a draft that is half made


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("field", [b"The list", b"Subject: Re:", b"jo@maker.example"])
def test_a_half_made_draft_that_a_person_changed_is_left_to_them(graph, graph_mailbox, field):
    item = half(graph, graph_mailbox)
    item.raw = item.raw.replace(field, field + b" edited")
    before = dataclasses.replace(item, properties=dict(item.properties), attachments=dict(item.attachments))
    with pytest.raises(MailboxRefused, match=r"without 'CPL, Änderungen\.csv', 'CPL\.xlsm'.*by hand"):
        graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert item == before
    (trace,) = graph_mailbox.drafts([DRAFT_ID])[DRAFT_ID]
    assert not trace.whole
    item.attachments = {str(number): file for number, file in enumerate([*FILES.items(), ("mine.txt", b"x")])}
    assert graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert len(item.attachments) == 3
    assert item.properties[DRAFT_KEY] == DRAFT_ID


@pytest.mark.usefixtures("little")
def test_a_half_made_draft_that_a_person_attached_something_to_is_left_to_them(graph, graph_mailbox):
    item = half(graph, graph_mailbox)
    item.attachments["AAtX"] = ("CPL.xlsm", b"another")
    with pytest.raises(MailboxRefused, match="left as it is"):
        graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert attached(item) == [("CPL.xlsm", b"another")]


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("place", ["sentitems", "deleteditems"])
def test_a_half_made_draft_that_a_person_sent_or_deleted_is_theirs(graph, graph_mailbox, place):
    item = half(graph, graph_mailbox)
    graph.state.move(item, graph.state.place(place))
    if place == "sentitems":
        item.draft, item.raw = False, item.raw.replace(DRAFT_ID.encode(), b"<given.by@outlook.example>")
    (trace,) = graph_mailbox.drafts([DRAFT_ID])[DRAFT_ID]
    assert trace.whole
    assert not graph_mailbox.save_draft(draft(), DRAFT_ID)
    assert standing(graph) == []
    assert item.attachments == {}


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("seconds", [0, 5, 6, 3_600])
def test_a_draft_without_its_marks_is_finished_where_nobody_can_have_changed_it(graph, graph_mailbox, seconds):
    item = half(graph, graph_mailbox, "PATCH messages")
    assert item.properties == {}
    item.edited = seconds
    if seconds <= 5:
        assert graph_mailbox.save_draft(draft(), DRAFT_ID)
        assert attached(item) == sorted(FILES.items())
        assert CONTENT_KEY in item.properties
    else:
        with pytest.raises(MailboxRefused, match="a person changed it"):
            graph_mailbox.save_draft(draft(), DRAFT_ID)
        assert item.attachments == item.properties == {}


def test_the_host_for_uploads_is_another_than_that_of_graph(graph):
    assert graph.server.uploads != urlsplit(graph.server.base).netloc
