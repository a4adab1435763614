"""The mails that go out with a Release: to the mailing list, the DCC, submitters who are no SEC Party, and the SSC.

Guidance section 9 says who is told, Appendix 7.2 that the DZIR is the SSC's alone: it is attached in one place here and
no other mail is given it. What is said comes from the published columns of the list, never from a form.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pipeline.checks.smets1 import listed
from pipeline.compose.changes import changes, named
from pipeline.compose.envelope import Enclosure, Sender, envelope
from pipeline.compose.headers import SUBJECT_LIMIT, Bracketed, is_plain_address, one_line
from pipeline.compose.parity import words
from pipeline.compose.templates import Templates
from pipeline.compose.withhold import withheld
from pipeline.compose.wording import day, sentence
from pipeline.config import NoticesConfig
from pipeline.domain.draft import Draft
from pipeline.domain.message import Address
from pipeline.domain.release import AmendmentKind, EntryChange, ReleasePlan

LIST, DCC, PARTY, SSC = "notice-list", "notice-dcc", "notice-party", "notice-ssc"
NOTICES = (LIST, DCC, PARTY, SSC)
"""The kinds of notice: folders of templates/."""

_LIST_ID = re.compile(r"<?(?=[^>]{3,253}>?\Z)([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)>?")
_URL = re.compile(r"https?://[!#-;=?-~]{1,900}")
_FIR_KINDS = frozenset({AmendmentKind.FIR, AmendmentKind.UPGRADE_PATH})


@dataclass(frozen=True, slots=True)
class ReleaseNotice:
    """A Release to tell of.

    submitters: entry number to the address that submitted it, for whoever may be no SEC Party. csv: for the DCC.
    dzir: RED, for the SSC; None where the DZIR is as it was, and then nothing is sent to the SSC.
    """

    plan: ReleasePlan
    submitters: Mapping[str, str]
    csv: Enclosure
    dzir: Enclosure | None = None


def notices(
    release: ReleaseNotice,
    settings: NoticesConfig,
    *,
    link: str,
    sender: Sender,
    now: datetime,
    templates: Templates,
) -> tuple[Draft, ...]:
    """Return every notice of a Release: mailing list, DCC, submitters who are no SEC Party, SSC, in that order.

    link: where the CPL is published, or empty. now: aware; the Date. A submitter whose address is not one bare address
    gets a Draft without To, which a person fills in. The same Release, kind and recipient have the same Message-ID.
    Raises ValueError where the settings, ``now`` or the plan cannot be used, and TemplatesBroken.
    """
    if troubles := settings_troubles(settings):
        raise ValueError(" ".join(troubles))
    writer = _Writer(release.plan, link, sender, now, templates)
    differing = release.plan.difference.changes
    made = [
        writer.notice(LIST, to, differing, headers=_list_headers(settings, sender, writer.url))
        for to in _once(settings.recipients or (settings.list_address,))
    ]
    made += [writer.notice(DCC, to, differing, enclosure=release.csv) for to in _once(settings.dcc)]
    for to, own in _owners(release, settings.non_parties):
        theirs = tuple(change for change in differing if change.number in own)
        made.append(writer.notice(PARTY, to, theirs, own=own))
    if release.dzir:
        made += [writer.notice(SSC, to, differing, enclosure=release.dzir) for to in _once(settings.ssc)]
    return tuple(made)


def settings_troubles(settings: NoticesConfig) -> tuple[str, ...]:
    """Return what is wrong with the section [notices], one sentence each with the key; empty when it can be used."""
    addresses = {
        "list_address": [settings.list_address] if settings.list_address else [],
        "recipients": settings.recipients,
        "dcc": settings.dcc,
        "ssc": settings.ssc,
    }
    found = [
        f"notices.{key}: '{sentence(addr, 120)}' is not one bare address; write it as name@domain."
        for key, given in addresses.items()
        for addr in given
        if not is_plain_address(addr)
    ]
    if settings.list_id and not _LIST_ID.fullmatch(settings.list_id):
        shown = sentence(settings.list_id, 120)
        found.append(f"notices.list_id: '{shown}' is no List-Id; write it as cpl-notices.example.org (RFC 2919).")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one notice after another about the same Release."""

    plan: ReleasePlan
    link: str
    sender: Sender
    now: datetime
    templates: Templates

    @property
    def url(self) -> str:
        """The link where it is a web address that may stand in a header and an href, or an empty text."""
        return self.link if _URL.fullmatch(self.link) else ""

    def notice(
        self,
        kind: str,
        to: str,
        differing: Sequence[EntryChange],
        *,
        own: Sequence[str] | None = None,
        enclosure: Enclosure | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Draft:
        """Return one notice. own: the entry numbers that the recipient is told of, None for all of them."""
        said = f"{self.plan.version}\n{kind}\n{to.casefold()}"
        digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]
        message_id = f"<{digest}.{kind}@{self.sender.domain}>"
        values = self._values(differing, own, enclosure)
        subject = one_line(self.templates.subject(kind, values), SUBJECT_LIMIT)
        addressed = to if is_plain_address(to) else ""
        mail = envelope(
            self.templates.bodies(kind, values),
            sender=self.sender,
            to=addressed,
            subject=subject,
            now=self.now,
            message_id=message_id,
            digest=digest,
            enclosure=enclosure,
        )
        mail["Content-Language"] = "en-GB"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
        mail["X-CPL-Pipeline"] = one_line(f"release {self.plan.version}", 60)
        for name, value in headers:
            mail[name] = value
        return Draft(kind=kind, message_id=message_id, to=addressed, subject=subject, raw=mail.as_bytes())

    def _values(
        self, differing: Sequence[EntryChange], own: Sequence[str] | None, enclosure: Enclosure | None
    ) -> dict[str, Any]:
        plan = self.plan
        log, kept_back = ((), 0) if own is not None else _log(plan)
        return {
            "release": {
                "version": sentence(plan.version, 40),
                "base": sentence(plan.base, 40),
                "issued": day(plan.issued.isoformat()),
                "link": sentence(self.link),
                "url": self.url,
            },
            "changes": changes(differing),
            "log": log,
            "kept_back": kept_back,
            "own": named(own) if own else "",
            "fir": _amended(plan, _FIR_KINDS, own),
            "dzir": _amended(plan, {AmendmentKind.DZIR}, own),
            "file": enclosure
            and {
                "name": enclosure.name,
                "octets": f"{len(enclosure.content):,}",
                "sha256": hashlib.sha256(enclosure.content).hexdigest(),
            },
            "sender": self.sender.shown(),
        }


