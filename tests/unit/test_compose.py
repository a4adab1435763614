"""Replies: what is said, in which order, to whom, what is never said, and that no input can bend a header."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

from pipeline.compose import Sender, Templates, TemplatesBroken, bodies, reply
from pipeline.compose.parity import active_content, difference, html_text, words
from pipeline.compose.points import PART_LIMIT, POINT_LIMIT
from pipeline.compose.withhold import PERSONAL, RED
from pipeline.domain.draft import Draft
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Decision, Judged, Outcome
from pipeline.domain.message import Address, Attachment, Message, Problem
from pipeline.domain.product import DeviceModel

FOLDER = Path(__file__).resolve().parents[2] / "templates"
TEMPLATES = Templates.load(FOLDER)
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CASE = "CPL-2026-00042"
SENDER = Sender("CPL Helpdesk", "helpdesk@cpl.example", "020 7946 0000", ("Robin Reed", "CPL Helpdesk"))
FORM, OTHER_FORM, PDF, FOREIGN = "a" * 64, "d" * 64, "b" * 64, "e" * 64
FIELDS = (
    "Device_Type.name",
    "Device_Model.manufacturer_identifier",
    "Device_Model.firmware_version",
    "GBCS Version.version_number",
    "CPA_Certificate.expiry_date",
    "Contact-CPA.Contact.contact email",
    "Device_ZigBee_Information_Repository.Stack_Vendor",
)
MODEL = DeviceModel("10:63", "00:0A", "01", "02", "0C:03:0C")
ACCEPT = Decision(Outcome.ACCEPT, "clean", "")
REJECT = Decision(Outcome.REJECT, "any-fail", "")
ASK = Decision(Outcome.CLARIFY, "ask-submitter", "", Settler.SUBMITTER)
LOOK = Decision(Outcome.CLARIFY, "look", "", Settler.REVIEWER)


def mail(subject: str = "New gas meter", **changes: object) -> Message:
    plain = Message(
        sha256="c" * 64,
        message_id="<one@meters.example>",
        subject=subject,
        senders=(Address("Meters Ltd", "submissions@meters.example"),),
        reply_to=(),
        sent="Mon, 23 Nov 2026 08:55:00 +0000",
        in_reply_to="",
        references=(),
        automatic=(),
        body="",
        attachments=(
            Attachment("form.xlsm", "form.xlsm", "workbook", "", FORM, 300_000),
            Attachment("second.xlsm", "second.xlsm", "workbook", "", OTHER_FORM, 300_000),
            Attachment("zse.pdf", "zse.pdf", "pdf", "", PDF, 90_000),
        ),
        problems=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def finding(
    subject: str = FIELDS[2],
    cell: str = "G14",
    text: str = "0C:03:0C",
    *,
    status: Status = Status.FAIL,
    settle: Settler | None = None,
    message: str = "The firmware version has three octets where four are needed.",
    check: str = "form.format",
) -> Finding:
    return Finding(
        check=check,
        status=status,
        message=message,
        clause="CPL guidance V6.0, section 7.2.2",
        evidence=(Evidence(FORM, "form.xlsm", f"CPL - New Entry!{cell}", text),),
        subject=subject,
        expected="four octets in the format XX:XX:XX:XX, each X one of 0 to 9 or A to F",
        why="The five fields of the Device Model follow the ZigBee OTA header.",
        remedy=f"Write all four octets into cell {cell}.",
        settle=settle,
    )


def judged(*findings: Finding, decision: Decision = REJECT, file: str = "form.xlsm", artefact: str = FORM) -> Judged:
    return Judged(file, artefact, "Gas Smart Meter", MODEL, findings, decision)


def write(
    kind: str = "rejected",
    parts: Sequence[Judged] | None = None,
    message: Message | None = None,
    *,
    case: str = CASE,
    to: str = "submissions@meters.example",
    due: str = "2026-11-24",
    sender: Sender = SENDER,
    now: datetime = NOW,
    templates: Templates = TEMPLATES,
) -> Draft:
    parts = (judged(finding()),) if parts is None else parts
    return reply(
        kind,
        message=message or mail(),
        judged=parts,
        decision=parts[0].decision if parts else LOOK,
        case=case,
        correspondent=to,
        due=due,
        sender=sender,
        now=now,
        field_order=FIELDS,
        templates=templates,
    )


def parsed(draft: Draft) -> EmailMessage:
    return message_from_bytes(draft.raw, policy=policy.default)


def said(draft: Draft) -> str:
    """Both bodies, blanks folded: what is searched for what must and must not be said."""
    text, html = bodies(draft.raw)
    return " ".join((text + " " + html_text(html)).replace("\N{NO-BREAK SPACE}", " ").split())


QUESTION = Finding(
    check="letter.test-lab",
    status=Status.UNCLEAR,
    settle=Settler.SUBMITTER,
    message="Was this Device Model added to an existing CPA certificate?",
    clause="CPL guidance V6.0, section 7.7",
    evidence=(Evidence(FORM, "form.xlsm", "CPL - New Entry!G17", "[R] NCSC-1234567891-2345"),),
    subject="CPA_Certificate.identification_number",
    why="The certificate is already on the list with other Device Models.",
    remedy="Send the test laboratory's letter that names this Device Model.",
)
COMBINATION = Finding(
    check="form.combination",
    status=Status.FAIL,
    message="'SMETS V4.2' with 'GBCS Version 4.1' is not offered for a Gas Smart Meter.",
    clause="CPL guidance V6.0, section 7.2.3; SEC Schedule 11",
    evidence=(
        Evidence(FORM, "form.xlsm", "CPL - New Entry!G15", "SMETS V4.2"),
        Evidence(FORM, "form.xlsm", "CPL - New Entry!G16", "GBCS Version 4.1"),
    ),
    subject=FIELDS[3],
    expected="SMETS V4.2 with GBCS Version 3.2, or SMETS V4.3 with GBCS Version 3.2, 4.0 or 4.1",
    why="Only the combinations of the Technical Specification Applicability Tables can be communicated with.",
    remedy="Choose a combination from the table and run 'Validate New Entry'.",
)
ALIGNMENT = Finding(
    check="align.zse.manufacturer",
    status=Status.FAIL,
    message="The manufacturer on the ZigBee certificate is not the one on the form.",
    clause="CPL guidance V6.0, Appendix 4.2",
    evidence=(
        Evidence(PDF, "zse.pdf", "page 1 [72.0, 301.2, 190.4, 312.9]", "10:6C"),
        Evidence(FORM, "form.xlsm", "CPL - New Entry!G10", "10:63"),
    ),
    subject=FIELDS[1],
    expected="the same manufacturer identifier in both",
    remedy="Send the certificate of this Device Model, or correct cell G10.",
)
TRIMMED = replace(
    finding(FIELDS[0], "G9", "Gas Smart Meter ", status=Status.ADVICE, check="form.trim"),
    message="A blank at the end was left out.",
    remedy="Choose the value from the drop-down list next time.",
)
EXPIRY = replace(
    finding(FIELDS[4], "G19", "", message="The CPA certificate's expiry date is missing.", check="form.required"),
    clause="CPL guidance V6.0, section 7.2.4",
    expected="a date in the format dd/mm/yyyy",
    why="A Gas Smart Meter is listed with a CPA certificate and the date it expires or is renewed.",
    remedy="Write the date that stands on the certificate or in the NCSC's letter into cell G19.",
)
VENDOR = replace(
    finding(
        FIELDS[6], "G42", "Silicon\x0bLabs", message="A control character stands in the value.", check="form.format"
    ),
    clause="CPL guidance V6.0, section 7.2.12",
    expected="plain text",
    why="",
    remedy="Type the value again in cell G42.",
)
SCENES = {
    "accepted": ("accepted", (judged(TRIMMED, decision=ACCEPT),), mail("New gas meter")),
    "rejected": (
        "rejected",
        (judged(TRIMMED, VENDOR, COMBINATION, EXPIRY, ALIGNMENT, finding()),),
        mail("RE: New gas meter"),
    ),
    "rejected-several": (
        "rejected",
        (
            judged(finding(), QUESTION),
            judged(decision=ACCEPT, file="second.xlsm", artefact=OTHER_FORM),
            judged(replace(QUESTION, settle=Settler.REVIEWER), decision=LOOK, file="third.xlsm", artefact="f" * 64),
        ),
        mail("Three Größen"),
    ),
    "question": ("question", (judged(QUESTION, decision=ASK),), mail()),
    "unreadable": (
        "unreadable",
        (),
        mail(problems=(Problem("encrypted", "The workbook needs a password to open it.", "form.xlsm"),)),
    ),
}


class _Golden(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(Path(test_location.filepath).resolve().parents[1] / "golden" / test_location.basename)


class _Text(_Golden):
    file_extension = "txt"


class _Html(_Golden):
    file_extension = "html"


class _Headers(_Golden):
    file_extension = "headers"


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_reply(scene: str, snapshot: SnapshotAssertion) -> None:
    kind, parts, message = SCENES[scene]
    draft = write(kind, parts, message)
    text, html = bodies(draft.raw)
    head = draft.raw.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "\n")
    # The identity moves with every word of every template; a test of its own holds it.
    head = head.replace(draft.message_id[1:33], "IDENTITY")
    assert text == snapshot.use_extension(_Text)
    assert html == snapshot.use_extension(_Html)
    assert head + "\n" == snapshot.use_extension(_Headers)


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_text_and_html_say_the_same_and_load_nothing(scene: str) -> None:
    kind, parts, message = SCENES[scene]
    text, html = bodies(write(kind, parts, message).raw)
    assert difference(text, html) == ""
    assert active_content(html) == ""
    assert len(words(text)) > 100


def test_faults_stand_once_in_form_order_with_documents_last() -> None:
    whole = replace(finding("", message="There are two form tabs."), check="form.tab")
    document = replace(ALIGNMENT, subject="zse.pdf", message="The certificate has expired.")
    last = finding(FIELDS[4], "G19", message="The date is not dd/mm/yyyy.")
    text, _ = bodies(write(parts=(judged(document, last, finding(), finding(), ALIGNMENT, whole),)).raw)
    titles = re.findall(r"^\d+\. (.+)$", text, re.MULTILINE)
    assert titles == ["The form as a whole", FIELDS[1], FIELDS[2], FIELDS[4], "zse.pdf"]
    assert re.findall(r"^(\d+)\. ", text, re.MULTILINE) == ["1", "2", "3", "4", "5"]


def test_a_fault_names_cell_value_expectation_reason_remedy_and_clause() -> None:
    one = finding()
    for body in bodies(write(parts=(judged(one),)).raw):
        flat = " ".join(body.replace("&#34;", '"').replace("&#39;", "'").split())
        for fact in (one.message, "cell G14 of the tab 'CPL - New Entry'", '"0C:03:0C"', one.expected, one.why):
            assert fact in flat
        for fact in (one.remedy, one.clause, one.check, FIELDS[2], CASE, "Tuesday 24 November 2026", "020 7946 0000"):
            assert fact in flat


def test_what_is_clean_broken_or_for_the_reviewer_is_not_told() -> None:
    silent = (
        finding(status=Status.PASS, message="passed-word"),
        finding(status=Status.NOT_APPLICABLE, message="inapplicable-word"),
        finding(status=Status.BROKEN, message="Traceback-word"),
        finding(status=Status.UNCLEAR, settle=Settler.REVIEWER, message="reviewer-word"),
    )
    told = said(write(parts=(judged(*silent, finding()),)))
    for word in ("passed-word", "inapplicable-word", "Traceback-word", "reviewer-word"):
        assert word not in told
    assert "there is one point that needs correcting" in told


def test_each_of_several_submissions_has_its_state() -> None:
    told = said(write(*SCENES["rejected-several"]))
    model = "(Gas Smart Meter, Device Model 10:63 00:0A 01 02 0C:03:0C)"
    assert f"form.xlsm {model}: not accepted, see points 1 and 2" in told
    assert f"second.xlsm {model}: accepted" in told
    assert f"third.xlsm {model}: still being checked by us" in told
    assert "We will write to you again about what is still being checked." in told
    assert "A submission that is marked as accepted above need not be sent again." in told
    refused = said(write(parts=(judged(finding()), judged(finding(), file="second.xlsm"))))
    assert "cannot add them yet" in refused
    assert "need not be sent again" not in refused


def test_a_question_that_is_a_statement_is_asked() -> None:
    odd = replace(QUESTION, message="The hash is also that of another firmware version.")
    told = said(write("question", (judged(odd, decision=ASK),)))
    assert "another firmware version. Can you confirm or correct this?" in told
    assert "existing CPA certificate? Can you" not in said(write(*SCENES["question"]))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (FIELDS[6], "Silicon Labs", RED),
        ("Device_ZigBee_Information_Repository.Stack_Version", "R22", RED),
        (FIELDS[5], "jo.bloggs@meters.example", PERSONAL),
    ],
)
@pytest.mark.parametrize("status", [Status.FAIL, Status.ADVICE])
def test_restricted_values_are_never_repeated(field: str, value: str, sentence: str, status: Status) -> None:
    direct = replace(
        finding(field, "G42", f" {value}", message=f"'{value}' has a blank before {value.lower()}.", status=status),
        expected=f"{value} alone",
        why=f'As "{value[:3]}…" says.',
        remedy=f"Write {value.upper()}.",
    )
    indirect = finding("", "G42", value, message="The row stands twice.")
    named = finding("", "G43", value, message=f"The row {field} is missing.")
    raw = write(parts=(judged(direct, indirect, named),)).raw
    told = said(write(parts=(judged(direct, indirect, named),)))
    assert sentence in told
    assert value.casefold() not in told.casefold()
    assert value.encode() not in raw
    assert f"{value[:3]}…" not in told
    assert f"{value[:8]}\\u202e" not in told


def test_an_empty_restricted_field_is_called_empty() -> None:
    told = said(write(parts=(judged(finding(FIELDS[6], "G42", "", message="The stack vendor is missing.")),)))
    assert "Read: (empty)" in told
    assert "The stack vendor is missing." in told


def test_a_duplicate_in_another_case_names_nobody() -> None:
    twin = Finding(
        check="duplicate.batch",
        status=Status.FAIL,
        message="The same Device Model is in rival meters.xlsm of CPL-2026-00041 from sam@rival.example.",
        clause="CPL guidance V6.0, section 8(4)",
        evidence=(
            Evidence(FORM, "form.xlsm", "CPL - New Entry!G10", "10:63"),
            Evidence(FOREIGN, "rival meters.xlsm", "CPL - New Entry!G10", "secret-of-rival"),
        ),
    )
    told = said(write(parts=(judged(twin),)))
    assert "The same Device Model is in another submission of another submission" in told
    for secret in ("rival", "CPL-2026-00041", "sam@"):
        assert secret not in told
    assert '"10:63"' in told


def test_what_was_read_elsewhere_is_left_out_but_the_published_list_is_shown() -> None:
    two = (
        Evidence(FOREIGN, "CPL 3.000", "Central Products List, row 45", "000038"),
        Evidence(FOREIGN, "hidden.xlsm", "CPL - New Entry!G9", "hidden-value"),
    )
    told = said(write(parts=(judged(replace(finding(), check="duplicate.list", evidence=two)),)))
    assert "CPL 3.000, Central Products List, row 45" in told
    assert '"000038"' in told
    assert "hidden" not in told


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", "(empty)"),
        ("01\u202e02", '"01\\u202e02"'),
        ("GBCS\u00a0Version", '"GBCS\\u00a0Version"'),
        ("1\n2\x00\ufeff", '"1\\u000a2\\u0000\\ufeff"'),
        ("\ud800\U000e0001", '"\\ud800\\U000e0001"'),
        ("<script>alert(1)</script>&amp;", '"<script>alert(1)</script>&amp;"'),
        ("a  b ", '"a  b "'),
        ("é" * 200, f'"{"é" * 200}"'),
        ("x" * 1234, f'"{"x" * 200}…" (the first 200 of 1,234 characters)'),
    ],
)
def test_values_are_shown_so_that_they_can_be_seen(value: str, shown: str) -> None:
    text, html = bodies(write(parts=(judged(finding(text=value)),)).raw)
    assert f"Read:      {shown}\n" in text
    assert shown in html_text(html).replace("\N{NO-BREAK SPACE}", " ")
    assert "<script" not in html


def test_a_flood_is_capped_and_said() -> None:
    many = tuple(finding("", f"G{n}", message=f"Fault {n}.") for n in range(1, POINT_LIMIT + 8))
    parts = [judged(*many)] + [judged(file=f"{n}.xlsm", artefact=f"{n:064x}") for n in range(PART_LIMIT + 2)]
    told = said(write(parts=parts))
    assert "There are 7 further points." in told
    assert "3 more, not listed here." in told
    assert f"Fault {POINT_LIMIT}." in told
    assert f"Fault {POINT_LIMIT + 1}." not in told


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("New gas meter", "Re: New gas meter [CPL-2026-00042]"),
        ("RE: AW: Fwd: WG:SV: re[2]: FW : New gas meter", "Re: New gas meter [CPL-2026-00042]"),
        ("[EXTERNAL] RE: New gas meter [CPL-2026-00042] [cpl-2026-00042]", "Re: New gas meter [CPL-2026-00042]"),
        ("Re: [CPL-2025-00001] Re: about CPL-2026-00042 again", "Re: about again [CPL-2026-00042]"),
        ("Report: Rework", "Re: Report: Rework [CPL-2026-00042]"),
        ("", "Re: your CPL submission [CPL-2026-00042]"),
        ("a\r\nBcc: x@evil.example\x00", "Re: a Bcc: x@evil.example\\u0000 [CPL-2026-00042]"),
        ("=?utf-8?q?a=0D=0ABcc:_x?=", "Re: = ?utf-8?q?a=0D=0ABcc:_x?= [CPL-2026-00042]"),
        ("Zähler 😀", "Re: Zähler 😀 [CPL-2026-00042]"),
        ("x" * 1000, f"Re: {'x' * 228}… [CPL-2026-00042]"),
    ],
)
def test_subject(subject: str, expected: str) -> None:
    draft = write(message=mail(subject))
    assert draft.subject == expected
    assert str(parsed(draft)["Subject"]) == expected
    assert len(draft.subject) <= 250


def test_threading_takes_the_first_and_the_newest_twenty_ids_verbatim() -> None:
    ids = [f"<{n}@meters.example>" for n in range(30)]
    long = f"<{'l' * 990}@m>"
    message = mail(references=(*ids, "<bad id@x>", "no-brackets", "<a\r\nBcc:b@x>", "<ü@x>", long, f"<{'x' * 1000}>"))
    raw = write(message=message).raw
    assert re.findall(rb"References: (.+?)\r\n(?=\S)", raw, re.DOTALL)[0].split() == [
        i.encode() for i in (ids[0], *ids[12:], long, "<one@meters.example>")
    ]
    assert parsed(write(message=message))["In-Reply-To"] == "<one@meters.example>"
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_in_reply_to_stands_in_for_missing_references() -> None:
    mended = parsed(write(message=mail(in_reply_to="<zero@meters.example>")))
    assert mended["References"].split() == ["<zero@meters.example>", "<one@meters.example>"]


@pytest.mark.parametrize("bad", ["", "one@meters.example", "<>", "<a>\r\nBcc: b@x", "<a b@x>", "<ä@x>"])
def test_a_mail_without_a_usable_id_is_answered_without_a_thread(bad: str) -> None:
    draft = parsed(write(message=mail(message_id=bad, references=("<0@x>",), in_reply_to="<0@x>")))
    assert draft["In-Reply-To"] is None
    assert draft["References"] is None


def test_headers_of_a_draft_a_person_sends() -> None:
    draft = write()
    made = parsed(draft)
    assert made["From"] == "CPL Helpdesk <helpdesk@cpl.example>"
    assert made["To"] == draft.to == "submissions@meters.example"
    assert made["Date"] == "Mon, 23 Nov 2026 09:30:00 +0000"
    assert made["Message-ID"] == draft.message_id
    assert re.fullmatch(r"<[0-9a-f]{32}\.rejected@cpl\.example>", draft.message_id)
    assert made["X-CPL-Pipeline"] == CASE
    assert made["X-CPL-Decision"] == f"reject; row=any-fail; id={draft.message_id[1:33]}"
    assert made["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert made["Auto-Submitted"] is None
    assert made["Content-Language"] == "en-GB"
    assert made["MIME-Version"] == "1.0"
    assert [part.get_content_type() for part in made.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "to",
    ["", "nobody", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b>", ".a@b.example", "a@b..c", "ä@b.example", "a@b\x00.c", "@"],
)
def test_an_address_that_is_not_one_plain_address_is_left_to_the_person(to: str) -> None:
    draft = write(to=to)
    assert draft.to == ""
    assert parsed(draft)["To"] is None


def test_the_same_arguments_give_the_same_bytes_and_any_other_word_another_id() -> None:
    same = write()
    assert write() == same
    changed_words = Templates(
        {path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8") + " " for path in FOLDER.rglob("*.j2")}
    )
    others = [
        write("question"),
        write(case="CPL-2026-00043"),
        write(message=mail(sha256="9" * 64)),
        write(parts=(judged(finding(text="0C")),)),
        write(parts=(judged(finding(), decision=replace(REJECT, row="other")),)),
        write(templates=changed_words),
    ]
    assert len({same.message_id, *(o.message_id for o in others)}) == len(others) + 1
    assert write(now=NOW + timedelta(hours=1)).message_id == same.message_id


def test_a_date_without_a_time_zone_and_a_sender_without_an_address_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        write(now=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="one bare address"):
        Sender("Desk", "desk@cpl.example\r\nBcc: x@y.example")
    assert parsed(write(now=NOW.astimezone(timezone(timedelta(hours=1)))))["Date"].endswith("10:30:00 +0100")


hostile = st.text(max_size=120) | st.sampled_from(
    [
        "a\r\nBcc: x@evil.example\r\n\r\n<b>",
        "=?utf-8?b?DQpCY2M6IHg=?=",
        "\x85\u2028\u2029\x0b\x0c\x1c",
        "\ud800",
        "{{ case }}",
    ]
)


@settings(max_examples=120, deadline=None)
@given(
    texts=st.lists(hostile, min_size=14, max_size=14),
    references=st.lists(hostile, max_size=30),
    scene=st.sampled_from(sorted(SCENES)),
)
def test_no_input_can_bend_the_mail(texts: list[str], references: list[str], scene: str) -> None:
    (subject, sent, mid, back, to, case, name, phone, file, value, where, words_, field, due) = texts
    kind, parts, _ = SCENES[scene]
    one = replace(
        finding(field, text=value, message=words_),
        evidence=(Evidence(FORM, file, where, value), Evidence(PDF, value, file, where)),
        check=name,
        clause=case,
    )
    message = mail(
        subject,
        sent=sent,
        message_id=mid,
        in_reply_to=back,
        references=tuple(references),
        problems=(Problem("damaged", words_, where),),
    )
    draft = write(
        kind,
        (*parts, replace(judged(one, decision=replace(REJECT, row=due)), file=file, device_type=value)),
        message,
        case=case,
        to=to,
        due=due,
        sender=Sender(name, SENDER.addr, phone, (name, value), words_),
    )
    head, _, _body = draft.raw.partition(b"\r\n\r\n")
    assert b"\n" not in draft.raw.replace(b"\r\n", b"")
    assert b"\r" not in draft.raw.replace(b"\r\n", b"")
    assert b"\x00" not in draft.raw
    assert max(map(len, draft.raw.split(b"\r\n"))) <= 998
    assert draft.raw.isascii()
    names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith(b" ")]
    allowed = {
        "MIME-Version",
        "Content-Type",
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
    }
    allowed |= {"Content-Language", "X-Auto-Response-Suppress", "X-CPL-Pipeline", "X-CPL-Decision"}
    assert len(names) == len(set(names))
    assert set(names) <= allowed
    made = parsed(draft)
    assert made["From"].addresses[0].addr_spec == SENDER.addr
    assert len(made["From"].addresses) == 1
    assert made["X-CPL-Pipeline"] is not None
    assert str(made["Subject"]) == draft.subject
    assert len(draft.subject) <= 250
    text, html = bodies(draft.raw)
    assert difference(text, html) == ""
    assert active_content(html) == ""


def test_a_kind_without_a_folder_is_refused() -> None:
    with pytest.raises(TemplatesBroken, match="the kinds are accepted, amendment-received"):
        write("../accepted")


def test_a_reply_by_hand_without_faults_reads_well() -> None:
    told = said(write(parts=(judged(),), due="", message=mail(sent="")))
    assert "cannot add it yet. Case number:" in told
    assert "reply due" not in told
    assert "0 points" not in told
