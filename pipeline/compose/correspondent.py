"""To whom a draft is addressed, and whether what was read may be repeated to them.

Anybody can write any From. So where a register of submitters is kept, or the border checks where mail comes from, only
who passes is answered as who they say they are; of everybody else the registered contact is asked, or a person decides.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.checks.sender import DomainCheck, domain_of, misnamed, vouched
from pipeline.checks.smets1 import listed
from pipeline.domain.finding import Status
from pipeline.domain.judgement import Judged
from pipeline.domain.message import Address, Message

SENDER_CHECKS = frozenset({"intake.sender", "intake.authentic"})
"""The checks that say of a mail what ``correspondent_of`` goes by, so that a reviewer's word on them counts here."""

_OPEN = frozenset({Status.UNCLEAR, Status.FAIL, Status.BROKEN})
_OWN_ID = re.compile(r"<[0-9a-f]{32}\.[A-Za-z0-9_-]{1,60}@([^@<>]+)>")


@dataclass(frozen=True, slots=True)
class Register:
    """Who is known. own: our address. submitters: addresses and domains; empty when no register of them is kept.

    others: addresses and domains that are known besides (the DCC, the SSC). contacts: a domain, with everything below
    it, or an address, to the address of the person to write to where a mail in their name is doubtful.
    """

    own: str
    submitters: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    contacts: Mapping[str, str] = field(default_factory=dict)

    def contact(self, sender: Address) -> str:
        """Return the contact registered for an address, the nearest where there are several; empty for none."""
        near = sorted((key for key in self.contacts if listed(sender, (key,))), key=len)
        found = self.contacts[near[-1]] if near else ""
        return "" if _same(found, self.own) else found


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Who a draft is addressed to. addr: one bare address; empty where a person must say who it is for.

    known: what was read in the mail may be repeated to them. why: what staff should know of this choice, one or two
    sentences; empty where the sender is answered and nothing is odd.
    """

    addr: str
    known: bool
    why: str = ""


def correspondent_of(
    message: Message, register: Register, border: Sequence[str], *, confirmed: bool = False
) -> Correspondent:
    """Return who is answered. border: as in checks/sender.py. confirmed: a reviewer knows who sent the mail."""
    if from_ourselves(message, register.own):
        return Correspondent("", known=False, why="It comes from our own address, which is never answered.")
    if not message.senders:
        return Correspondent("", known=False, why="The mail names no sender.")
    doubt = "" if confirmed else _doubt(message, register, border)
    if not doubt:
        return _answered(message, register.own)
    contacts = {register.contact(sender) for sender in message.senders}
    contact = contacts.pop() if len(contacts) == 1 else ""
    if contact:
        return Correspondent(contact, known=False, why=f"{doubt} The draft is for the registered contact, {contact}.")
    nobody = "No contact is registered for them, so the draft is addressed to nobody: find out who it is for."
    return Correspondent("", known=False, why=f"{doubt} {nobody}")


def _doubt(message: Message, register: Register, border: Sequence[str]) -> str:
    """Return why nobody can say who sent the mail; empty where it is clear. Each reason is one of ``SENDER_CHECKS``."""
    sender = message.senders[0]
    if len(message.senders) > 1:
        return f"The mail names {len(message.senders)} senders."
    if pretended := misnamed(sender):
        return f"The sender's name reads {pretended}, but the address is {sender.addr}."
    if not sender.addr.isascii():
        return f"The sender's address {sender.addr} has letters that may look like others."
    if register.submitters and not listed(sender, (*register.submitters, *register.others)):
        return f"{sender.addr} is not in the register of submitters."
    found = vouched(message, border)
    if found.result is DomainCheck.FAILED:
        return f"The check of the policy of {domain_of(sender)} (DMARC) failed at our border, {found.by}."
    if border and register.submitters and found.result is DomainCheck.UNKNOWN:
        return f"Our border could not establish that the mail comes from {domain_of(sender)} (DMARC)."
    return ""


def _answered(message: Message, own: str) -> Correspondent:
    """Return the sender, at the address they want to be answered at where it is of the same domain."""
    sender = message.senders[0]
    near = [other.addr for other in message.reply_to if _same(domain_of(other), domain_of(sender))]
    wanted = [addr for addr in near if not _same(addr, own)]
    if wanted:
        return Correspondent(wanted[0], known=True)
    elsewhere = [other.addr for other in message.reply_to if not _same(other.addr, own)]
    if elsewhere:
        why = f"The mail asks for an answer to {elsewhere[0]}, of another domain; the draft is for {sender.addr}."
        return Correspondent(sender.addr, known=True, why=why)
    return Correspondent(sender.addr, known=True)


def sender_confirmed(judged: Iterable[Judged]) -> bool:
    """Say whether the Findings about a mail's sender, as they stand after a reviewer's word, leave no doubt."""
    found = [finding for one in judged for finding in one.findings if finding.check in SENDER_CHECKS]
    return {f.check for f in found} == SENDER_CHECKS and not any(f.status in _OPEN for f in found)


def from_ourselves(message: Message, own: str) -> bool:
    """Say whether a mail is one of ours that came back: by its sender, by our header, or by the form of its id.

    own: our address. The Message-ID of what we draft is 32 hex digits, the kind of mail, and that address's domain.
    """
    made = _OWN_ID.fullmatch(message.message_id)
    domain = own.rpartition("@")[2]
    return (
        "own" in message.automatic
        or any(_same(sender.addr, own) for sender in message.senders)
        or (made is not None and _same(made[1], domain))
    )


def own_marked(message: Message, own: str) -> Message:
    """Return a mail that came back to us with ``own`` among the reasons not to answer it; any other as it is."""
    if "own" in message.automatic or not from_ourselves(message, own):
        return message
    return replace(message, automatic=(*message.automatic, "own"))


def _same(one: str, other: str) -> bool:
    """Compare two addresses or domains; letters outside ASCII are the same only as they stand."""
    if one.isascii() and other.isascii():
        return one.lower() == other.lower()
    return one == other
