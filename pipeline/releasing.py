"""From what was accepted to the next Release (guidance section 9).

The numbered procedure:
    1. gather   the accepted Submissions and the ordered Amendments of the ledger, and the books in force;
    2. plan     the next version as values (pipeline/planning);
    3. write    the workbook part by part, the CSV, the FIR, the DZIR, and the notices;
    4. guard    the new workbook against the old one: a difference that nobody ordered ends it here;
    5. commit   the bytes by their digests, then the Release with its promises, in one transaction;
    6. shelve   the files into the folder of Releases: a promise like any other, and the first to be kept.

Killed anywhere, the old list is in force or the new one, never half of one. Whoever comes next, ``pipeline publish`` or
a round of the worker, keeps what is promised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pipeline import judge
from pipeline.compose.envelope import Enclosure
from pipeline.compose.notices import ReleaseNotice, notices
from pipeline.domain.draft import Draft
from pipeline.domain.message import Problem
from pipeline.domain.product import ProductList
from pipeline.domain.release import Amendment, NewEntry, ReleasePlan, RepositoryRow
from pipeline.ledger.records import Effect, EffectState, InForce, NewEffect
from pipeline.ledger.release_records import Accepted, AmendmentState, ReleaseRecord
from pipeline.office import CPL, Office
from pipeline.planning import PlanRefused, plan
from pipeline.products import apply
from pipeline.publish.contacts import write_contacts
from pipeline.publish.csv_file import released_csv
from pipeline.publish.dzir import write_dzir
from pipeline.publish.fir import write_fir
from pipeline.publish.guard import compare
from pipeline.publish.shelf import Audience, Modes, Shelf, ShelfFile, release_files
from pipeline.publish.workbook import write_cpl
from pipeline.readers.message import ReadMail
from pipeline.readers.repository import RepositoryReading
from pipeline.readers.submission import assemble
from pipeline.trouble import Unavailable

FIR, DZIR, CONTACTS = "fir", "dzir", "contacts"
"""The books beside the list, as the ledger's ``in_force`` names them."""

SHELVE, SEND = "shelve", "send"
"""Kinds of promises besides those to the mailbox."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A Release that is written and guarded, and of which nothing is committed.

    base: sha256 of the list it was made from. facts: what the ledger keeps of the new one. contacts: CSV, for
    reminders; on no shelf. published: the ledger's
    number of each Submission to its entry number.
    """

    plan: ReleasePlan
    base: str
    facts: Mapping[str, str]
    files: tuple[ShelfFile, ...]
    contacts: bytes = field(repr=False)
    notices: tuple[Draft, ...] = field(repr=False)
    published: Mapping[int, str]


# ---- 1. and 2.


def planned(office: Office, *, principal: bool = False, more: Sequence[Amendment] = ()) -> ReleasePlan | None:
    """Return the plan of the next Release, or None where nothing waits for one.

    principal: raise the principal version. more: Amendments that are not ordered yet, to see what they would do.
    Raises PlanRefused, and Unavailable where the list or a book in force cannot be read.
    """
    ledger = office.ledger
    accepted = ledger.accepted()
    amendments = (*ledger.amendments(AmendmentState.ORDERED), *more)
    if not accepted and not amendments:
        return None
    products = list_in_force(office)
    read: dict[str, ReadMail] = {}
    return plan(
        products,
        highest=_highest(office),
        new=[_new_entry(office, item, read) for item in accepted],
        amendments=amendments,
        fir=book(office, FIR),
        dzir=book(office, DZIR),
        contacts=book(office, CONTACTS),
        on=office.day_of(office.now()),
        rules=office.rules,
        principal=principal,
    )


def list_in_force(office: Office) -> ProductList:
    """Return the entries of the CPL in force. PlanRefused where none was imported."""
    cpl, epcl = office.in_force()
    if not cpl:
        raise PlanRefused("No CPL is in force: take over the last one with 'pipeline import'")
    return office.list_of(cpl, epcl).products


def book(office: Office, kind: str) -> tuple[RepositoryRow, ...]:
    """Return the rows of the FIR, DZIR or contacts in force; none where none was imported."""
    document = office.ledger.in_force(kind)
    return read_book(office, kind, office.artefacts.get(document.artefact)).rows if document else ()


