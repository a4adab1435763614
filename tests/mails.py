"""Drafts taken apart: what a reader of any part would see, and the rules that every mail of ours keeps."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

from pipeline.compose import Sender, Templates, bodies
from pipeline.compose.parity import active_content, difference, html_text
from pipeline.domain.draft import Draft
from pipeline.domain.product import DeviceModel, Product
from pipeline.domain.release import Amendment, AmendmentKind

FOLDER = Path(__file__).resolve().parents[1] / "templates"
TEMPLATES = Templates.load(FOLDER)
SENDER = Sender("CPL Helpdesk", "helpdesk@cpl.example", "020 7946 0000", ("Robin Reed", "CPL Helpdesk"))
VENDOR, VERSION, CLERK = "Zzyzxvendor Ltd", "Q77.4", "Ann Example-Person"
RED_VALUES = {
    "Device_ZigBee_Information_Repository.Stack_Vendor": VENDOR,
    "Device_ZigBee_Information_Repository.Stack_Version": VERSION,
}
PERSONAL_VALUES = {
    "Contact-CPA.Contact.contact name": CLERK,
    "Contact-CPA.Contact.contact telephone": "0700 900 123",
    "Contact-CPA.Contact.contact email": "ann@meters.example",
}
SECRETS = (*RED_VALUES.values(), *PERSONAL_VALUES.values())
NUMBER, EXPIRY = "CPA_Certificate.identification_number", "CPA_Certificate.expiry_date"

HOSTILE = st.text(max_size=90) | st.sampled_from(
    [
        "a\r\nBcc: x@evil.example\r\n\r\n<b>",
        "=?utf-8?b?DQpCY2M6IHg=?=",
        "\x85\u2028\x0b\x1c\u202e",
        "\ud800",
        "%s{{ x }}",
    ]
)
KNOWN_HEADERS = {
    *("MIME-Version", "Content-Type", "From", "To", "Subject", "Date", "Message-ID", "Content-Language"),
    *("Auto-Submitted", "X-Auto-Response-Suppress", "X-CPL-Pipeline", "X-CPL-Decision", "In-Reply-To", "References"),
    *("List-Id", "List-Help", "List-Unsubscribe", "List-Owner", "List-Archive", "List-Post", "Precedence"),
}


def listed(number: int, **values: str) -> Product:
    firmware = f"0C:03:0C:{number % 256:02X}"
    held = {
        "Device_Type.name": "Gas Smart Meter",
        "SMETS/CHTS Version.Version_number": "SMETS V4.3 ",
        "GBCS Version.version_number": "GBCS Version 4.1",
        NUMBER: "[E] NCSC-1234567891-2345",
        EXPIRY: "30/08/2027",
    }
    return Product(
        f"{number:06}", "Current", DeviceModel("10:63", "00:0A", "01", "02", firmware), held | values, number
    )


def amendment(kind: AmendmentKind, *entries: str, **changes_: object) -> Amendment:
    plain = Amendment("A-2026-00001", kind, entries, {}, "", "", "2026-11-21T09:00:00Z")
    return replace(plain, **changes_)  # type: ignore[arg-type]


def parsed(draft: Draft) -> EmailMessage:
    return message_from_bytes(draft.raw, policy=policy.default)


def said(draft: Draft) -> str:
    text, html = bodies(draft.raw)
    return " ".join((draft.subject + " " + text + " " + html_text(html)).replace("\N{NO-BREAK SPACE}", " ").split())


def everything(draft: Draft) -> str:
    """Every byte of a mail as a reader of any part would see it, and the raw bytes themselves."""
    mail = parsed(draft)
    payloads = [part.get_payload(decode=True) for part in mail.walk()]
    decoded = [data.decode("utf-8", "replace") for data in payloads if isinstance(data, bytes)]
    heads = [f"{name}: {value}" for part in mail.walk() for name, value in part.items()]
    return "\n".join([draft.raw.decode(), *heads, *decoded])


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


def same_as_golden(draft: Draft, snapshot: SnapshotAssertion) -> None:
    """Compare text, HTML and headers with those kept; the identity is held by a test of its own."""
    text, html = bodies(draft.raw)
    head = draft.raw.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "\n")
    assert text == snapshot.use_extension(_Text)
    assert html == snapshot.use_extension(_Html)
    assert head.replace(draft.message_id[1:33], "IDENTITY") + "\n" == snapshot.use_extension(_Headers)


def check_straight(draft: Draft) -> None:
    """Check what no input may bend: line ends, lengths, headers, and that both bodies say the same."""
    head, _, _ = draft.raw.partition(b"\r\n\r\n")
    assert draft.raw.isascii()
    assert b"\x00" not in draft.raw
    assert not {*b"\r\n"} & {*draft.raw.replace(b"\r\n", b"")}
    assert max(map(len, draft.raw.split(b"\r\n"))) <= 998
    names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] not in {b" ", b"\t"}]
    assert len(names) == len(set(names))
    assert set(names) <= KNOWN_HEADERS
    assert len(draft.subject) <= 250
    assert str(parsed(draft)["Subject"]) == draft.subject
    text, html = bodies(draft.raw)
    assert difference(text, html) == ""
    assert active_content(html) == ""
