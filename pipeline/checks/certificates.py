"""The Assurance Certificates as documents: there, known by their number, whole, and what their marks say they are.

Guidance V6.0, 7.2.4 to 7.2.6, 7.6 with Table 6, and Appendix 3.
"""

from collections.abc import Iterator

from pipeline.checks import papers
from pipeline.checks.alignment import best_fit, identified, stranger
from pipeline.checks.devices import complete
from pipeline.checks.matter import Check, Judge, Matter, Say, check, quoted
from pipeline.checks.papers import Likeness
from pipeline.domain.certificate import CertificateReading, MissedKind
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Status
from pipeline.rulebook.alignment import Slot

_SHOWN_AT_MOST = 3
_MARK_WHY = "The mark says what the date of the certificate means, and the reminders go by it."


def passed(say: Say, evidence: tuple[Evidence, ...]) -> Finding:
    """Return the check's title as a pass, with the places that speak for it."""
    return Finding(say.rule.id, Status.PASS, f"{say.rule.title}.", say.rule.clause, evidence)


def _present(slot: Slot) -> Judge:
    def judge(matter: Matter, say: Say) -> Iterator[Finding]:
        """Table 6: the certificates that the Device Type needs are attached, even where they were sent before."""
        called, need = papers.name_of(matter, slot), papers.needed(matter, slot)
        attached = papers.certificates(matter, slot)
        if need is None:
            yield say.not_applicable(f"Nobody can tell yet whether a {called} is needed for this Device.")
        elif not need:
            yield say.not_applicable(f"No {called} is needed for this Device.")
        elif attached:
            yield passed(say, tuple(item for reading in attached for item in papers.shown_at(reading)))
        else:
            yield _absent(matter, say, slot, called)

    return judge


def _absent(matter: Matter, say: Say, slot: Slot, called: str) -> Finding:
    given, unread = matter.submission.certificates, [one for one in matter.submission.certificates if not one.kind]
    evidence = matter.evidence(papers.NUMBERS[slot]) or matter.whole_file()
    if unread:
        files = ", ".join(one.file for one in unread[:_SHOWN_AT_MOST])
        places = tuple(item for one in unread[:_SHOWN_AT_MOST] for item in papers.shown_at(one))
        return say.look(f"No {called} was recognised; it may be {files}, which could not be identified.", places)
    if matter.submission.documents and not given:
        text = f"No {called} was recognised: none of the {len(matter.submission.documents)} other files has been read."
        return say.look(text, evidence)
    others = any(one.kind in papers.KINDS[slot] for one in given)
    why = "those in the mail have the numbers of its other submissions" if others else "none is attached to the mail"
    return say.fail(
        f"The {called} is missing: {why}.",
        evidence,
        expected=f"a {called} for this Device Model",
        why="Without it SECAS cannot process the submission, even where it was sent with an earlier one.",
        remedy=f"Send the form again with the {called} attached.",
        clause=f"{say.rule.clause}; Table 6",
    )


PRESENT: tuple[Check, ...] = tuple(check(f"certificate.present.{slot}")(_present(slot)) for slot in papers.SLOTS)


@check("certificate.number")
def number(matter: Matter, say: Say) -> Iterator[Finding]:
    """The number on the form is the one on the certificate."""
    evidence: tuple[Evidence, ...] = ()
    told = False
    for slot in papers.SLOTS:
        field = papers.NUMBERS[slot]
        attached = papers.certificates(matter, slot) if papers.needed(matter, slot) else ()
        if not attached or not matter.sound(field) or not matter.submission.text(field):
            continue
        named = [one for one in attached if papers.names_certificate(matter, slot, one)]
        reading = named[0] if named else attached[0]
        found = _number(matter, say, slot, reading) if named else _other_number(matter, say, slot, attached)
        evidence = (*evidence, *papers.shown_at(reading, *papers.numbers_in(reading, slot)), *matter.evidence(field))
        told = told or found is not None
        if found is not None:
            yield found
    if not told:
        yield passed(say, evidence) if evidence else say.not_applicable("There is no number to compare.")


