"""Sample assurance certificates that agree with a form's answers, in a layout of this project's own."""

from collections.abc import Mapping, Sequence

from pipeline.demo.answers import Value
from pipeline.demo.pdf import Line, text_pdf


def certificates(answers: Mapping[str, Value]) -> dict[str, bytes]:
    """Return a PDF for each certificate whose number the form gives, file name to bytes (guidance Table 6)."""

    def text(field: str) -> str:
        value = answers.get(field)
        return "" if value is None else str(value)

    device, maker = text("Device_Type.name"), text("Manufacturer Contact FIR.Company Name")
    model, firmware = text("Device_Model.model_identifier"), text("Device_Model.firmware_version")
    version, revision = (text(f"Device_Model.hardware_version.{part}") for part in ("version", "revision"))
    code = text("Device_Model.manufacturer_identifier")
    made: dict[str, bytes] = {}
    if number := text("CPA_Certificate.identification_number"):
        kind, _, bare = number.partition(" ")
        dates = [("Date awarded", "26/10/2023")]
        if kind != "[R]":
            dates.append(("Date of expiry", text("CPA_Certificate.expiry_date")))
        rows = [
            ("Certificate number", bare),
            ("Device type", device),
            ("Manufacturer", f"{maker} ({code})"),
            ("Model identifier", model),
            ("Hardware version", f"{version}_{revision}"),
            ("Firmware version", firmware),
            ("Assured against", text("CPA_Certificate.security_characteristics_version")),
            *dates,
        ]
        made["cpa-certificate.pdf"] = _page("Commercial Product Assurance", "Sample security certificate", rows)
    if number := text("DLMS_Certificate.identification_number"):
        rows = [
            ("Certificate number", number),
            ("Type designation", f"{model} {version}_{revision} {firmware}"),
            ("Manufacturer", f"{maker} ({code})"),
            ("Test tool version", text("DLMS_Certificate.DLMS_version")),
        ]
        made["dlms-certificate.pdf"] = _page("DLMS/COSEM conformance", "Sample conformance certificate", rows)
    if number := text("ZSE_Certificate.identification_number"):
        rows = [
            ("Certification ID Number", number),
            ("Certification Date", "14/08/2025"),
            ("Type of Device", device),
            ("Manufacturer", f"{maker} ({code})"),
            ("Model Identification", model),
            ("Hardware Version", f"{version}_{revision}"),
            ("Firmware Version", firmware),
            ("Standard", text("ZSE_Certificate.ZSE_version")),
        ]
        made["zigbee-certificate.pdf"] = _page("ZigBee Smart Energy", "Sample certificate of compliance", rows)
    return made


def _page(title: str, subtitle: str, rows: Sequence[tuple[str, str]]) -> bytes:
    """Return one certificate: a heading, then each label with its value beside it."""
    lines = [
        Line(72, 770, title, 18, bold=True),
        Line(72, 746, subtitle, 12),
        Line(72, 80, "Invented for the demonstration of the pipeline. Certifies nothing.", 8),
    ]
    for number, (label, value) in enumerate(rows):
        y = 700 - 24 * number
        lines += [Line(72, y, label, bold=True), Line(240, y, value)]
    return text_pdf(lines)
