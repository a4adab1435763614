"""How one value is compared with its format: the closed list of comparisons that rules/form*.yaml may name (law 5)."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from pipeline.domain.finding import Settler, Status
from pipeline.rulebook.schema import (
    CertificateNumber,
    Choice,
    DateBound,
    Day,
    Emails,
    FieldRule,
    Format,
    Hex,
    Text,
    UpgradePath,
)

_DAY = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?: \d{2}:\d{2}:\d{2})?", re.ASCII)
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@"
    r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_ENTRY = re.compile(r"(?!000000)\d{6}", re.ASCII)
_FIRST_YEAR = 2012
"""No CPA certificate of a GB smart meter is older than the scheme's first Security Characteristics."""
_YEARS_AHEAD = 25


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one value, or worth telling of it. check: the id that reports it."""

    check: str
    problem: str
    """Completes the sentence 'FIELD is "VALUE", ...'."""
    expected: str = ""
    remedy: str = ""
    status: Status = Status.FAIL
    settle: Settler | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What a comparison may know besides the value.

    day: of receipt. prefix: of the CPA certificate number, ``[E] `` and so on. offered: the field's drop-down in the
    CPL in force; None when there is no CPL in force or it has no list for the field.
    """

    day: date
    prefix: str = ""
    offered: tuple[str, ...] | None = None


def judge_value(rule: FieldRule, text: str, setting: Setting) -> Fault | None:
    """Compare one non-empty normal text with its field's length and format; None when all is well."""
    octets = len(text.encode("utf-8", "surrogatepass"))
    if rule.max_octets is None or octets <= rule.max_octets:
        return _judge(rule.format, text, setting)
    unlisted = _choice(rule.format, text, setting) if isinstance(rule.format, Choice) else None
    if unlisted is not None and unlisted.status is Status.FAIL:
        return unlisted  # shortening it would not help: the list says more than the length
    return Fault(
        "form.length",
        f"which is {octets} octets long",
        f"at most {rule.max_octets} octets (letters outside plain ASCII count more than one)",
        "Shorten the value.",
    )


def _judge(form: Format, text: str, setting: Setting) -> Fault | None:
    if isinstance(form, Hex):
        return _hex(form, text)
    if isinstance(form, Choice):
        return _choice(form, text, setting)
    if isinstance(form, Day):
        return _day(form, text, setting)
    if isinstance(form, CertificateNumber):
        return _certificate_number(form, text)
    if isinstance(form, Emails):
        return _emails(text)
    if isinstance(form, UpgradePath):
        return _path(form, text)
    return _text(form, text)


def _hex(form: Hex, text: str) -> Fault | None:
    shape = ":".join(["XX"] * form.octets) if form.octets <= 4 else f"{form.octets} pairs XX joined by colons"  # noqa: PLR2004 - longer ones are not readable written out
    expected = f"{shape}, where each X is one of 0 to 9 or A to F"
    if not re.fullmatch(":".join(["[0-9A-F]{2}"] * form.octets), text):
        digits = re.sub(r"[\s:.\-_]|^0[xX]", "", text)
        meant = ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))
        plain = len(digits) == 2 * form.octets and re.fullmatch("[0-9A-F]+", digits)
        remedy = f"If {meant} is meant, write it so." if plain else "Write the value as it stands in the OTA header."
        if form.octets > 4:  # noqa: PLR2004 - the same bound: a hash is not in the OTA header
            counted = f"It has {len(digits)} digits where a SHA-256 hash has {2 * form.octets}; copy all of it."
            remedy = "Write the same digits in pairs, with a colon between two pairs." if plain else counted
        return Fault(form.check, "which is not in the field's format", expected, remedy)
    if (form.low and text < form.low) or (form.high and text > form.high):
        return Fault(
            "form.value",
            "which is outside the field's range",
            f"{form.low} to {form.high}",
            "Values beyond it have a special meaning in the OTA specification; give the Device's own.",
        )
    if form.not_uniform and len(set(text.split(":"))) == 1:
        return Fault(
            form.check,
            "which is the same octet all along and cannot be a hash",
            expected,
            "Calculate the SHA-256 hash of the Manufacturer Image and give that.",
        )
    return None