def read_book(office: Office, kind: str, data: bytes) -> RepositoryReading:
    """Read such a book in the capped child. Unavailable where it holds no row that can be used."""
    reading = {FIR: office.readers.fir, DZIR: office.readers.dzir, CONTACTS: office.readers.contacts}[kind](data)
    if isinstance(reading, Problem):
        raise Unavailable(f"The {kind} file could not be read: {reading.text}")
    if reading.problems and not reading.rows:
        raise Unavailable(f"The {kind} file cannot be used: {reading.problems[0].text}.")
    return reading


def _highest(office: Office) -> int:
    """Return the highest entry number ever used: given by us, or seen on a list, also one since taken off."""
    seen = (document.facts.get("highest", "0") for document in office.ledger.in_force_history(CPL))
    return max(office.ledger.highest_entry_number(), *map(int, seen))


def _new_entry(office: Office, item: Accepted, read: dict[str, ReadMail]) -> NewEntry:
    """Read an accepted form again from the stored mail, as the values it is listed with."""
    where = f"{item.file} of case {item.case}"
    if item.message not in read:
        mail = office.read_mail(item.message)
        if isinstance(mail, Problem):
            raise Unavailable(f"{where} can no longer be read: {mail.text}")
        read[item.message] = mail
    data = read[item.message].contents.get(item.artefact)
    form = judge.read_workbook(data, office.readers) if data is not None else None
    if form is None or form.problems:
        why = form.problems[0].text if form else "it is no longer found in the stored mail"
        raise Unavailable(f"{where} can no longer be read: {why}. Nothing is published without it; try again.")
    template = office.list_of(*office.in_force()).template
    submission = assemble(item.file, item.artefact, form, rules=office.rules, template=template)
    values = {name: submission.text(name) for name in submission.answers}
    return NewEntry(item.submission, item.case, item.file, item.artefact, values)


# ---- 3. and 4.


def prepare(office: Office, ordered: ReleasePlan, *, soffice: str = "") -> Prepared:
    """Write and guard everything of a Release; nothing is stored.

    soffice: LibreOffice's program, where it is to read the new workbook as well. PlanRefused with the guard's words
    where the workbook is not what was ordered; ListNotEditable, CsvRefused, RepositoryRefused.
    """
    before = list_in_force(office)
    old = office.artefacts.get(before.artefact)
    new = write_cpl(old, ordered)
    if faults := compare(old, new, ordered, office=soffice or None):
        told = "; ".join(faults[:3])
        raise PlanRefused(f"The guard stopped version {ordered.version}, of which nothing was published: {told}")
    after = apply(before, ordered.difference)
    files = release_files(
        ordered.version,
        cpl=new,
        csv=released_csv(new, after, ordered.line),
        fir=write_fir(ordered.fir, after, ordered.line),
        dzir=write_dzir(ordered.dzir, after, ordered.line),
    )
    listed = {entry.submission: number for number, entry in ordered.numbered.items()}
    told_of = _notices(office, ordered, files)
    facts = {**list_facts(after), "issued": f"{ordered.issued:%d-%m-%Y}"}
    return Prepared(ordered, before.artefact, facts, files, write_contacts(ordered.contacts), told_of, listed)


def _notices(office: Office, ordered: ReleasePlan, files: Sequence[ShelfFile]) -> tuple[Draft, ...]:
    def enclosed(suffix: str, audience: Audience, content_type: str) -> Enclosure:
        (file,) = (file for file in files if file.audience is audience and file.name.endswith(suffix))
        return Enclosure(file.name, content_type, file.data)

    spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    held = {row.number: row for row in book(office, DZIR)}
    new_dzir = {row.number: row for row in ordered.dzir} != held
    release = ReleaseNotice(
        ordered,
        _submitters(office, ordered),
        enclosed(".csv", Audience.WHITE, "text/csv"),
        enclosed(".xlsx", Audience.RED, spreadsheet) if new_dzir else None,
    )
    return notices(
        release,
        office.config.notices,
        link=office.config.release.link,
        sender=office.sender,
        now=office.clock(),
        templates=office.templates,
    )


def _submitters(office: Office, ordered: ReleasePlan) -> dict[str, str]:
    """Return entry number to the address that asked for what happens to it."""
    asked = {number: entry.case for number, entry in ordered.numbered.items()}
    asked |= {number: one.case for one in ordered.amendments if one.case for number in one.entries}
    cases = {case: office.ledger.case(case).correspondent for case in set(asked.values())}
    return {number: cases[case] for number, case in asked.items()}


