"""Sample assurance certificates and the letters that go with them, of every kind and in several layouts."""

from collections.abc import Mapping, Sequence

from pipeline.demo.answers import Value
from pipeline.demo.layouts import LAYOUTS, Content, Pair
from pipeline.demo.pdf import pdf_of
from pipeline.demo.wording import DEVICE_SENTENCE, LABELS, STATEMENTS, WORDING, Values, Wording

_DEVICE = (
    "manufacturer_identifier",
    "model_identifier",
    "hardware_version.version",
    "hardware_version.revision",
    "firmware_version",
)
_GAPS = (" ", "_", " / ", " - ")


def certificate_pdf(kind: str, values: Values, devices: Sequence[Values] = (), layout: str = "table") -> bytes:
    """Return a certificate or letter as a PDF file; the same arguments give the same bytes.

    kind: one of WORDING. values: field of the kind to its text; what is left out is not stated, save for what a
    letter of the kind is for. devices: Device Models, the five Data Attributes to their text; when left out, the one
    among the values, if it is there. layout: one of LAYOUTS. Raises KeyError for a kind or layout that does not exist.
    """
    wording = WORDING[kind]
    named = [device for device in devices or (values,) if any(name in device for name in _DEVICE)]
    said = {**STATEMENTS, **values}
    fields = [name for name in wording.sentences if name in values]
    content = Content(
        title=wording.title,
        subtitle=wording.subtitle,
        opening=[text.format(**said) for text in wording.opening],
        pairs=[(wording.label(name), values[name]) for name in fields],
        sentences=[wording.sentences[name].format(**values) for name in fields],
        closing=wording.closing,
        devices=[_pairs(device, wording) for device in named],
        device_sentences=[_sentence(device) for device in named],
        written=[_written(device, number) for number, device in enumerate(named)],
    )
    return pdf_of(LAYOUTS[layout](content))


def _hardware(device: Values) -> str:
    """Return hardware version and revision as the guidance writes them together (certificate alignment, section 3)."""
    parts = (device.get("hardware_version.version", ""), device.get("hardware_version.revision", ""))
    return "_".join(filter(None, parts))


def _pairs(device: Values, wording: Wording) -> list[Pair]:
    """Return a Device Model as labels and values."""
    texts = {**device, "hardware": _hardware(device)}
    names = ("manufacturer_identifier", "model_identifier", "hardware", "firmware_version")
    return [(wording.label(name), texts[name]) for name in names if texts.get(name)]


def _sentence(device: Values) -> str:
    """Return a Device Model in words."""
    texts = dict.fromkeys(LABELS, "unstated") | {**device, "hardware": _hardware(device)}
    return DEVICE_SENTENCE.format(**texts)


def _written(device: Values, number: int) -> str:
    """Return a Device Model in one line, the sign between its parts changing from one to the next."""
    return _GAPS[number % len(_GAPS)].join(device[name] for name in _DEVICE if name in device)


def certificates(answers: Mapping[str, Value], layout: str = "list") -> dict[str, bytes]:
    """Return a PDF for each certificate whose number the form gives, file name to bytes (guidance Table 6)."""

    def text(field: str) -> str:
        value = answers.get(field)
        return "" if value is None else str(value)

    model = {name: text(f"Device_Model.{name}") for name in _DEVICE}
    shared = {"manufacturer": text("Manufacturer Contact FIR.Company Name"), **model}
    device = {"device_type": text("Device_Type.name")}
    made: dict[str, bytes] = {}
    if number := text("CPA_Certificate.identification_number"):
        mark, _, bare = number.partition(" ")
        trial = mark == "[T]"
        said = {"number": bare, "award_date": "26/10/2023", **shared, **device}
        if mark != "[R]":
            said["expiry_date"] = text("CPA_Certificate.expiry_date")
        if not trial:
            said["security_characteristics"] = text("CPA_Certificate.security_characteristics_version")
        made["trial-certificate.pdf" if trial else "cpa-certificate.pdf"] = certificate_pdf(
            "trial" if trial else "cpa", said, layout=layout
        )
        if mark == "[R]":
            letter = {"number": bare, "risk_review_date": text("CPA_Certificate.expiry_date"), **shared}
            made["risk-review-letter.pdf"] = certificate_pdf("ncsc-letter", letter, layout="letter")
    if number := text("DLMS_Certificate.identification_number"):
        said = {"number": number, "ctt_version": text("DLMS_Certificate.DLMS_version"), **shared}
        made["dlms-certificate.pdf"] = certificate_pdf("dlms", said, layout=layout)
    if number := text("ZSE_Certificate.identification_number"):
        said = {
            "number": number,
            "award_date": "14/08/2025",
            "standard_version": text("ZSE_Certificate.ZSE_version"),
            **shared,
            **device,
        }
        made["zigbee-certificate.pdf"] = certificate_pdf("zse", said, layout=layout)
    return made
