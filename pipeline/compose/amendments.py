"""The answer to a mail that asks for a change to listed entries: what we understood, and that a person looks at it.

Guidance Appendices 5 to 7 and SEC Appendix Z: there is no form for these, so a misunderstanding must show at once.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from pipeline.compose.changes import STATUS, Block, Edit, Section, blocks, entry, published, section
from pipeline.compose.drafting import answer, answer_values, unrepeated
from pipeline.compose.envelope import Sender
from pipeline.compose.headers import one_line
from pipeline.compose.points import Account
from pipeline.compose.templates import Templates
from pipeline.compose.withhold import RED, withheld
from pipeline.compose.wording import VALUE_LIMIT, day, place, quoted, sentence
from pipeline.domain.draft import Draft
from pipeline.domain.message import Message
from pipeline.domain.product import Product, ProductList
from pipeline.domain.release import CURRENT, REMOVED, Amendment, AmendmentKind

AMENDMENT = "amendment-received"

UNPUBLISHED = "(not shown here: it is not published on the CPL)"
"""Stands for what a repository holds now: whoever asks for a change has not shown that it is theirs to read."""

UNKNOWN = "(the entry is not on the CPL)"

_NO_ENTRY: Mapping[str, Product | None] = {"(not recognised)": None}
_TITLES: Mapping[AmendmentKind, str] = {
    AmendmentKind.CERTIFICATE: "Update of a CPA certificate",
    AmendmentKind.FIR: "Change of the Firmware Information Repository (FIR)",
    AmendmentKind.DZIR: "Change of the Device ZigBee Information Repository (DZIR)",
    AmendmentKind.UPGRADE_PATH: "Change of a firmware upgrade path",
    AmendmentKind.CORRECTION: "Correction of an entry",
    AmendmentKind.REMOVAL: "Removal from the list",
    AmendmentKind.RESTORATION: "Return to the list",
    AmendmentKind.REMEDIAL_PLAN: "Remedial plan",
}
_STATUSES = {AmendmentKind.REMOVAL: REMOVED, AmendmentKind.RESTORATION: CURRENT}
_BY_SSC = frozenset({*_STATUSES, AmendmentKind.REMEDIAL_PLAN})


@dataclass(frozen=True, slots=True)
class Request:
    """One Amendment as the mail tells it. sources: where it was read. by_ssc: only the SSC can ask for it."""

    title: str
    table: Section
    blocks: tuple[Block, ...]
    until: str
    sources: tuple[str, ...]
    by_ssc: bool


def amendment_reply(
    message: Message,
    amendments: Sequence[Amendment],
    *,
    listed: ProductList,
    case: str,
    correspondent: str,
    due: str,
    sender: Sender,
    now: datetime,
    templates: Templates,
    stranger: bool = False,
) -> Draft:
    """Return the answer to a mail that asks for amendments: each with its entries, the listed and the new values.

    listed: the CPL in force. correspondent, due, now: as for ``reply``. A RED value is not repeated, and where one is
    asked for neither are the mail's subject and the names of its files. What a repository holds now is not shown.
    stranger: nobody can say who the correspondent is, so only the kinds of amendment are told.
    Raises TemplatesBroken, and ValueError for a ``now`` without a time zone.
    """
    number = one_line(case, 40)
    secret = any(one.kind is AmendmentKind.DZIR or any(map(withheld, one.values)) for one in amendments)
    own = {message.sha256, *(file.sha256 for file in message.attachments)}
    requests = tuple(_request(one, listed, set() if secret else own) for one in amendments)
    shown = replace(message, subject="", problems=()) if secret else message
    if stranger:
        requests = tuple(dict.fromkeys(_bare(request) for request in requests))
        shown = unrepeated(message)
    values = answer_values(message=shown, said=Account((), 0, 0), case=number, due=due, sender=sender)
    values["stranger"] = stranger
    if secret and not stranger:
        values["original"]["subject"] = RED
    said = [asdict(request) for request in requests], number, message.sha256, templates.fingerprint
    digest = hashlib.sha256(json.dumps((*said, "stranger") if stranger else said, ensure_ascii=True).encode("ascii"))
    return answer(
        AMENDMENT,
        message=shown,
        values={**values, "requests": requests},
        case=number,
        label="amendment; row=received",
        digest=digest.hexdigest()[:32],
        correspondent=correspondent,
        sender=sender,
        now=now,
        templates=templates,
    )


def _request(one: Amendment, listed: ProductList, own: set[str]) -> Request:
    products = {number: listed.with_number(number) for number in one.entries}
    status = {STATUS: _STATUSES[one.kind]} if one.kind in _STATUSES else {}
    wanted = {**one.values, **status}

    def edits(product: Product | None) -> tuple[Edit, ...]:
        return tuple(Edit(sentence(name, 120), *_two(name, product, text)) for name, text in wanted.items())

    places = (sentence(place(e, ""), 2 * VALUE_LIMIT) for e in one.evidence if e.artefact in own)
    return Request(
        title=_TITLES[one.kind],
        table=section("", (entry(number, product) for number, product in products.items())),
        blocks=blocks({number: edits(product) for number, product in (products or _NO_ENTRY).items()}),
        until=day(one.until),
        sources=tuple(dict.fromkeys(text for text in places if text))[:20],
        by_ssc=one.kind in _BY_SSC,
    )


def _bare(request: Request) -> Request:
    """Return what a stranger is told of a request: its kind."""
    return Request(request.title, section("", ()), (), "", (), request.by_ssc)


def _two(name: str, product: Product | None, text: str) -> tuple[str, str]:
    """Return the listed and the new value of a field as they may be shown."""
    if secret := withheld(name):
        return secret, secret
    if not published(name):
        return UNPUBLISHED, quoted(text)
    if product is None:
        return UNKNOWN, quoted(text)
    return quoted(product.status if name == STATUS else product.values.get(name, "")), quoted(text)
