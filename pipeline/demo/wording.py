"""What sample certificates and letters say: invented wording for every kind, with the labels that forms of it use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Values = Mapping[str, str]
"""What a document states: field of its kind (rules/certificates/) to text."""

LABELS = {
    "manufacturer": "Manufacturer",
    "manufacturer_identifier": "Manufacturer Code",
    "model_identifier": "Model Identification",
    "hardware": "Hardware Version",
    "firmware_version": "Firmware Version",
    "device_type": "Type of Device",
    "number": "Certificate Number",
    "award_date": "Date awarded",
    "expiry_date": "Date of expiry",
    "letter_date": "Date of letter",
    "release_date": "Release date",
    "standard_version": "Standard",
    "security_characteristics": "Assured against",
    "type_designation": "Type designation",
    "ctt_version": "Test tool version",
    "zse_number": "ZigBee Certificate Number",
    "cpa_number": "CPA Certificate Number",
    "dlms_number": "DLMS Certificate Number",
    "zigbee_module": "ZigBee Firmware Module",
    "risk_review_date": "Next Risk Review",
}
"""What a field is called on a sample; a kind may call it otherwise."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a kind of document is worded.

    opening, closing: paragraphs, filled in from the values. sentences: field to a sentence with the field in braces.
    labels: where they differ from LABELS, in the order in which they stand.
    """

    title: str
    subtitle: str
    opening: Sequence[str]
    sentences: Mapping[str, str]
    closing: Sequence[str] = ()
    labels: Mapping[str, str] | None = None

    def label(self, field: str) -> str:
        """Return what the kind calls a field."""
        return (self.labels or {}).get(field, LABELS[field])


_MADE_BY = {
    "manufacturer": "It is manufactured by {manufacturer}.",
    "device_type": "The type of device is {device_type}.",
}
DEVICE_SENTENCE = (
    "The Device Model has manufacturer identifier {manufacturer_identifier}, model identifier {model_identifier}, "
    "hardware version {hardware} and firmware version {firmware_version}."
)
_LETTER_DATE = {"letter_date": "This letter is dated {letter_date}."}
_FAITHFULLY = "Yours faithfully,"

WORDING: Mapping[str, Wording] = {
    "cpa": Wording(
        "Commercial Product Assurance",
        "Sample security certificate",
        (
            (
                "The National Cyber Security Centre hereby certifies that the product named below has been found to "
                "meet the requirements of the scheme for Commercial Product Assurance at Foundation Grade."
            ),
        ),
        {
            "number": "It bears the certificate number {number}.",
            "award_date": "The certificate was awarded on {award_date}.",
            "expiry_date": "The certificate is valid until {expiry_date}.",
            "security_characteristics": "It was assured against {security_characteristics}.",
            **_MADE_BY,
        },
    ),
    "trial": Wording(
        "Trial Device Certificate",
        "Sample certificate for a field trial",
        (
            (
                "The Security Sub-Committee (SSC) grants this Trial Device Certificate for the devices named below, "
                "for the time of the trial and for no more devices than were agreed."
            ),
        ),
        {
            "number": "Its identifier code is {number}.",
            "award_date": "It was awarded on {award_date}.",
            "expiry_date": "It is valid until {expiry_date}.",
            **_MADE_BY,
        },
        labels={"number": "Identifier code"},
    ),
    "zse": Wording(
        "ZigBee Smart Energy",
        "Sample certificate of compliance",
        (
            (
                "The Connectivity Standards Alliance has found that the certified product named below complies with "
                "the application profile ZigBee Smart Energy."
            ),
        ),
        {
            "number": "Its Certification ID Number is {number}.",
            "award_date": "The Certification Date is {award_date}.",
            "standard_version": "It was certified to {standard_version}.",
            **_MADE_BY,
        },
        labels={"number": "Certification ID Number", "award_date": "Certification Date"},
    ),
    "dlms": Wording(
        "DLMS/COSEM conformance",
        "Sample conformance certificate",
        (
            (
                "The DLMS User Association certifies that the equipment named below has passed its conformance test. "
                "The certificate does not expire and cannot be changed."
            ),
        ),
        {
            "number": "It is entered in the register under certificate number {number}.",
            "type_designation": 'The type designation is "{type_designation}".',
            "ctt_version": "The test was made with the conformance test tool {ctt_version}.",
            "award_date": "The date of issue is {award_date}.",
            "manufacturer": "It is manufactured by {manufacturer}.",
        },
        labels={"award_date": "Date of issue"},
    ),
    "ncsc-letter": Wording(
        "National Cyber Security Centre",
        "Assured products desk (sample)",
        (
            "Dear colleague,",
            (
                "The National Cyber Security Centre writes to you about the CPA Certificate named in this letter, and "
                "has sent a copy of it to the Security Sub-Committee."
            ),
        ),
        {
            "number": "The letter concerns CPA Certificate {number}.",
            "risk_review_date": "The next Risk Review must be completed by {risk_review_date}.",
            "expiry_date": "Its validity has been extended until {expiry_date}.",
            **_LETTER_DATE,
            **_MADE_BY,
        },
        (_FAITHFULLY, "Assured products desk, on behalf of the National Cyber Security Centre"),
        {"number": "CPA Certificate Number", "expiry_date": "New expiry date"},
    ),
    "ssc-letter": Wording(
        "Security Sub-Committee",
        "Sample letter of the committee",
        (
            "Dear colleague,",
            (
                "The Security Sub-Committee has considered the risk advice of the National Cyber Security Centre on "
                "the CPA Certificate named in this letter."
            ),
        ),
        {
            "number": "The decision concerns CPA Certificate {number}.",
            "risk_review_date": "The renewal date is {risk_review_date}.",
            **_LETTER_DATE,
            **_MADE_BY,
        },
        (_FAITHFULLY, "The Chair of the Security Sub-Committee"),
        {"number": "CPA Certificate Number", "risk_review_date": "Renewal date"},
    ),
    "test-lab-letter": Wording(
        "Evaluation laboratory",
        "Sample letter on an existing certificate",
        (
            "Dear colleague,",
            (
                "{test_lab} has looked at the changes to the devices named in this letter. We confirm that they have "
                "{no_security_impact} and fall under the Assurance Maintenance Plan."
            ),
        ),
        {
            "number": "They may be added to CPA Certificate {number}.",
            **_LETTER_DATE,
            **_MADE_BY,
        },
        (_FAITHFULLY, "The head of the laboratory"),
        {"number": "CPA Certificate Number"},
    ),
    "dlms-confirmation": Wording(
        "Confirmation",
        "Sample letter of a manufacturer",
        (
            "To whom it may concern,",
            (
                "We confirm that the DLMS Certificate named in this letter {still_valid} the equipment that is named "
                "with it, which has been submitted for the Central Products List."
            ),
        ),
        {
            "number": "The certificate is DLMS Certificate {number}.",
            **_LETTER_DATE,
            **_MADE_BY,
        },
        (_FAITHFULLY, "The certification manager"),
        {"number": "DLMS Certificate Number"},
    ),
    "release-notes": Wording(
        "Release notes",
        "Sample notes on a firmware release",
        (
            (
                "These release notes describe a firmware release and say which Assurance Certificates hold for the "
                "Device Model that carries it."
            ),
            "We state that {no_certificate_change}.",
        ),
        {
            "zse_number": "The radio part is the subject of ZigBee Certificate {zse_number}.",
            "cpa_number": "The product is the subject of CPA Certificate {cpa_number}.",
            "dlms_number": "The metering part is the subject of DLMS Certificate {dlms_number}.",
            "zigbee_module": 'It contains the ZigBee firmware module "{zigbee_module}".',
            "release_date": "It was released on {release_date}.",
            **_MADE_BY,
        },
    ),
}
"""How each kind of rules/certificates/ is worded on a sample."""

STATEMENTS = {
    "test_lab": "NCC Group",
    "no_security_impact": "no security impact",
    "still_valid": "is valid for",
    "no_certificate_change": "no changes have occurred that would require updates to certificates",
}
"""What a sample states where its values do not say otherwise."""
