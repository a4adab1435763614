"""Answers to mails that ask for amendments: what we understood, nothing done, and no restricted value repeated."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from pipeline.compose import amendment_reply
from pipeline.compose.amendments import UNKNOWN, UNPUBLISHED
from pipeline.compose.withhold import PERSONAL, RED
from pipeline.domain.draft import Draft
from pipeline.domain.evidence import Evidence
from pipeline.domain.message import Address, Attachment, Message
from pipeline.domain.product import ProductList
from pipeline.domain.release import Amendment, AmendmentKind
from tests.mails import (
    CLERK,
    EXPIRY,
    HOSTILE,
    NUMBER,
    PERSONAL_VALUES,
    RED_VALUES,
    SENDER,
    TEMPLATES,
    VENDOR,
    VERSION,
    amendment,
    check_straight,
    everything,
    listed,
    parsed,
    said,
    same_as_golden,
)

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
MAIL = Message(
    sha256="c" * 64,
    message_id="<one@meters.example>",
    subject="RE: New CPA certificate <b>",
    senders=(Address("Meters Ltd", "submissions@meters.example"),),
    reply_to=(),
    sent="Mon, 23 Nov 2026 08:55:00 +0000",
    in_reply_to="",
    references=("<zero@meters.example>",),
    automatic=(),
    body="",
    attachments=(Attachment("cpa <1>.pdf", "cpa <1>.pdf", "pdf", "", "b" * 64, 90_000),),
    problems=(),
)
LISTED = ProductList("", "3.000", tuple(listed(number) for number in (1, 2, 3)))
CERTIFICATE = amendment(
    AmendmentKind.CERTIFICATE,
    "000001",
    "000003",
    values={NUMBER: "[R] NCSC-1234567891-2345", EXPIRY: "30/08/2033"},
    evidence=(
        Evidence("b" * 64, "cpa <1>.pdf", "page 1 [72.0, 301.2, 190.4, 312.9]", "2033"),
        Evidence("9" * 64, "of-another-case.pdf", "page 1", "secret"),
    ),
)


def answer(*asked: Amendment, message: Message = MAIL, **more: object) -> Draft:
    given = {
        "listed": LISTED,
        "case": "CPL-2026-00042",
        "correspondent": "submissions@meters.example",
        "due": "2026-11-24",
        "sender": SENDER,
        "now": NOW,
        "templates": TEMPLATES,
    } | more
    return amendment_reply(message, asked, **given)  # type: ignore[arg-type]


SCENES = {
    "certificate": (CERTIFICATE,),
    "zigbee": (amendment(AmendmentKind.DZIR, "000002", values=RED_VALUES),),
    "removal": (amendment(AmendmentKind.REMOVAL, "000002", "000999"),),
}


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_answer(scene: str, snapshot: SnapshotAssertion) -> None:
    draft = answer(*SCENES[scene])
    same_as_golden(draft, snapshot)
    check_straight(draft)


def test_the_answer_to_an_amendment_shows_listed_and_new_values_and_that_nothing_is_done() -> None:
    draft = answer(CERTIFICATE)
    shown = said(draft)
    assert draft.subject == "Re: New CPA certificate <b> [CPL-2026-00042]"
    assert "Nothing has been changed yet: a person will look at your request." in shown
    assert shown.count("In entries 000001 and 000003:") == 2
    assert f'{EXPIRY} listed "30/08/2027" asked for "30/08/2033"' in shown
    assert "Read in: cpa <1>.pdf, page 1" in shown
    assert "of-another-case" not in shown
    made = parsed(draft)
    assert made["In-Reply-To"] == "<one@meters.example>"
    assert made["References"].split() == ["<zero@meters.example>", "<one@meters.example>"]
    assert made["X-CPL-Pipeline"] == "CPL-2026-00042"
    assert draft.to == "submissions@meters.example"
    assert answer(CERTIFICATE, correspondent="x@y\r\nBcc: z@v").to == ""


@pytest.mark.parametrize("values", [RED_VALUES, {}])
def test_a_red_amendment_is_answered_without_its_values_its_subject_or_its_file_names(values: dict[str, str]) -> None:
    mail = replace(
        MAIL,
        subject=f"{VENDOR} {VERSION}",
        attachments=(replace(MAIL.attachments[0], path=f"{VENDOR}.pdf"),),
    )
    evidence = (Evidence("b" * 64, f"{VENDOR}.pdf", f"header {VERSION}", VERSION),)
    asked = amendment(AmendmentKind.DZIR, "000001", values=values, evidence=evidence, why=f"for {VENDOR}", by=CLERK)
    draft = answer(CERTIFICATE, asked, message=mail)
    for secret in (VENDOR, VERSION, "Zzyzx", CLERK):
        assert secret not in everything(draft)
    assert draft.subject == "Re: your CPL amendment [CPL-2026-00042]"
    assert f"Your e-mail: {RED}" in said(draft)
    if values:
        assert f"Stack_Vendor listed {RED} asked for {RED}" in said(draft)


def test_what_is_not_published_is_not_read_out_to_whoever_asks() -> None:
    values = {"FIR Release Notes.Description": "General release", **PERSONAL_VALUES}
    shown = said(answer(amendment(AmendmentKind.FIR, "000001", values=values)))
    assert f'FIR Release Notes.Description listed {UNPUBLISHED} asked for "General release"' in shown
    assert f"contact name listed {PERSONAL} asked for {PERSONAL}" in shown
    assert CLERK not in shown


@pytest.mark.parametrize(
    ("kind", "status"), [(AmendmentKind.REMOVAL, "Removed"), (AmendmentKind.RESTORATION, "Current")]
)
def test_a_removal_names_the_status_and_an_unknown_entry(kind: AmendmentKind, status: str) -> None:
    shown = said(answer(amendment(kind, "000002", "999999")))
    assert f'Entry.status listed "Current" asked for "{status}"' in shown
    assert f'In entry 999999: Entry.status listed {UNKNOWN} asked for "{status}"' in shown
    assert "999999 (not on the CPL)" in shown
    assert "only when the Security Sub-Committee (SSC) has determined it" in shown
    assert "Sub-Committee" not in said(answer(CERTIFICATE))


def test_what_was_not_understood_is_asked_for() -> None:
    assert "We could not tell what you ask for." in said(answer())
    nameless = said(answer(amendment(AmendmentKind.CORRECTION, values={EXPIRY: "01/01/2030"})))
    assert "We could not tell which entries you mean." in nameless
    assert f'In entry (not recognised): {EXPIRY} listed {UNKNOWN} asked for "01/01/2030"' in nameless
    empty = said(answer(amendment(AmendmentKind.CORRECTION, "000001")))
    assert "We could not read what is to change in it." in empty
    plan = said(answer(amendment(AmendmentKind.REMEDIAL_PLAN, "000001", until="2027-03-31")))
    assert "Remedial plan until: Wednesday 31 March 2027" in plan
    assert "We could not" not in plan


def test_another_request_is_another_message_id_and_the_same_the_same() -> None:
    drafts = (
        answer(CERTIFICATE),
        answer(replace(CERTIFICATE, entries=("000001",))),
        answer(replace(CERTIFICATE, values={EXPIRY: "30/08/2034"})),
        answer(CERTIFICATE, message=replace(MAIL, sha256="9" * 64)),
        answer(CERTIFICATE, case="CPL-2026-00043"),
    )
    assert len({draft.message_id for draft in drafts}) == len(drafts)
    assert answer(CERTIFICATE) == drafts[0]


@effort(max_examples=40, deadline=None)
@given(texts=st.lists(HOSTILE, min_size=9, max_size=9), kind=st.sampled_from(AmendmentKind))
def test_no_input_can_bend_an_answer(texts: list[str], kind: AmendmentKind) -> None:
    number, device, old, new, subject, case, field, file, until = texts
    product = replace(listed(1, **{"Device_Type.name": device}), number=number)
    asked = amendment(
        kind,
        number,
        values={field: new, EXPIRY: old},
        until=until,
        evidence=(Evidence("b" * 64, file, subject, new),),
    )
    mail = replace(MAIL, subject=subject)
    check_straight(answer(asked, message=mail, listed=ProductList("", "3.000", (product,)), case=case, due=until))
