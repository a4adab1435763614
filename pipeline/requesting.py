"""Mails that ask for a change to listed entries: proposed to a person, and answered with what was understood.

There is no form for these (guidance 7.2.9, Appendices 5 to 7). Nothing is changed until a person orders it with
``pipeline amend --accept``, and then the next Release carries it out.
"""

from collections.abc import Sequence

from pipeline.asked import Asked, Askers, requested
from pipeline.compose.amendments import amendment_reply
from pipeline.domain.draft import Draft
from pipeline.domain.message import Message
from pipeline.domain.release import Amendment
from pipeline.ledger.records import MessageRecord
from pipeline.office import Office
from pipeline.readers.message import ReadMail
from pipeline.readers.ocr import Progress


def asked_of(office: Office, read: ReadMail, progress: Progress, *, ours: bool) -> Asked:
    """Return what a mail asks for. ours: it speaks of the CPL, though no more is known.

    Of any other mail the certificates are read only when its own words ask for a change: this mailbox gets many PDFs.
    """
    askers = Askers(office.config.people.submitters, office.config.notices.ssc)
    listed = office.list_of(*office.in_force()).products
    asked = requested(read.message, (), listed, office.rules, askers=askers)
    if not (asked.proposals or ours):
        return asked
    papers = office.read_papers(read, progress=progress)
    return requested(read.message, papers, listed, office.rules, askers=askers) if papers else asked


def proposed(office: Office, asked: Asked, record: MessageRecord, message: Message, case: str) -> tuple[Amendment, ...]:
    """Return the Amendments to be proposed, under the next free numbers, in the name of who wrote the mail."""
    year = office.day_of(record.received).year
    first = office.ledger.next_amendment_number(year)
    stem, _, serial = first.rpartition("-")
    return tuple(
        Amendment(
            number=f"{stem}-{int(serial) + place:05}",
            kind=one.kind,
            entries=one.entries,
            values=one.values,
            why=one.why,
            by=message.senders[0].addr if message.senders else "an unknown sender",
            at=office.now(),
            case=case,
            until=one.until,
            evidence=one.evidence,
            doubts=(*one.doubts, *asked.unclear) if place == 0 else one.doubts,
        )
        for place, one in enumerate(asked.proposals)
    )


def answer(office: Office, message: Message, amendments: Sequence[Amendment], *, case: str, due: str) -> Draft:
    """Word the answer and store its bytes; nothing reaches the mailbox yet."""
    to = office.correspondent(message)
    draft = amendment_reply(
        message,
        amendments,
        listed=office.list_of(*office.in_force()).products,
        case=case,
        correspondent=to.addr,
        due=due,
        sender=office.sender,
        now=office.clock(),
        templates=office.templates,
        stranger=not to.known,
    )
    office.artefacts.put(draft.raw)
    return draft
