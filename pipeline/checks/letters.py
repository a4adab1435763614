"""The letters that go with a certificate, and what each must say (guidance V6.0, 7.2.4, 7.7, Appendix 4.5 and 5)."""

from collections.abc import Iterator

from pipeline.checks import papers, particulars
from pipeline.checks.alignment import added_to_existing, best_fit, carries, identified, stranger
from pipeline.checks.certificates import passed
from pipeline.checks.devices import complete, fit_of
from pipeline.checks.matter import Check, Judge, Matter, Say, check
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.product import DEVICE_MODEL
from pipeline.rulebook.alignment import Slot, Verdict

TEST_LAB = "test-lab-letter"
_CPA_NUMBER = papers.NUMBERS["cpa"]


@check("letter.test-lab")
def test_lab(matter: Matter, say: Say) -> Iterator[Finding]:
    """A Device Model that joins a CPA Certificate of the CPL brings the letter of a Test Lab that names both."""
    certificate = identified(matter, "cpa")
    fit = best_fit(matter, "cpa")
    sound = matter.sound(_CPA_NUMBER, *DEVICE_MODEL)
    if certificate is None or fit is None or not sound or stranger(matter, "cpa", fit):
        yield say.not_applicable("There is no CPA Certificate that a Device Model could join.")
        return
    if not added_to_existing(matter, fit):
        yield say.not_applicable("The Device Model does not join a CPA Certificate of other Device Models.")
        return
    statement = matter.rules.alignment.carriers["cpa"].get(TEST_LAB, "")
    places = (*papers.shown_at(certificate, *papers.numbers_in(certificate, "cpa")), *matter.evidence(_CPA_NUMBER))
    more = {"subject": _CPA_NUMBER, "expected": _LETTER}
    part: tuple[Evidence, ...] = ()
    for letter in papers.letters(matter, TEST_LAB):
        named = fit_of(matter, letter)
        said = (*papers.numbers_in(letter, "cpa"), *letter.all(statement), *(named.values if named else ()))
        carried = carries(matter, "cpa", named, statement) if named else None
        if carried is Verdict.CARRIED:
            yield passed(say, (*papers.shown_at(letter, *said), *places))
            return
        part = part or (papers.shown_at(letter, *said) if carried or not letter.devices else ())
    text = "The CPA Certificate is on the CPL for other Device Models and does not name this one"
    if part:
        yield say.look(f"{text}; the Test Lab's letter names it only in part.", (*part, *places), **more)
        return
    yield say.fail(
        f"{text}, and no letter of a Test Lab does.",
        places,
        why="The Test Lab confirms that the change has no security impact (CPA Assurance Maintenance Plan).",
        remedy="Send the confirmation letter of NCC Group, KPMG or CyTAL that names this Device Model and the "
        "certificate by its number.",
        **more,
    )


_LETTER = "a letter that names the five fields of the Device Model, the certificate's number, and no security impact"


@check("letter.risk-review")
def risk_review(matter: Matter, say: Say) -> Iterator[Finding]:
    """A lifetime certificate comes with the letter of the NCSC or the SSC that shows the date of renewal."""
    certificate = identified(matter, "cpa")
    lifetime = papers.mark_of(matter.submission) == papers.LIFETIME_MARK
    if certificate is None or not lifetime or not matter.sound(_CPA_NUMBER):
        yield say.not_applicable("There is no lifetime certificate, so no date of renewal is needed.")
        return
    shown = particulars.dates(matter, certificate)
    if shown:
        yield passed(say, tuple(item for one in shown for item in papers.shown_at(one.reading, one.value)))
        return
    ours = [
        letter
        for letter in papers.letters(matter, *particulars.LETTERS)
        if papers.names_certificate(matter, "cpa", letter) or not papers.numbers_in(letter, "cpa")
    ]
    places = (*papers.shown_at(certificate, *papers.numbers_in(certificate, "cpa")), *matter.evidence(_CPA_NUMBER))
    more = {"subject": papers.EXPIRY, "expected": "a letter of the NCSC or the SSC with the date of renewal"}
    if ours:
        text = f"No date of renewal was found on {ours[0].file}."
        yield say.look(text, (*papers.shown_at(ours[0]), *places), **more)
        return
    yield say.fail(
        "The certificate is a lifetime one, but no letter of the NCSC or the SSC with its date of renewal is attached.",
        places,
        why="A lifetime certificate shows no date; the date on the form comes from the letter.",
        remedy="Attach the letter of the NCSC or the SSC that gives the date of the next Risk Review.",
        **more,
    )


def _attached(kind: str, slot: Slot, called: str) -> Judge:
    def judge(matter: Matter, say: Say) -> Iterator[Finding]:
        """A letter that is attached names the Device Model and the certificate, so that its words can be relied on."""
        came = papers.letters(matter, kind) if papers.needed(matter, slot) else ()
        ours = [one for one in came if not papers.numbers_in(one, slot) or papers.names_certificate(matter, slot, one)]
        if not ours or not matter.sound(papers.NUMBERS[slot], *DEVICE_MODEL):
            yield say.not_applicable(f"No {called} is attached, or there is nothing to compare it with.")
            return
        statement = matter.rules.alignment.carriers.get(slot, {}).get(kind, "")
        places: tuple[Evidence, ...] = ()
        for letter in ours:
            named = fit_of(matter, letter)
            said = (*papers.numbers_in(letter, slot), *(named.values if named else ()))
            places = (*places, *papers.shown_at(letter, *said))
            lacking = [
                what
                for what, there in (
                    (
                        "the certificate by its number",
                        papers.names_certificate(matter, slot, letter, settled_only=True),
                    ),
                    ("the Device Model by its five fields", named is not None and complete(matter, named)),
                    ("that the certificate remains valid", not statement or bool(letter.all(statement))),
                )
                if not there
            ]
            if lacking:
                text = f"{letter.file} does not say, where it could be read: {'; '.join(lacking)}."
                yield say.look(text, papers.shown_at(letter, *said), subject=letter.file)
                return
        yield passed(say, places)

    return judge


ssc = check("letter.ssc")(_attached("ssc-letter", "cpa", "letter of the SSC"))
dlms = check("letter.dlms")(_attached("dlms-confirmation", "dlms", "confirmation of a DLMS Certificate"))

CHECKS: tuple[Check, ...] = (test_lab, risk_review, ssc, dlms)
