"""SMETS1 submissions: from the DCC, and of Device Models that are on the EPCL (guidance section 6)."""

import re
from collections.abc import Iterator

from pipeline.checks.matter import Matter, Say, check, device_model
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.message import Address
from pipeline.domain.product import DEVICE_MODEL

_SSC = re.compile(r"\bSSC\b|\bSecurity Sub[- ]?Committee\b", re.IGNORECASE)


def listed(sender: Address, register: tuple[str, ...]) -> bool:
    """Say whether an address, or the domain it belongs to, stands in a register of addresses and domains."""
    # Only ASCII letters are the same in both cases: others fold into it (the long s into an s) and name somebody else.
    addr = sender.addr.lower() if sender.addr.isascii() else sender.addr
    domain = addr.rpartition("@")[2]
    names = {entry.strip().lower().removeprefix("@") for entry in register} - {""}
    parts = domain.split(".")
    return addr in names or any(".".join(parts[i:]) in names for i in range(len(parts) - 1))


def _from_dcc(matter: Matter) -> bool:
    senders = matter.message.senders if matter.message else ()
    return any(listed(sender, matter.circumstances.dcc) for sender in senders)


@check("smets1.submitter")
def submitter(matter: Matter, say: Say) -> Iterator[Finding]:
    """Only the DCC submits SMETS1 entries; a Supplier's urgent notification goes to a person."""
    if matter.family != "smets1":
        yield say.not_applicable("It is not a SMETS1 Device Model.")
    elif matter.message is None:
        yield say.look("Without the mail nobody can tell whether this SMETS1 submission comes from the DCC.")
    elif not _from_dcc(matter):
        sender = matter.message.senders[0].addr if matter.message.senders else "nobody"
        yield say.look(
            f"SMETS1 submissions are made by the DCC, and {sender} is not an address of the DCC that we know.",
            (Evidence(matter.message.sha256, "", "header From", sender),),
            remedy="A Supplier's urgent notification (6.2) needs the confirmation of the SSC.",
        )


@check("smets1.eligible")
def eligible(matter: Matter, say: Say) -> Iterator[Finding]:
    """What the DCC submits must be on the EPCL; what a Supplier notifies in an urgent case is not on it (6.2)."""
    model = device_model(matter.submission)
    if matter.family != "smets1":
        yield say.not_applicable("It is not a SMETS1 Device Model.")
    elif model is None or not matter.sound(*DEVICE_MODEL):
        yield say.not_applicable("The Device Model must be sound before it is looked up.")
    elif matter.eligible is None:
        yield say.look("There is no EPCL at hand to compare this SMETS1 Device Model with.")
    elif model not in matter.eligible:
        speak = say.fail if _from_dcc(matter) else say.look
        yield speak(
            f"The SMETS1 Device Model {model} is not on the Eligible Products Combination List.",
            tuple(item for name in DEVICE_MODEL for item in matter.evidence(name)),
            subject=DEVICE_MODEL[0],
            expected="a Device Model that is on the EPCL",
            remedy="Compare the five values with the EPCL; an urgent fix by a Supplier takes the way of section 6.2.",
        )


@check("smets1.urgent")
def urgent(matter: Matter, say: Say) -> Iterator[Finding]:
    """A Supplier's urgent fix, which is not on the EPCL, comes with the confirmation e-mail of the SSC (6.2).

    Whether it confirms this Device Model is for a person to read: anybody can write a mail that says so.
    """
    model = device_model(matter.submission)
    if matter.family != "smets1":
        yield say.not_applicable("It is not a SMETS1 Device Model.")
    elif model is None or not matter.sound(*DEVICE_MODEL) or matter.eligible is None or matter.message is None:
        yield say.not_applicable("Whether it takes the way of section 6.2 cannot be told.")
    elif _from_dcc(matter):
        yield say.not_applicable("It comes from the DCC, and the way of section 6.2 is a Supplier's.")
    elif model not in matter.eligible:
        message = matter.message
        places = [Evidence(one.sha256, one.path, "", one.name) for one in message.attachments if one.kind == "mail"]
        if spoken := _SSC.search(f"{message.subject}\n{message.body}"):
            places.append(Evidence(message.sha256, "", "subject or text", spoken[0]))
        if places:
            yield say.look(
                "The Device Model is not on the EPCL, so the SSC must have confirmed the need for an urgent fix.",
                tuple(places),
                remedy="Read the confirmation: is it the SSC's, and is it for this Device Model and this Supplier? "
                "Then it is to be listed within one Working Day.",
            )
        else:
            yield say.ask(
                "The Device Model is not on the EPCL, and no confirmation of the SSC came with the form.",
                tuple(item for name in DEVICE_MODEL for item in matter.evidence(name)),
                expected="the e-mail in which the SSC confirms the need for an urgent security fix",
                remedy="Send the confirmation e-mail of the SSC with the form; without one, SMETS1 Device Models are "
                "submitted by the DCC (6.1).",
            )