def _number(matter: Matter, say: Say, slot: Slot, reading: CertificateReading) -> Finding | None:
    """Judge a certificate that shows the number; None where there is nothing to tell."""
    field, called = papers.NUMBERS[slot], papers.name_of(matter, slot)
    form, shown = matter.submission.text(field), papers.numbers_in(reading, slot)
    trial = reading.kind == papers.TRIAL
    alike = {value: papers.likeness(slot, form, value.text, trial=trial) for value in shown}
    ours = [value for value, like in alike.items() if like is not Likeness.OTHER]
    others = [value for value, like in alike.items() if like is Likeness.OTHER]
    evidence = (*papers.shown_at(reading, *shown), *matter.evidence(field))
    if others:
        text = f"The {called} shows the number of the form and also {', '.join(quoted(v.text) for v in others)}."
        return say.look(text, evidence, subject=field, expected="one number")
    if not any(papers.settled(reading, value) for value in ours):
        text = f"The number of the {called} was read by one reader or from a picture only: {quoted(shown[0].text)}."
        return say.look(text, evidence, subject=field, expected=form)
    if Likeness.SAME not in alike.values():
        text = f"The number of the {called} is written {quoted(shown[0].text)} there, and {quoted(form)} on the form."
        return say.advice(text, evidence, subject=field)
    return None


def _other_number(matter: Matter, say: Say, slot: Slot, attached: tuple[CertificateReading, ...]) -> Finding:
    """Judge certificates none of which shows the form's number."""
    field, called = papers.NUMBERS[slot], papers.name_of(matter, slot)
    form = matter.submission.text(field)
    shown = [(one, value) for one in attached for value in papers.numbers_in(one, slot)]
    places = tuple(item for one in attached for item in papers.shown_at(one, *papers.numbers_in(one, slot)))
    evidence = (*places, *matter.evidence(field))
    if not shown:
        return say.look(f"No number was found on the {called}.", evidence, subject=field, expected=form)
    read = ", ".join(quoted(value.text) for _, value in shown[:_SHOWN_AT_MOST])
    text = f"The form gives {quoted(form)} as the number of the {called}, but what is attached has {read}."
    if not any(papers.settled(one, value) for one, value in shown):
        return say.look(f"{text} It was read by one reader or from a picture only.", evidence, subject=field)
    fit = best_fit(matter, slot)
    if fit is not None and stranger(matter, slot, fit) and not complete(matter, fit):
        text += " It does not name the Device Model of the form either."
    return say.fail(
        text,
        evidence,
        subject=field,
        expected=form,
        why=matter.rules.fields[field].why,
        remedy="Correct the number on the form, or attach the certificate that has it.",
    )


@check("certificate.prefix")
def prefix(matter: Matter, say: Say) -> Iterator[Finding]:
    """[R] goes with a certificate without expiry, [E] with one that shows it, [T] with one of the SSC for a trial."""
    field, mark = papers.NUMBERS["cpa"], papers.mark_of(matter.submission)
    reading = identified(matter, "cpa")
    if reading is None or not mark or not matter.sound(field):
        yield say.not_applicable("There is no certificate, or no mark on the form, to compare.")
        return
    expiry = reading.all("expiry_date")
    trial = reading.kind == papers.TRIAL
    evidence = (*papers.shown_at(reading, *(expiry or papers.numbers_in(reading, "cpa"))), *matter.evidence(field))
    more = {"subject": field, "why": _MARK_WHY}
    if trial != (mark == papers.TRIAL_MARK):
        called = "a Trial Device Certificate" if trial else "a CPA Certificate"
        expected = papers.TRIAL_MARK if trial else f"{papers.LIFETIME_MARK} or {papers.EXPIRING_MARK}"
        text = f"The number on the form is marked {mark}, but the document is {called}."
    elif mark == papers.LIFETIME_MARK and expiry:
        expected = papers.EXPIRING_MARK
        text = (
            f"The number on the form is marked {mark}, but the certificate shows an expiry: {quoted(expiry[0].text)}."
        )
    elif mark == papers.EXPIRING_MARK and not expiry:
        text = f"The number on the form is marked {mark}, but no expiry was found on the certificate."
        yield say.look(text, evidence, expected="an expiry date on the certificate, or the mark [R]", **more)
        return
    elif reading.source != "text":
        yield say.look("The mark agrees with what was read, but it was read from a picture only.", evidence, **more)
        return
    else:
        yield passed(say, evidence)
        return
    matter.faulty.add(field)
    if any(not papers.settled(reading, value) for value in expiry) or reading.source != "text":
        yield say.look(f"{text} It was read by one reader or from a picture only.", evidence, expected=expected, **more)
    else:
        remedy = f"Write {expected} and a blank in front of the number, or attach the certificate that is meant."
        yield say.fail(text, evidence, expected=expected, remedy=remedy, **more)


