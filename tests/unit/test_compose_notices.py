"""Notices of a Release and answers to amendments: who is told what, and what nobody is told."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from pipeline.compose import (
    Enclosure,
    ReleaseNotice,
    Sender,
    Templates,
    bodies,
    notices,
    settings_troubles,
    verify,
)
from pipeline.compose.changes import ENTRY_LIMIT, named, series
from pipeline.config import NoticesConfig
from pipeline.domain.draft import Draft
from pipeline.domain.release import (
    AmendmentKind,
    ChangeKind,
    EntryChange,
    ListDifference,
    NewEntry,
    ReleasePlan,
    RepositoryRow,
    ValueChange,
)
from tests.mails import (
    CLERK,
    EXPIRY,
    FOLDER,
    HOSTILE,
    NUMBER,
    PERSONAL_VALUES,
    RED_VALUES,
    SECRETS,
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
LINK = "https://cpl.example/list"
SETTINGS = NoticesConfig(
    list_address="cpl-list@cpl.example",
    list_id="cpl-notices.cpl.example",
    dcc=("cpl@dcc.example",),
    ssc=("ssc@cpl.example",),
    non_parties=("meters.example", "jo@home.example"),
)
CSV = Enclosure("CPL_3.001.csv", "text/csv", b"Version,Entry.number\r\nVersion 3.001,000004\r\n")
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DZIR = Enclosure("DZIR_3.001.xlsx", SHEET, f"000004;{VENDOR};{VERSION}".encode())


def change(kind: ChangeKind, number: int, *values: ValueChange) -> EntryChange:
    product = listed(number)
    return EntryChange(kind, product.number, None if kind is ChangeKind.ADDED else product, product, values)


RENEWED = (
    ValueChange(NUMBER, "[E] NCSC-1234567891-2345", "[R] NCSC-1234567891-2345"),
    ValueChange(EXPIRY, "30/08/2027", "30/08/2033"),
)
CHANGES = (
    change(ChangeKind.CHANGED, 1, *RENEWED),
    change(ChangeKind.REMOVED, 2, ValueChange("Entry.status", "Current", "Removed")),
    change(ChangeKind.CHANGED, 3, *RENEWED),
    change(ChangeKind.ADDED, 4),
    change(ChangeKind.ADDED, 5),
)
LOG = (
    "Two new SMETS2 device models added:",
    "000004 - Quillmoor Gas Smart Meter (firmware 0C:03:0C:04)",
    "000005 - Quillmoor Größenzähler (firmware 0C:03:0C:05)",
    "The CPA certificate of 000001 and 000003 was renewed.",
    "000002 - removed (incorrect details submitted)",
)


def release(*changes: EntryChange, log: Sequence[str] = LOG, **more: object) -> ReleaseNotice:
    plan = ReleasePlan(
        base="3.000",
        version="3.001",
        issued=date(2026, 11, 21),
        difference=ListDifference("3.000", "3.001", changes or CHANGES),
        log=tuple(log),
        numbered={"000004": NewEntry(7, "CPL-2026-00042", "f.xlsm", "a" * 64, {**RED_VALUES, **PERSONAL_VALUES})},
        amendments=(
            amendment(AmendmentKind.DZIR, "000001", values=RED_VALUES),
            amendment(AmendmentKind.FIR, "000003", values={"FIR Release Notes.Description": "Green-words"}),
        ),
        fir=(RepositoryRow("000003", {"Manufacturer Contact FIR.Street": "Green-street"}),),
        dzir=(RepositoryRow("000004", RED_VALUES),),
        contacts=(RepositoryRow("000004", PERSONAL_VALUES),),
    )
    submitters = {"000004": "submissions@meters.example", "000005": "other@party.example", "000001": "jo@home.example"}
    whole = ReleaseNotice(plan, submitters, CSV, DZIR)
    return replace(whole, **more)  # type: ignore[arg-type]


def send(told: ReleaseNotice | None = None, settings: NoticesConfig = SETTINGS, **more: object) -> tuple[Draft, ...]:
    given = {"link": LINK, "sender": SENDER, "now": NOW, "templates": TEMPLATES} | more
    return notices(told or release(), settings, **given)  # type: ignore[arg-type]


def one(kind: str, told: ReleaseNotice | None = None, settings: NoticesConfig = SETTINGS, **more: object) -> Draft:
    return next(draft for draft in send(told, settings, **more) if draft.kind == kind)


SCENES = {
    "list": lambda: one("notice-list"),
    "list-no-entry": lambda: one("notice-list", replace_changes(), link=""),
    "dcc": lambda: one("notice-dcc"),
    "party": lambda: one("notice-party"),
    "ssc": lambda: one("notice-ssc"),
}


def replace_changes() -> ReleaseNotice:
    told = release(log=())
    return replace(told, plan=replace(told.plan, difference=ListDifference("3.000", "3.001")))


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_notice(scene: str, snapshot: SnapshotAssertion) -> None:
    draft = SCENES[scene]()
    same_as_golden(draft, snapshot)
    check_straight(draft)


def test_each_audience_gets_its_notice_in_a_fixed_order() -> None:
    assert [(draft.kind, draft.to) for draft in send()] == [
        ("notice-list", "cpl-list@cpl.example"),
        ("notice-dcc", "cpl@dcc.example"),
        ("notice-party", "jo@home.example"),
        ("notice-party", "submissions@meters.example"),
        ("notice-ssc", "ssc@cpl.example"),
    ]
    assert send(settings=NoticesConfig()) == ()


def test_members_named_one_by_one_get_one_mail_each_and_the_list_none() -> None:
    members = ("a@x.example", "b@y.example", "A@X.example")
    made = send(settings=NoticesConfig(list_address="cpl-list@cpl.example", recipients=members))
    assert [draft.to for draft in made] == ["a@x.example", "b@y.example"]
    assert [parsed(draft)["To"] for draft in made] == ["a@x.example", "b@y.example"]
    assert len({draft.message_id for draft in made}) == 2
    assert "b@y.example" not in everything(made[0])


def test_the_ssc_is_not_written_to_when_the_dzir_is_as_it_was() -> None:
    assert "notice-ssc" not in {draft.kind for draft in send(release(dzir=None))}


@pytest.mark.parametrize(("kind", "file"), [("notice-dcc", CSV), ("notice-ssc", DZIR)])
def test_a_file_goes_with_the_mail_of_its_audience(kind: str, file: Enclosure) -> None:
    (attached,) = parsed(one(kind)).iter_attachments()
    assert attached.get_filename() == file.name
    assert attached.get_content_type() == file.content_type
    assert attached.get_payload(decode=True) == file.content
    assert file.name in said(one(kind))
    assert re.search(r"SHA-256: [0-9a-f]{64} ", said(one(kind)))


def test_no_other_mail_carries_a_file() -> None:
    for draft in send():
        if draft.kind not in {"notice-dcc", "notice-ssc"}:
            assert parsed(draft).get_content_type() == "multipart/alternative"
            assert list(parsed(draft).iter_attachments()) == []


@pytest.mark.parametrize("line", ["", f"Stack {VENDOR.upper()} mended", f"now ({VERSION})", f"asked by {CLERK}."])
def test_red_and_personal_values_reach_nothing_but_the_file_for_the_ssc(line: str) -> None:
    made = send(release(log=(*LOG, line, "write to clerk@x.example")))
    assert len(made) == 5
    for draft in made:
        seen = everything(draft)
        if draft.kind == "notice-ssc":
            assert seen.count(VENDOR) == seen.count(VERSION) == 1
            seen = seen.replace(DZIR.content.decode(), "")
        for secret in (*SECRETS, "Zzyzx", "Green-", "clerk@x.example", "other@party.example"):
            assert secret.casefold() not in seen.casefold()
    kept_back = 2 if line else 1
    assert f"Not repeated here: {kept_back} line" in said(made[0])
    assert LOG[1] in said(made[0])


def test_a_reason_that_names_the_stack_of_a_listed_entry_is_not_sent_round() -> None:
    told = release(log=("000002 - removed (Oldstack R21 has a flaw)", "000003 - Ann Other asked for it", LOG[0]))
    rows = (RepositoryRow("000002", {"Device_ZigBee_Information_Repository.Stack_Vendor": "OldStack"}),)
    people = (RepositoryRow("000003", {"Contact-CPA.Contact.contact name": "Ann  Other"}),)
    told = replace(told, plan=replace(told.plan, dzir=rows, contacts=people))
    for draft in send(told):
        assert "oldstack" not in everything(draft).casefold()
        assert "Ann Other" not in said(draft)
    assert f"{LOG[0]} Not repeated here: 2 lines of that tab." in said(one("notice-list", told))


def test_a_field_that_is_not_a_column_of_the_list_is_not_told() -> None:
    values = [ValueChange(field, "old-words", "new-words") for field in (*RED_VALUES, *PERSONAL_VALUES, "New.field")]
    made = send(release(change(ChangeKind.CHANGED, 1, *values), log=()))
    assert all("-words" not in everything(draft) and "Stack_" not in everything(draft) for draft in made)
    shown = said(one("notice-list", release(change(ChangeKind.CHANGED, 1, ValueChange(EXPIRY, "", " x  y")))))
    assert 'CPA_Certificate.expiry_date was (empty) now " x y"' in shown


def test_a_submitter_who_is_no_sec_party_is_told_of_their_own_entries_alone() -> None:
    home, meters = (draft for draft in send() if draft.kind == "notice-party")
    assert set(re.findall(r"\b0000\d\d\b", everything(meters))) == {"000004"}
    assert set(re.findall(r"\b0000\d\d\b", everything(home))) == {"000001"}
    assert "jo@home.example" not in everything(meters)
    assert meters.subject == "Central Products List 3.001: entry 000004"
    assert "Version Control" not in said(meters)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("Ann@Meters.Example", True),
        ("ann@uk.meters.example", True),
        ("ann@notmeters.example", False),
        ("JO@home.example", True),
        ("mary@home.example", False),
        ("", False),
    ],
)
def test_non_parties_are_known_by_address_or_domain(address: str, told: bool) -> None:
    made = send(release(submitters={"000004": address, "000005": address.lower()}))
    mine = [draft for draft in made if draft.kind == "notice-party"]
    assert [draft.to for draft in mine] == ([address] if told else [])
    assert all("entries 000004 and 000005" in draft.subject for draft in mine)


def test_a_submitter_whose_repository_row_alone_changed_is_told() -> None:
    made = send(release(submitters={"000003": "a@meters.example", "000777": "b@meters.example"}))
    mine = [draft for draft in made if draft.kind == "notice-party"]
    assert [draft.to for draft in mine] == ["a@meters.example"]
    assert "Its information was changed for entry 000003." in said(mine[0])


@pytest.mark.parametrize("bad", ["x\r\nBcc: v@evil.example@meters.example", "=?utf-8?q?v=40evil?=@meters.example"])
def test_an_address_no_mail_can_go_to_is_left_to_the_person(bad: str) -> None:
    (draft,) = (made for made in send(release(submitters={"000004": bad})) if made.kind == "notice-party")
    assert draft.to == ""
    assert parsed(draft)["To"] is None
    assert "evil" not in everything(draft)


def test_equal_edits_are_told_once_and_status_only_where_no_title_says_it() -> None:
    shown = said(one("notice-list"))
    assert shown.count("In entries 000001 and 000003:") == 2  # once in each body
    assert "In entry 000002" not in shown
    assert "Entry.status" not in shown
    odd = change(ChangeKind.RESTORED, 2, ValueChange("Entry.status", "Removed", "Current"), *RENEWED)
    assert "In entry 000002:" in said(one("notice-list", release(odd)))


def test_forty_entries_stand_in_one_readable_mail_and_a_flood_is_capped() -> None:
    draft = one("notice-list", release(*(change(ChangeKind.ADDED, n) for n in range(1, 41)), log=()))
    text, _ = bodies(draft.raw)
    assert draft.subject == "Central Products List 3.001: 40 entries added"
    assert len(re.findall(r"^0000\d\d  10:63 00:0A 01 02 0C:03:0C:", text, re.MULTILINE)) == 40
    assert max(map(len, text.splitlines())) <= 76
    flood = one("notice-list", release(*(change(ChangeKind.ADDED, n) for n in range(1, ENTRY_LIMIT + 8))))
    assert "And 7 more, not listed here." in said(flood)
    assert f" {ENTRY_LIMIT:06} " in said(flood)
    assert f" {ENTRY_LIMIT + 1:06} " not in said(flood)


def test_headers_of_a_notice_to_the_list() -> None:
    made = parsed(one("notice-list"))
    assert made["From"] == "CPL Helpdesk <helpdesk@cpl.example>"
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert made["X-CPL-Pipeline"] == "release 3.001"
    assert made["Reply-To"] is None
    assert made["List-Id"] == "<cpl-notices.cpl.example>"
    assert made["List-Post"] == "NO"
    assert made["List-Archive"] == f"<{LINK}>"
    assert made["Precedence"] == "list"
    assert made["List-Unsubscribe"] == "<mailto:helpdesk@cpl.example?subject=Unsubscribe%20from%20CPL%20notices>"
    assert {"List-Help", "List-Owner"} <= set(made.keys())


@pytest.mark.parametrize(
    "draft",
    [
        lambda: one("notice-list", settings=NoticesConfig(list_address="l@cpl.example")),
        lambda: one("notice-dcc"),
        lambda: one("notice-party"),
        lambda: one("notice-ssc"),
    ],
)
def test_no_list_headers_where_there_is_no_list(draft) -> None:
    made = parsed(draft())
    assert [name for name in made.keys() if name.startswith("List-") or name == "Precedence"] == []  # noqa: SIM118 - a mail is no dict
    assert made["Auto-Submitted"] == "auto-generated"


def test_long_and_odd_addresses_stay_whole_in_list_headers() -> None:
    long = f"https://cpl.example/{'x' * 400}?a=b&c=d"
    odd = Sender("Desk", "cpl+a?b&c@cpl.example")
    made = one("notice-list", link=long, sender=odd, settings=replace_id("<CPL-notices.cpl.example>"))
    assert f"\r\nList-Archive: <{long}>\r\n".encode() in made.raw
    assert b"\r\nList-Owner: <mailto:cpl%2Ba%3Fb%26c@cpl.example>\r\n" in made.raw
    assert b"\r\nList-Id: <CPL-notices.cpl.example>\r\n" in made.raw
    assert f'href="{long.replace("&", "&amp;")}"' in bodies(made.raw)[1]


def replace_id(text: str) -> NoticesConfig:
    return NoticesConfig(list_address="l@cpl.example", list_id=text)


@pytest.mark.parametrize("link", ["the SEC website", "javascript:alert(1)", "https://x.example/a b", 'https://x/"><b>'])
def test_a_link_that_is_no_web_address_is_shown_and_not_linked(link: str) -> None:
    made = one("notice-list", link=link)
    assert parsed(made)["List-Archive"] is None
    assert re.findall(r'href="(?!mailto:)', bodies(made.raw)[1]) == []
    assert f"Published at: {link} " in said(made)


def test_the_message_id_is_of_version_kind_and_recipient_alone() -> None:
    base = one("notice-list")
    assert re.fullmatch(r"<[0-9a-f]{32}\.notice-list@cpl\.example>", base.message_id)
    reworded = Templates({n.relative_to(FOLDER).as_posix(): n.read_text("utf-8") + " " for n in FOLDER.rglob("*.j2")})
    same = (
        one("notice-list", now=NOW + timedelta(days=1)),
        one("notice-list", release(change(ChangeKind.ADDED, 9))),
        one("notice-list", templates=reworded),
        one("notice-list", settings=NoticesConfig(list_address="CPL-List@cpl.example")),
    )
    assert {draft.message_id for draft in same} == {base.message_id}
    later = release()
    later = replace(later, plan=replace(later.plan, version="3.002"))
    assert len({draft.message_id for draft in (*send(), *send(later))}) == 10
    assert send() == send()


@pytest.mark.parametrize(
    ("settings", "said_"),
    [
        (NoticesConfig(dcc=("a@b.example\r\nBcc: x@y",)), r"notices\.dcc: 'a@b\.example Bcc: x@y' is not one bare"),
        (NoticesConfig(ssc=("",)), r"notices\.ssc: ''"),
        (NoticesConfig(recipients=("ok@x.example", "nobody")), r"notices\.recipients: 'nobody'"),
        (NoticesConfig(list_address="a, b@x.example"), r"notices\.list_address"),
        (replace_id("CPL notices"), r"notices\.list_id: 'CPL notices' is no List-Id"),
        (replace_id("a.b>\r\nBcc: x@y.example"), r"notices\.list_id"),
        (replace_id(f"{'a' * 250}.example"), r"notices\.list_id"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_by_name(settings: NoticesConfig, said_: str) -> None:
    (trouble,) = settings_troubles(settings)
    assert re.match(said_, trouble)
    with pytest.raises(ValueError, match=said_):
        send(settings=settings)
    assert settings_troubles(SETTINGS) == ()


def test_what_is_broken_on_our_side_is_said() -> None:
    with pytest.raises(ValueError, match="Entry 000001 is gone"):
        send(release(change(ChangeKind.GONE, 1)))
    with pytest.raises(ValueError, match="time zone"):
        send(now=NOW.replace(tzinfo=None))
    for name in ("", "a/b.csv", 'a".csv', "ä.csv", "a\r\nb.csv", ".csv"):
        with pytest.raises(ValueError, match="plain file name"):
            Enclosure(name, "text/csv", b"")
    assert "Zzyzx" not in repr(release())


def test_lists_of_numbers_read_as_english() -> None:
    assert [series(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert named(["000001"]) == "entry 000001"
    assert named([str(n) for n in range(ENTRY_LIMIT + 2)]).endswith(f", {ENTRY_LIMIT - 1} and 2 more")


@effort(max_examples=40, deadline=None)
@given(texts=st.lists(HOSTILE, min_size=10, max_size=10))
def test_no_input_can_bend_a_notice(texts: list[str]) -> None:
    number, device, old, new, log, link, version, field, name, phone = texts
    product = replace(listed(1, **{"Device_Type.name": device}), number=number)
    edit = (ValueChange(f"Entry.{field}", old, new), ValueChange(EXPIRY, new, old))
    told = release(EntryChange(ChangeKind.CHANGED, number, product, product, edit), log=(log, name))
    told = replace(told, plan=replace(told.plan, version=version), submitters={number: f"{name}@meters.example"})
    for draft in send(told, link=link, sender=Sender(name, SENDER.addr, phone, (log,), old)):
        check_straight(draft)


def sources() -> dict[str, str]:
    return {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.j2")}


@pytest.mark.parametrize(
    ("file", "old", "new", "trouble"),
    [
        ("notice-list/subject.txt.j2", "{{ release.version }}", "", "must give one line with the version once"),
        ("notice-ssc/body.html.j2", "Do not forward", "Do forward", "bodies of notice-ssc differ"),
        ("notice-party/body.txt.j2", "{{ (", "{{ nothing ~ (", "'nothing' is undefined"),
        ("amendment-received/subject.txt.j2", "{{ case }}", "", "the case number once"),
        ("amendment-received/body.html.j2", "{% block intro %}", "{% block intro %}<img src=x>", "loads or runs"),
    ],
)
def test_a_wrong_template_is_found_before_a_mail_needs_it(file: str, old: str, new: str, trouble: str) -> None:
    held = sources()
    assert old in held[file]
    found = verify(Templates({**held, file: held[file].replace(old, new, 1)}))
    assert any(re.search(trouble, each) for each in found), found


def test_a_folder_the_code_asks_for_is_missed_by_name() -> None:
    held = {name: text for name, text in sources().items() if not name.startswith("notice-dcc/")}
    (trouble,) = verify(Templates(held))
    assert trouble.startswith("The mail kind notice-dcc lacks subject.txt.j2, body.txt.j2, body.html.j2")
