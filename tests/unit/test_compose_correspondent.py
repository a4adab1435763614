"""To whom a draft goes: the sender where it is clear who that is, else the registered contact, else nobody."""

from dataclasses import replace

import pytest

from pipeline.checks.run import run_all
from pipeline.compose.correspondent import (
    SENDER_CHECKS,
    Correspondent,
    Register,
    correspondent_of,
    from_ourselves,
    own_marked,
    sender_confirmed,
)
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Decision, Judged, Outcome
from pipeline.domain.message import Message
from pipeline.readers.message import read_message
from tests.corpus_cases import FOLDER, load, matter_of

OWN = "helpdesk@secas.example"
MX = ("mx.secas.example",)
NONE_KEPT = Register(OWN)
KEPT = Register(
    OWN,
    ("maker.example", "al@other.example"),
    ("dcc.example",),
    {"maker.example": "cpl@maker.example", "lab.maker.example": "lab@maker.example", "al@other.example": "b@x.example"},
)
JO = "From: Jo <jo@maker.example>"


def read(*headers: str) -> Message:
    return read_message("\r\n".join((*headers, "", "text")).encode()).message


def stamped(result: str, domain: str = "maker.example") -> str:
    return f"Authentication-Results: mx.secas.example; dmarc={result} header.from={domain}"


def to(*headers: str, register: Register = KEPT, border: tuple[str, ...] = (), known: bool = False) -> Correspondent:
    return correspondent_of(read(*headers), register, border, confirmed=known)


def sends(correspondent: Correspondent) -> tuple[str, bool]:
    return correspondent.addr, correspondent.known


# ---- who is known


@pytest.mark.parametrize(
    ("sender", "register", "expected"),
    [
        (JO, NONE_KEPT, ("jo@maker.example", True)),
        (JO, KEPT, ("jo@maker.example", True)),
        ("From: a@b.maker.example", KEPT, ("a@b.maker.example", True)),
        ("From: x@dcc.example", KEPT, ("x@dcc.example", True)),
        ("From: AL@Other.example", KEPT, ("AL@other.example", True)),
        # Not in the register: nobody, or the contact of the domain.
        ("From: x@stranger.example", KEPT, ("", False)),
        ("From: x@notmaker.example", KEPT, ("", False)),
        ("From: x@maker.example.evil.example", KEPT, ("", False)),
        ("From: bo@other.example", KEPT, ("", False)),
        ("From: x@stranger.example", NONE_KEPT, ("x@stranger.example", True)),
        ("From: x@dcc.example", replace(KEPT, others=()), ("", False)),
        ("From: jo@maker.example", replace(KEPT, submitters=("al@maker.example",)), ("cpl@maker.example", False)),
    ],
)
def test_who_stands_in_the_register_is_answered(sender, register, expected):
    assert sends(to(sender, register=register)) == expected


@pytest.mark.parametrize(
    ("headers", "register", "expected"),
    [
        ((stamped("pass"), JO), KEPT, ("jo@maker.example", True)),
        ((stamped("fail"), JO), KEPT, ("cpl@maker.example", False)),
        ((stamped("none"), JO), KEPT, ("cpl@maker.example", False)),
        ((JO,), KEPT, ("cpl@maker.example", False)),
        ((stamped("pass", "evil.example"), JO), KEPT, ("cpl@maker.example", False)),
        ((stamped("fail"), "Received: by mx.secas.example", stamped("pass"), JO), KEPT, ("cpl@maker.example", False)),
        ((stamped("pass", "evil.example"), "From: x@evil.example"), KEPT, ("", False)),
        # Without a register only a failed check is a reason.
        ((stamped("pass"), JO), NONE_KEPT, ("jo@maker.example", True)),
        ((stamped("none"), JO), NONE_KEPT, ("jo@maker.example", True)),
        ((JO,), NONE_KEPT, ("jo@maker.example", True)),
        ((stamped("fail"), JO), NONE_KEPT, ("", False)),
    ],
)
def test_what_the_border_says_counts(headers, register, expected):
    assert sends(to(*headers, register=register, border=MX)) == expected


