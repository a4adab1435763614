"""Reminders and the notice to the SSC as mails: what each kind and window says, and to whom."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as effort
from syrupy.assertion import SnapshotAssertion

from pipeline.compose import Sender, Templates, bodies, expired_notice, reminder, verify
from pipeline.domain.draft import Draft
from pipeline.domain.product import Product
from pipeline.domain.reminder import AtExpiry, Audience, Contact, Expired, Reminder, ReminderKind
from pipeline.remind import Parties, due, expired
from tests.certificates import DAY, DCC, HUB, SUPPLIER, contacts, entry, planned
from tests.mails import (
    FOLDER,
    HOSTILE,
    RED_VALUES,
    SENDER,
    TEMPLATES,
    VENDOR,
    VERSION,
    check_straight,
    everything,
    parsed,
    said,
    same_as_golden,
)

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ANN = Contact("ann@meters.example", "Ann Example-Person")
BEGINS = {12: date(2026, 8, 30), 6: date(2027, 2, 28), 1: date(2027, 7, 30)}
MARKS = {"expiry": "[E]", "renewal": "[R]", "trial": "[T]"}


def told(mark: str = "[E]", months: int = 12, to: str = ANN.addr, entries: tuple[Product, ...] = ()) -> Reminder:
    """The reminder of a window to a recipient, as it is computed."""
    held = entries or (
        entry(1, f"{mark} NCSC-1234567891-2345"),
        entry(2, f"{mark} NCSC1234567891-2345"),
        entry(3, f"{mark} NCSC-1234567891-2345", device=HUB),
    )
    parties = Parties((SUPPLIER,), (DCC,))
    made = due(planned(*held), set(), BEGINS[months], contacts(held, ANN), parties)
    return next(one for one in made.reminders if one.to.addr == to)


def send(one: Reminder, **more: object) -> Draft:
    given_ = {"sender": SENDER, "now": NOW, "templates": TEMPLATES} | more
    return reminder(one, **given_)  # type: ignore[arg-type]


def passed(mark: str, *entries: Product) -> Expired:
    plan = planned(*(entries or (entry(1, f"{mark} S-12"), entry(2, f"{mark} S12"))))
    return expired(plan, set(), DAY + timedelta(days=1))[0]


def notice(one: Expired, to: str = "ssc@cpl.example") -> Draft:
    return expired_notice(one, to, sender=SENDER, now=NOW, templates=TEMPLATES)


SCENES = {
    **{f"{kind}-{m}": lambda mark=mark, m=m: send(told(mark, m)) for kind, mark in MARKS.items() for m in BEGINS},
    "expiry-12-suppliers": lambda: send(told(to=SUPPLIER)),
    "renewal-12-dcc": lambda: send(told("[R]", to=DCC)),
    "trial-1-suppliers": lambda: send(told("[T]", 1, to=SUPPLIER)),
    **{f"expired-{kind}": lambda mark=mark: notice(passed(mark)) for kind, mark in MARKS.items()},
}


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_mail(scene: str, snapshot: SnapshotAssertion) -> None:
    draft = SCENES[scene]()
    same_as_golden(draft, snapshot)
    check_straight(draft)


def test_the_templates_are_sound() -> None:
    assert [trouble for trouble in verify(TEMPLATES) if "remind" in trouble or "expired" in trouble] == []


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("reminder-trial/subject.txt.j2", "{{ certificate.number }}", "", "reminder-trial/subject.* number once"),
        ("reminder-expiry/subject.txt.j2", "CPA", "Re: CPA", "must give one line"),
        ("reminder-expiry/body.html.j2", "at once", "soon", "reminder-expiry differ"),
        ("reminder-renewal/body.txt.j2", "looks after", "forgot", "reminder-renewal differ"),
        ("expired-ssc/body.html.j2", "We propose", "We insist", "expired-ssc differ"),
        ("_base/reminder.html.j2", "<p style", "<img src='x'><p style", "loads or runs"),
    ],
)
def test_a_wrong_template_is_found_before_a_mail_needs_it(name: str, old: str, new: str, words: str) -> None:
    sources = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.j2")}
    assert old in sources[name]
    sources[name] = sources[name].replace(old, new, 1)
    assert any(re.search(words, trouble) for trouble in verify(Templates(sources)))


def test_a_kind_that_the_rules_name_and_nobody_wrote_is_missed() -> None:
    sources = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.j2")}
    kept = {name: text for name, text in sources.items() if not name.startswith(("reminder-trial", "expired"))}
    troubles = " ".join(verify(Templates(kept)))
    assert "The mail kind reminder-trial lacks" in troubles
    assert "The mail kind expired-ssc lacks" in troubles


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (12, "not before Sunday 30 August 2026, and by Sunday 28 February 2027 at the latest"),
        (6, "by Sunday 28 February 2027 at the latest"),
        (1, "had to be initiated by Sunday 28 February 2027"),
    ],
)
def test_the_questionnaire_rule_by_window(months: int, words: str) -> None:
    for mark in ("[E]", "[R]"):
        assert said(send(told(mark, months))).count(words) == 2
    assert "Questionnaire" not in said(send(told("[T]", months)))
    assert "Questionnaire" not in said(send(told(months=months, to=SUPPLIER)))


def test_a_late_reminder_says_that_the_questionnaire_is_late() -> None:
    on_the_day = replace(told(), on=date(2027, 2, 28))
    late = replace(told(), on=date(2027, 3, 1))
    assert "at the latest" in said(send(on_the_day))
    assert "had to be initiated" in said(send(late))


def test_the_name_stands_in_the_mail_to_the_contact_and_in_no_other() -> None:
    assert said(send(told())).count("Hello Ann Example-Person,") == 2
    for to in (SUPPLIER, DCC):
        assert "Ann" not in everything(send(told(to=to)))
    other = replace(told(to=SUPPLIER), to=replace(ANN, addr=SUPPLIER))
    assert "Ann" not in everything(send(other))
    assert "Hello," in said(send(replace(told(), to=Contact(ANN.addr))))
    assert "Ann" not in repr(ANN).replace(ANN.addr, "")


def test_sixty_entries_are_all_named_in_readable_lines() -> None:
    held = tuple(entry(n, "[E] NCSC-1234567891-2345") for n in range(1, 61))
    draft = send(told(entries=held))
    text, html = bodies(draft.raw)
    assert draft.subject == "CPA Certificate [E] NCSC-1234567891-2345 expires on 30 August 2027: 60 entries of the CPL"
    assert re.findall(r"^(0000\d\d)  10:63 00:0A 01 02 0C:03:0C:", text, re.MULTILINE) == [
        f"{n:06}" for n in range(1, 61)
    ]
    assert len(re.findall(r"<strong>0000\d\d</strong>", html)) == 60
    assert max(map(len, text.splitlines())) <= 76


def test_each_recipient_is_told_of_what_concerns_them_alone() -> None:
    for to, numbers in ((SUPPLIER, {"000001", "000002"}), (DCC, {"000003"})):
        draft = send(told(to=to))
        assert set(re.findall(r"\b0000\d\d\b", everything(draft))) == numbers
        assert draft.to == parsed(draft)["To"] == to


def test_only_published_columns_are_told() -> None:
    plain = entry(1)
    held = replace(plain, values=plain.values | RED_VALUES | {"Contact-CPA.Contact.contact name": "Zed"})
    for draft in (send(told(entries=(held,))), notice(passed("", held))):
        seen = everything(draft)
        assert not [secret for secret in (VENDOR, VERSION, "Zed") if secret in seen]


def test_headers() -> None:
    mail = parsed(send(told()))
    assert mail["From"] == "CPL Helpdesk <helpdesk@cpl.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail["X-CPL-Pipeline"] == "reminder-expiry"
    assert mail["Reply-To"] is None


def test_the_message_id_is_of_the_key_alone() -> None:
    one = told()
    base = send(one).message_id
    assert re.fullmatch(r"<[0-9a-f]{32}\.certificate@cpl\.example>", base)
    same = replace(one, template="reminder-renewal", entries=one.entries[:1], on=DAY)
    assert send(same, now=NOW + timedelta(days=3)).message_id == base
    assert send(one, sender=Sender("Desk", "d@other.example")).message_id == base.replace("cpl.", "other.")
    others = [told(months=6), told(to=DCC), told("[T]")]
    assert len({base, *(send(other).message_id for other in others)}) == 4


def test_the_ssc_notice_is_one_for_each_date_and_address() -> None:
    one = passed("[T]")
    assert notice(one).message_id == notice(one, "SSC@cpl.example").message_id
    other = notice(one, "chair@ssc.example")
    assert other.message_id != notice(one).message_id
    assert parsed(other)["To"] == "chair@ssc.example"
    asked = {kind: said(notice(passed(mark))) for kind, mark in MARKS.items()}
    assert "We propose to set the status of these entries to Removed" in asked["trial"]
    assert all("Please determine whether a remedial plan" in asked[kind] for kind in ("expiry", "renewal"))
    assert "Removed" not in asked["expiry"]
    assert "date of renewal" in asked["renewal"]


def test_what_the_rules_ask_of_the_ssc_is_what_is_asked() -> None:
    assert "Please determine" in said(notice(replace(passed("[T]"), asked=AtExpiry.DETERMINATION)))


@pytest.mark.parametrize("addr", ["", "a@b.example, c@d.example", "a\r\nBcc: x@evil.example"])
def test_an_address_no_mail_can_go_to_is_refused(addr: str) -> None:
    with pytest.raises(ValueError, match="one bare address"):
        send(replace(told(), to=Contact(addr)))
    with pytest.raises(ValueError, match="one bare address"):
        notice(passed("[E]"), addr)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        send(told(), now=datetime(2026, 11, 21))  # noqa: DTZ001 - what it is about


@effort(max_examples=60)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_no_text_of_a_list_or_a_contact_bends_a_mail(name: str, number: str, other: str, device: str) -> None:
    plain = told()
    odd = replace(plain.entries[0], number=number, values={"Device_Type.name": device})
    certificate = replace(plain.certificate, numbers=(number, other), entries=(odd,))
    for audience in Audience:
        draft = send(
            replace(plain, to=replace(ANN, name=name), audience=audience, certificate=certificate, entries=(odd,))
        )
        check_straight(draft)
    for kind in ReminderKind:
        check_straight(notice(replace(passed("[E]"), certificate=replace(certificate, kind=kind))))