def _once(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return each address once, as first written, without the empty one."""
    first: dict[str, str] = {}
    for addr in addresses:
        first.setdefault(addr.casefold(), addr)
    return tuple(addr for addr in first.values() if addr)


def _list_headers(settings: NoticesConfig, sender: Sender, url: str) -> list[tuple[str, str]]:
    """Return the headers of a mailing list (RFC 2919, RFC 2369) that nobody posts to, where it has a List-Id."""
    named_list = _LIST_ID.fullmatch(settings.list_id)
    if not named_list:
        return []
    desk = quote(sender.addr, safe="@")
    items = {
        "List-Id": f"<{named_list[1]}>",
        "List-Help": f"<mailto:{desk}?subject=CPL%20notices>",
        "List-Unsubscribe": f"<mailto:{desk}?subject=Unsubscribe%20from%20CPL%20notices>",
        "List-Owner": f"<mailto:{desk}>",
        "List-Archive": f"<{url}>" if url else "",
    }
    fixed = [("List-Post", "NO"), ("Precedence", "list")]
    return [*((name, Bracketed(name, (item,))) for name, item in items.items() if item), *fixed]


def _owners(release: ReleaseNotice, non_parties: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the submitters who are no SEC Party, each with the entries of theirs that this Release concerns."""
    plan = release.plan
    concerned = [change.number for change in plan.difference.changes]
    concerned += [number for one in plan.amendments if one.kind in _FIR_KINDS for number in one.entries]
    owners: dict[str, tuple[str, list[str]]] = {}
    for number in dict.fromkeys(concerned):
        addr = release.submitters.get(number, "")
        if addr and listed(Address("", addr), non_parties):
            owners.setdefault(addr.casefold(), (addr, []))[1].append(number)
    return [(addr, tuple(numbers)) for addr, numbers in owners.values()]


def _amended(plan: ReleasePlan, kinds: Iterable[AmendmentKind], own: Sequence[str] | None) -> str:
    """Return the entries whose repository rows were amended, in words; what they hold is not told."""
    numbers = [number for one in plan.amendments if one.kind in kinds for number in one.entries]
    found = sorted({number for number in numbers if own is None or number in own})
    return named(found) if found else ""


def _log(plan: ReleasePlan) -> tuple[tuple[str, ...], int]:
    """Return the lines of the Version Control row, and how many were left out because they name what is restricted.

    People write reasons into these lines. The list's own wording stays; a line that holds a mail address, or as whole
    words a Stack value or a Contact-CPA of this Release, is not sent round.
    """
    secrets = _secrets(plan)
    lines = [line for text in plan.log for line in text.splitlines() if line.strip()]
    told = tuple(sentence(line) for line in lines if "@" not in line and not _mentions(line, secrets))
    return told, len(lines) - len(told)


def _secrets(plan: ReleasePlan) -> frozenset[str]:
    """Return the restricted values of the entries that this Release concerns, folded to their words."""
    concerned = {change.number for change in plan.difference.changes}
    concerned.update(number for one in plan.amendments for number in one.entries)
    rows = (row.values for row in (*plan.dzir, *plan.contacts) if row.number in concerned)
    forms = (new.values for new in plan.numbered.values())
    held = (*rows, *forms, *(one.values for one in plan.amendments))
    folded = {" ".join(words(text)) for values in held for name, text in values.items() if withheld(name)}
    return frozenset(folded - {""})


def _mentions(line: str, secrets: Iterable[str]) -> bool:
    folded = f" {' '.join(words(line))} "
    return any(f" {secret} " in folded for secret in secrets)