@check("certificate.known")
def known(matter: Matter, say: Say) -> Iterator[Finding]:
    """A certificate that came before under the same number was the same certificate."""
    earlier = matter.circumstances.known_certificates or {}
    for slot in papers.SLOTS:
        reading = identified(matter, slot)
        if reading is None:
            continue
        for key, (artefact, said) in papers.memory(reading):
            before = earlier.get(key)
            if before is None or before[0] == artefact:
                continue
            evidence = (*papers.shown_at(reading, *reading.all("number")), Evidence(before[0], "an earlier mail"))
            called = papers.name_of(matter, slot)
            if before[1] == said:
                yield say.advice(f"The {called} came before as another file that says the same.", evidence)
                break
            text = f"The {called} came before under the same number and said otherwise."
            both = f"It says now: {quoted(said, 400)}; it said then: {quoted(before[1], 400)}."
            yield say.look(f"{text} {both}", evidence, subject=papers.NUMBERS[slot])
            break


def _told_here(matter: Matter) -> tuple[CertificateReading, ...]:
    """The documents of the mail, with its first form that could be read; none with the others, which came with it."""
    readable = [one.artefact for one in matter.batch if one.form.rows and not one.form.problems]
    others = readable and matter.submission.artefact != readable[0]
    return () if others else matter.submission.certificates


@check("certificate.unread")
def unread(matter: Matter, say: Say) -> Iterator[Finding]:
    """Every document of the mail is known for what it is; one that nobody can identify is never passed over."""
    for reading in _told_here(matter):
        evidence = papers.shown_at(reading)
        if reading.problems:
            trouble = " ".join(f"{problem.text.rstrip('.')}." for problem in reading.problems)
            state = "was read only in part" if reading.kind else "could not be read"
            yield say.look(f"{reading.file} {state}: {trouble}", evidence, subject=reading.file)
        elif not reading.kind and reading.source in {"text", "ocr"}:
            yield say.look(
                f"{reading.file} was not recognised as any certificate or letter. {_nearest(matter, reading.missed)}",
                evidence,
                subject=reading.file,
            )
        elif not reading.kind:
            yield say.look(
                f"{reading.file} has no text that could be read; it may be a scan or a picture.",
                evidence,
                subject=reading.file,
                remedy="Send the certificate as the PDF that its issuer made.",
            )


def _nearest(matter: Matter, missed: tuple[MissedKind, ...]) -> str:
    """Say what a document lacks to be of the kind it is most like."""
    if not missed:
        return "It has no words of any of them."
    nearest = min(missed, key=lambda kind: len(kind.missing))
    called = matter.rules.certificates[nearest.kind].name if nearest.kind in matter.rules.certificates else nearest.kind
    lacking = "; ".join(quoted(phrase) for phrase in nearest.missing[:_SHOWN_AT_MOST])
    return f"It is most like a {called}, but lacks {lacking}."


@check("certificate.hidden")
def hidden(matter: Matter, say: Say) -> Iterator[Finding]:
    """A document shows a person all that it says, and has not been changed after it was signed or finished."""
    for reading in _told_here(matter):
        told = []
        if reading.unseen:
            shown = "; ".join(f"{quoted(item.text)} ({item.why}, page {item.page})" for item in reading.unseen[:3])
            told.append(f"holds text that a person does not see, or that is laid over the page: {shown}")
        if reading.changed_after_signing:
            told.append("was changed after it had been signed")
        if told:
            places = tuple(
                Evidence(reading.artefact, reading.file, f"page {item.page} {item.box}", item.text)
                for item in reading.unseen[:_SHOWN_AT_MOST]
            )
            text = f"{reading.file} {', and '.join(told)}."
            yield say.look(text, places or papers.shown_at(reading), subject=reading.file)
        elif reading.revisions > 1:
            text = f"{reading.file} was saved {reading.revisions} times; what stood in it before can still be read."
            yield say.advice(text, papers.shown_at(reading), subject=reading.file)


CHECKS: tuple[Check, ...] = (*PRESENT, number, prefix, known, unread, hidden)