# ---- 5.


def commit(office: Office, prepared: Prepared, *, by: str) -> tuple[ReleaseRecord, tuple[str, ...]]:
    """Put a Release in force; return it with the Cases it closed.

    LedgerConflict where the list, a Submission or an Amendment is no longer what it was planned on.
    """
    ordered, put, now = prepared.plan, office.artefacts.put, office.now()
    manifest = {f"{file.audience}/{file.name}": put(file.data) for file in prepared.files}
    cpl, fir, dzir = (sha256(_file(prepared, *which)).hexdigest() for which in _BOOKS)
    documents = (
        InForce(CPL, cpl, ordered.version, now, prepared.facts),
        InForce(FIR, fir, ordered.version, now),
        InForce(DZIR, dzir, ordered.version, now),
        InForce(CONTACTS, put(prepared.contacts), ordered.version, now),
    )
    record = ReleaseRecord(
        ordered.version, prepared.base, cpl, now, by, ordered.issued, manifest, summary=ordered.log
    )  # fmt: skip
    closed = office.ledger.release(
        record,
        documents,
        (
            NewEffect(f"{SHELVE}:{ordered.version}", SHELVE, {"release": ordered.version}),
            *(_promise(office, notice, ordered.version) for notice in prepared.notices),
        ),
        published=prepared.published,
        amendments=[one.number for one in ordered.amendments],
    )
    return record, closed


_BOOKS = ((Audience.WHITE, ".xlsm"), (Audience.GREEN, ".xlsx"), (Audience.RED, ".xlsx"))
"""The CPL, the FIR and the DZIR among the files."""


def _file(prepared: Prepared, audience: Audience, suffix: str) -> bytes:
    return next(f.data for f in prepared.files if f.audience is audience and f.name.endswith(suffix))


def list_facts(products: ProductList) -> dict[str, str]:
    """Return what the ledger keeps of a list that is put in force."""
    numbers = [product.number for product in products.products]
    return {
        "entries": str(len(numbers)),
        "current": str(sum(product.status == "Current" for product in products.products)),
        "highest": max(numbers, default="000000"),
    }


def _promise(office: Office, notice: Draft, version: str) -> NewEffect:
    """Return the promise to send a notice where that is allowed and it has an address, else to put it into Drafts."""
    if not (office.config.notices.send and notice.to):
        draft = office.promise_draft(notice)
        return NewEffect(draft.key, draft.kind, {**draft.payload, "release": version})
    payload = {"artefact": office.artefacts.put(notice.raw), "to": notice.to, "release": version}
    return NewEffect(f"{SEND}:{notice.message_id}", SEND, payload)


# ---- 6.


def shelf(office: Office) -> Shelf:
    """Return the folder of Releases, as the settings have it."""
    release = office.config.release
    modes = (int(mode, 8) for mode in (release.white_mode, release.green_mode, release.red_mode))
    return Shelf(release.folder or office.config.data / "releases", Modes(*modes))


def put_on_shelf(office: Office, version: str) -> Path:
    """Put the files of a Release into its folder, which is returned. ShelfUnavailable, ShelfConflict."""
    record = office.ledger.release_of(version)
    if record is None:
        raise Unavailable(f"The ledger holds no Release {version}.")
    files = []
    for path, artefact in record.manifest.items():
        audience, _, name = path.partition("/")
        files.append(ShelfFile(Audience(audience), name, office.artefacts.get(artefact)))
    return shelf(office).put(version, files)


def unshelved(office: Office) -> tuple[Effect, ...]:
    """Return the promises to shelve a Release that are not kept, oldest first."""
    return tuple(
        effect
        for record in office.ledger.releases()[-_LOOKED_BACK:]
        for effect in office.ledger.effects_of_release(record.version)
        if effect.kind == SHELVE and effect.state is not EffectState.DONE
    )


_LOOKED_BACK = 5
"""Releases: a promise to shelve is kept within seconds, or is told at every round."""


def is_shelved(office: Office, version: str) -> bool:
    """Say whether the files of a Release are in their folder, so that people may be told of it; True for no version."""
    if not version:
        return True
    return all(e.kind != SHELVE or e.state is EffectState.DONE for e in office.ledger.effects_of_release(version))