def _choice(form: Choice, text: str, setting: Setting) -> Fault | None:
    offered = setting.offered
    if offered and text in offered:
        if form.from_cpl or text in form.values:
            return None
        return Fault(
            "form.value", "which the CPL in force offers but the rulebook does not know yet", status=Status.ADVICE
        )
    known = tuple(v for v in form.values if not offered or v in offered) or form.values
    listed = "one of: " + ", ".join(offered if form.from_cpl and offered else known)
    if text in form.values:
        if offered:
            return Fault(
                "form.value",
                "which the rulebook knows but the drop-down of the CPL in force does not offer",
                "one of: " + ", ".join(offered),
                "SECAS looks whether it may still be used, or may be used already.",
                Status.UNCLEAR,
                Settler.REVIEWER,
            )
        return None
    if form.from_cpl and not offered:
        return Fault(
            "form.value",
            "and no CPL in force is at hand to compare it with",
            status=Status.UNCLEAR,
            settle=Settler.REVIEWER,
            expected="a value of the field's drop-down",
        )
    if text in form.withdrawn:
        return Fault(
            "form.value",
            "which is no longer offered for new submissions",
            listed,
            "Choose the version the Device was certified against.",
        )
    if form.newer and re.fullmatch(form.newer, text):
        return Fault(
            "form.value",
            "a version that neither the rulebook nor the CPL in force knows",
            listed,
            "SECAS looks whether it has come into force.",
            Status.UNCLEAR,
            Settler.REVIEWER,
        )
    return Fault(
        "form.value",
        "which is not in the field's list",
        listed,
        form.notes.get(text, "Choose the value from the cell's drop-down list."),
    )


def _day(form: Day, text: str, setting: Setting) -> Fault | None:
    expected = "a day of the calendar, written dd/mm/yyyy, for example 25/10/2026"
    match = _DAY.fullmatch(text)
    try:
        day = date(int(match[3]), int(match[2]), int(match[1])) if match else None
    except ValueError:
        day = None
    if day is None:
        return Fault("form.format", "which is not a date in the field's format", expected, "Write the date dd/mm/yyyy.")
    bound = form.bounds.get(setting.prefix, DateBound())
    kind = setting.prefix.strip()
    if bound.from_today and day < setting.day:
        return Fault(
            "form.value",
            f"which lies before {setting.day:%d/%m/%Y}, the day the mail came",
            f"a day from {setting.day:%d/%m/%Y} on for a certificate marked {kind}",
            "Send a certificate that is still valid, or the letter that extends it.",
        )
    if bound.years is not None and day > _years_on(setting.day, bound.years):
        return Fault(
            "form.value",
            f"which is more than {bound.years} years ahead",
            f"a day up to {_years_on(setting.day, bound.years):%d/%m/%Y} for a certificate marked {kind}",
            "Compare the date with the certificate.",
        )
    if not _FIRST_YEAR <= day.year <= setting.day.year + _YEARS_AHEAD:
        return Fault(
            "form.value",
            "which cannot be the date of a certificate",
            f"a year from {_FIRST_YEAR} to {setting.day.year + _YEARS_AHEAD}",
            "Compare the date with the certificate or the letter.",
        )
    return None


def _years_on(day: date, years: int) -> date:
    """The same day so many years on; 29 February gives 28 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _certificate_number(form: CertificateNumber, text: str) -> Fault | None:
    prefix = next((p for p in form.prefixes if text.startswith(p)), "")
    if form.prefixes and not prefix:
        choices = " or ".join(f"'{p}'" for p in form.prefixes)
        return Fault(
            "form.format",
            "which does not begin with the mark of its kind",
            f"{choices} (with the blank), then the certificate's number, for example [E] 1234567891-2345",
            "Put the mark and a blank in front of the number.",
        )
    if not all(" " <= letter <= "~" for letter in text):
        return Fault(
            "form.format",
            "which has a character that is not allowed",
            "letters, digits and signs of ASCII",
            "Type the number by hand; a dash or a blank copied from a PDF may be a different character.",
        )
    if len(text.removeprefix(prefix).strip()) < form.least:
        return Fault(
            "form.format",
            "which is too short for a certificate number",
            f"at least {form.least} characters",
            "Give the whole number from the certificate.",
        )
    return None


def _emails(text: str) -> Fault | None:
    if all(_EMAIL.fullmatch(part.strip()) for part in text.split(";")):
        return None
    return Fault(
        "form.format",
        "which is not a mail address, or not a list of them",
        "one mail address, or several separated by ';' (not by a comma, and none at the end)",
        "Write the address or addresses out in full.",
    )


def _path(form: UpgradePath, text: str) -> Fault | None:
    if text == form.none:
        return None
    expected = f"{form.none}, or up to {form.most} six-digit CPL Entry numbers separated by ';'"
    numbers = text.split("; ")
    if not all(_ENTRY.fullmatch(number) for number in numbers):
        return Fault(
            form.check,
            "which is not a list of CPL Entry numbers",
            expected,
            "Write every number with six digits (000626) in a cell formatted as text.",
        )
    if len(numbers) > form.most:
        return Fault(
            form.check,
            f"which names {len(numbers)} entries",
            expected,
            "Name the entries that can be upgraded directly, without an interim step.",
        )
    return None


def _text(_form: Text, text: str) -> Fault | None:
    kinds = {unicodedata.category(letter) for letter in text if letter not in "\t\n\r"}
    if "Cc" in kinds:
        return Fault("form.format", "which has control characters in it", "plain text", "Type the value again.")
    if all(kind[0] in "CZ" for kind in kinds):
        return Fault("form.format", "which has nothing in it that can be seen", "plain text", "Type the value again.")
    return None