def test_a_header_of_nobody_we_believe_counts_for_nothing():
    assert sends(to(stamped("fail"), JO)) == ("jo@maker.example", True)
    assert sends(to(stamped("pass").replace("mx.secas", "mx.maker"), JO, border=MX)) == ("cpl@maker.example", False)


# ---- the nearest contact


@pytest.mark.parametrize(
    ("addr", "contact"),
    [
        ("jo@maker.example", "cpl@maker.example"),
        ("jo@deep.maker.example", "cpl@maker.example"),
        ("jo@lab.maker.example", "lab@maker.example"),
        ("jo@x.lab.maker.example", "lab@maker.example"),
        ("al@other.example", "b@x.example"),
        ("bo@other.example", ""),
        ("jo@m\u0430ker.example", ""),
    ],
)
def test_the_contact_is_that_of_the_nearest_domain(addr, contact):
    found = to(stamped("fail", addr.partition("@")[2]), f"From: {addr}", border=MX)
    assert sends(found) == (contact, False)
    assert (contact in found.why) if contact else ("addressed to nobody" in found.why)


def test_we_are_nobodys_contact():
    register = replace(KEPT, contacts={"maker.example": OWN.upper()})
    assert sends(to(stamped("fail"), JO, register=register, border=MX)) == ("", False)


# ---- tricks with names


@pytest.mark.parametrize("register", [NONE_KEPT, KEPT])
@pytest.mark.parametrize(
    "sender",
    [
        "From: jo@maker.example, x@evil.example",
        "From: jo@maker.example\r\nFrom: x@evil.example",
        "From: x@evil.example\r\nFROM: jo@maker.example",
        'From: "jo@maker.example" <x@evil.example>',
        "From: =?utf-8?B?am9AbWFrZXIuZXhhbXBsZQ==?= <x@evil.example>",
        "From: jo\uff20maker.example <x@evil.example>",
        "From: x@evil.example (jo@maker.example)",
        "From: jo@m\u0430ker.example",
        "From: jo@ma\u212aer.example",
        "From: Makers: ;",
        "From: undisclosed",
        "Subject: nobody",
    ],
)
def test_who_pretends_is_not_answered(sender, register):
    found = to(sender, register=register)
    assert sends(found) == ("", False)
    assert found.why.endswith(".")


def test_several_senders_of_one_contact_are_told_through_it():
    both = "From: jo@maker.example, al@maker.example"
    assert sends(to(both)) == ("cpl@maker.example", False)
    assert "2 senders" in to(both).why
    assert sends(to("From: jo@maker.example, jo@lab.maker.example")) == ("", False)


# ---- where the answer is wanted


@pytest.mark.parametrize(
    ("reply_to", "addr", "told"),
    [
        ("team@maker.example", "team@maker.example", ""),
        ("team@MAKER.example", "team@maker.example", ""),
        ("x@evil.example", "jo@maker.example", "x@evil.example"),
        ("team@maker.example.evil.example", "jo@maker.example", "team@maker.example.evil.example"),
        ("team@lab.maker.example", "jo@maker.example", "team@lab.maker.example"),
        ('"team@maker.example" <x@evil.example>', "jo@maker.example", "x@evil.example"),
        ("team@ma\u212aer.example", "jo@maker.example", "team@ma\u212aer.example"),
        ("x@evil.example, team@maker.example", "team@maker.example", ""),
        (OWN.upper(), "jo@maker.example", ""),
        ("", "jo@maker.example", ""),
    ],
)
@pytest.mark.parametrize("register", [NONE_KEPT, KEPT])
def test_an_answer_goes_where_it_is_wanted_within_the_domain(reply_to, addr, told, register):
    found = to(JO, f"Reply-To: {reply_to}", register=register)
    assert sends(found) == (addr, True)
    assert (told in found.why) if told else (not found.why)


