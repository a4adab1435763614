"""Certificates and letters as read, for tests: what the certificate reader would state of good documents, and changes.

``good_readings(answers)`` fits a form's answers; ``reading(kind, answers, values={...}, device={...})`` makes one with
single texts changed, ``None`` for a value that the document does not show.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pipeline.domain.certificate import CertificateReading, MissedKind, Place, ReadDevice, ReadValue
from pipeline.domain.document import Box, Unseen
from pipeline.domain.message import Problem

Texts = Mapping[str, str | None]
TEXT = ("pdfium", "pdfplumber")
OCR = ("rapidocr", "tesseract")

_CPA, _ZSE, _DLMS = ("CPA_Certificate.", "ZSE_Certificate.", "DLMS_Certificate.")
_SAID: Mapping[str, Mapping[str, str]] = {
    "zse": {"number": f"{_ZSE}identification_number", "standard_version": f"{_ZSE}ZSE_version"},
    "cpa": {
        "number": f"{_CPA}identification_number",
        "security_characteristics": f"{_CPA}security_characteristics_version",
        "expiry_date": f"{_CPA}expiry_date",
    },
    "trial": {"number": f"{_CPA}identification_number", "expiry_date": f"{_CPA}expiry_date"},
    "dlms": {"number": f"{_DLMS}identification_number", "ctt_version": f"{_DLMS}DLMS_version"},
    "ncsc-letter": {"number": f"{_CPA}identification_number", "risk_review_date": f"{_CPA}expiry_date"},
    "ssc-letter": {"number": f"{_CPA}identification_number", "risk_review_date": f"{_CPA}expiry_date"},
    "test-lab-letter": {"number": f"{_CPA}identification_number"},
    "dlms-confirmation": {"number": f"{_DLMS}identification_number"},
    "release-notes": {
        "zse_number": f"{_ZSE}identification_number",
        "cpa_number": f"{_CPA}identification_number",
        "dlms_number": f"{_DLMS}identification_number",
    },
}
"""What a good document of each kind shows besides the Device Model: its field, and the form's field it agrees with."""
_STATED = {
    "test-lab-letter": {"no_security_impact": "no security impact", "test_lab": "KPMG"},
    "dlms-confirmation": {"still_valid": "remains valid"},
}


def plain(answer: object) -> str:
    """The text of an answer, a date as the form writes it."""
    if isinstance(answer, date):
        return f"{answer:%d/%m/%Y}"
    return "" if answer is None else str(answer)


def read_value(
    field: str, text: str, at: int = 0, *, confirmed: bool = True, readers: tuple[str, ...] = TEXT
) -> ReadValue:
    """One value, on the line of that number on page 1."""
    place = Place(1, Box(200.0, 100.0 + 20 * at, 400.0, 112.0 + 20 * at), text, readers, confirmed)
    return ReadValue(field, text, place, "label", field)


def device_texts(answers: Mapping[str, object]) -> dict[str, str]:
    """The Device Model of a form, as a certificate shows it."""
    model = {
        name: plain(answers.get(f"Device_Model.{name}")) for name in ("manufacturer_identifier", "model_identifier")
    }
    version, revision = (
        plain(answers.get(f"Device_Model.hardware_version.{part}")) for part in ("version", "revision")
    )
    return {
        **model,
        "hardware_version.version": f"{version}_{revision}",
        "firmware_version": plain(answers.get("Device_Model.firmware_version")),
    }


def reading(
    kind: str,
    answers: Mapping[str, object],
    *,
    values: Texts | None = None,
    device: Texts | None = None,
    devices: Sequence[Texts] | None = None,
    unconfirmed: Sequence[str] = (),
    file: str = "",
    artefact: str = "",
    source: str = "text",
    unseen: Sequence[tuple[str, str]] = (),
    revisions: int = 1,
    changed_after_signing: bool = False,
    problems: Sequence[tuple[str, str]] = (),
    missed: Sequence[tuple[str, tuple[str, ...]]] = (),
) -> CertificateReading:
    """A document of that kind that agrees with the answers but for the changes. devices: several in place of one."""
    said = {name: plain(answers.get(field)) for name, field in _SAID.get(kind, {}).items()}
    if "number" in said:
        said["number"] = said["number"].removeprefix("[R] ").removeprefix("[E] ").removeprefix("[T] ")
    if kind == "cpa" and plain(answers.get(f"{_CPA}identification_number")).startswith("[R]"):
        del said["expiry_date"]
    if kind in {"zse", "cpa", "trial"}:
        said["device_type"] = plain(answers.get("Device_Type.name"))
    said |= _STATED.get(kind, {})
    one = device_texts(answers) if kind else {}
    changes = [device or {}] if devices is None else devices
    listed: list[dict[str, str | None]] = [{**one, **change} for change in changes]
    readers = OCR if source == "ocr" else TEXT
    at = iter(range(1000))

    def made(texts: Texts) -> Iterator[ReadValue]:
        for field, text in texts.items():
            if text:
                yield read_value(field, text, next(at), confirmed=field not in unconfirmed, readers=readers)

    own = tuple(made(said | dict(values or {})))
    all_devices = tuple(ReadDevice(shown) for texts in listed if (shown := tuple(made(texts))))
    return CertificateReading(
        file=file or f"{kind or 'unknown'}.pdf",
        artefact=artefact or f"{(kind or 'unknown').encode().hex():0<64}"[:64],
        kind=kind,
        values=(*own, *(value for one in all_devices for value in one.values)),
        devices=all_devices,
        missed=tuple(MissedKind(name, phrases) for name, phrases in missed),
        unseen=tuple(Unseen(1, text, Box(72.0, 300.0, 190.0, 312.0), why) for text, why in unseen),
        source=source,
        revisions=revisions,
        changed_after_signing=changed_after_signing,
        problems=tuple(Problem(name, text) for name, text in problems),
    )


def good_readings(answers: Mapping[str, object]) -> tuple[CertificateReading, ...]:
    """The documents that a good submission with these answers brings, for every certificate that has a number."""
    made = []
    if plain(answers.get(f"{_ZSE}identification_number")):
        made.append(reading("zse", answers))
    number = plain(answers.get(f"{_CPA}identification_number"))
    if number and number != "Not Relevant":
        made.append(reading("trial" if number.startswith("[T]") else "cpa", answers))
        if number.startswith("[R]"):
            made.append(reading("ncsc-letter", answers))
    if plain(answers.get(f"{_DLMS}identification_number")):
        made.append(reading("dlms", answers))
    return tuple(made)