def test_a_stranger_does_not_say_where_the_answer_goes():
    assert sends(to("From: x@evil.example", "Reply-To: x@evil.example")) == ("", False)
    assert sends(to(stamped("fail"), JO, "Reply-To: y@maker.example", border=MX)) == ("cpl@maker.example", False)


# ---- our own mail


@pytest.mark.parametrize(
    "header",
    [
        f"From: SECAS <{OWN.upper()}>",
        f"From: jo@maker.example, {OWN}",
        f"{JO}\r\nX-CPL-Pipeline: CPL-2026-00042",
        f"{JO}\r\nMessage-ID: <{'0a' * 16}.rejected@secas.example>",
        f"{JO}\r\nMessage-ID: <{'0a' * 16}.amendment-received@SECAS.example>",
    ],
)
def test_we_never_answer_ourselves(header):
    message = read(header)
    assert from_ourselves(message, OWN)
    assert own_marked(message, OWN).automatic == ("own",)
    assert own_marked(own_marked(message, OWN), OWN).automatic == ("own",)
    for known in (False, True):
        found = correspondent_of(message, KEPT, (), confirmed=known)
        assert sends(found) == ("", False)
        assert "our own" in found.why


@pytest.mark.parametrize(
    "header",
    [
        JO,
        "From: helpdesk@secas.example.evil.example",
        f"{JO}\r\nMessage-ID: <{'0a' * 16}.rejected@maker.example>",
        f"{JO}\r\nMessage-ID: <{'0a' * 15}.rejected@secas.example>",
        f"{JO}\r\nIn-Reply-To: <{'0a' * 16}.rejected@secas.example>",
    ],
)
def test_mail_of_others_is_not_ours(header):
    message = read(header)
    assert not from_ourselves(message, OWN)
    assert own_marked(message, OWN) is message


# ---- a reviewer's word


def judged(**statuses: Status) -> tuple[Judged, ...]:
    decision = Decision(Outcome.ACCEPT, "all-clear", "")
    findings = tuple(
        Finding(f"intake.{name}", status, "It is so.", "7.8", settle=Settler.REVIEWER if status == "unclear" else None)
        for name, status in statuses.items()
    )
    return (Judged("", "", "", None, findings, decision), Judged("", "", "", None, (), decision))


@pytest.mark.parametrize(
    ("sender", "authentic", "expected"),
    [
        (Status.PASS, Status.PASS, True),
        (Status.NOT_APPLICABLE, Status.ADVICE, True),
        (Status.UNCLEAR, Status.PASS, False),
        (Status.PASS, Status.UNCLEAR, False),
        (Status.PASS, Status.FAIL, False),
        (Status.BROKEN, Status.PASS, False),
    ],
)
def test_a_mail_is_confirmed_when_both_checks_leave_no_doubt(sender, authentic, expected):
    assert sender_confirmed(judged(sender=sender, authentic=authentic)) is expected


def test_checks_that_did_not_run_confirm_nothing():
    assert not sender_confirmed(())
    assert not sender_confirmed(judged(sender=Status.PASS, workbook=Status.PASS))
    assert {finding.check for finding in judged(sender=Status.PASS, authentic=Status.PASS)[0].findings} == SENDER_CHECKS


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("intake.[as][ue]*/*.yaml")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_whoever_the_checks_doubt_is_not_known_and_the_other_way_round(path):
    matter = matter_of(load(path))
    given, message = matter.circumstances, matter.message
    if message is None:
        return
    findings = [finding for finding in run_all(matter) if finding.check in SENDER_CHECKS]
    doubted = any(finding.status is Status.UNCLEAR for finding in findings)
    register = Register(OWN, given.submitters, given.dcc)
    assert correspondent_of(message, register, given.border).known is not doubted


def test_whom_a_reviewer_knows_is_answered():
    assert sends(to("From: x@stranger.example", known=True)) == ("x@stranger.example", True)
    assert sends(to(stamped("fail"), JO, border=MX, known=True)) == ("jo@maker.example", True)
    assert sends(to("Subject: nobody", known=True)) == ("", False)
