"""Reads what comes back when a mail could not be delivered: standard reports (RFC 3464) and the common older forms.

A bounce is a stranger's claim: anybody can send one. It is linked only where it names a Message-ID of ours, and all
that may follow is that a person is shown it.
"""

import re
from collections.abc import Iterator, Sequence

from pipeline.domain.bounce import Bounce, Bounces
from pipeline.domain.message import Address, Problem
from pipeline.readers import header
from pipeline.readers.encoding import shown, text_of
from pipeline.readers.mime import Budget, LimitMet, MailLimits, Part, content, head, leaves, parse

_REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset(
    {
        "message/rfc822",
        "text/rfc822-headers",
        "message/rfc822-headers",  # what some servers write for it
        "message/global",
        "message/global-headers",
    }
)
_LIMITS = MailLimits(parts=200, depth=10)
_MOST_RECIPIENTS = 100
_MOST_WORDS = 300
_MOST_TEXT = 64 << 10

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])", re.ASCII)
_REPLY = re.compile(r"(?<![\d.])([45]\d\d)[ -]", re.ASCII)
_GIVES_UP = {"failed": True, "delayed": False}
"""RFC 3464, 2.3.3. The other actions (delivered, relayed, expanded) are no bounces."""

_SYSTEM = frozenset({"mailer-daemon", "mailerdaemon", "mail-daemon", "postmaster"})
_OWN_WORDS = re.compile(
    r"could not be delivered|couldn't be delivered|wasn't delivered|not be able to deliver|unable to deliver"
    r"|undeliver|delivery (?:has |status notification \()?fail|returned mail|returning message|delayed",
    re.IGNORECASE,
)
_STILL_TRYING = re.compile(
    r"not yet been delivered|will be retried|will continue|still trying|delayed|do not need to resend", re.IGNORECASE
)
_OWN_LINE = re.compile(r"^[ \t>]{0,20}<?([^\s<>@:]{1,64}@[^\s<>@:]{1,254})>?:?[ \t]{0,20}\r?$", re.MULTILINE)
_QUOTED_ID = re.compile(r"^[ \t>]{0,20}message-id:[ \t]{0,20}(<[^<>\s]{1,990}>)", re.IGNORECASE | re.MULTILINE)


def read_bounces(raw: bytes, limits: MailLimits = _LIMITS) -> Bounces:
    """Read one mail's octets. Never raises."""
    try:
        return _read(parse(raw, Budget(limits)), limits)
    except LimitMet as met:
        return Bounces(problems=(Problem("limit", str(met)),))
    except MemoryError:
        return Bounces(problems=(Problem("memory", "Reading the mail took more memory than it may."),))
    except RecursionError:
        return Bounces(problems=(Problem("limit", "Its parts are nested too deep to be read."),))
    except Exception as error:  # noqa: BLE001 - law 6: whatever the octets do, the mail becomes a value
        text = f"The mail could not be read as a bounce ({type(error).__name__}); a person must open it."
        return Bounces(problems=(Problem("crash", text),))


def may_tell(root: Part) -> bool:
    """Say whether a mail may be a bounce at all: it holds a delivery report, or a server says that it sent it."""
    return _by_system(root) or any(part.content_type in _REPORTS for part, _ in leaves(root))


def _by_system(root: Part) -> bool:
    senders = [sender.addr.partition("@")[0].lower() for sender in header.addresses(root.value("from"))]
    returned = root.value("return-path").strip() == "<>"
    return returned or bool(_SYSTEM.intersection(senders)) or bool(_failed(root))


def _failed(root: Part) -> Sequence[Address]:
    return header.addresses(root.value("x-failed-recipients"))  # Exim


def _read(root: Part, limits: MailLimits) -> Bounces:
    parts = [part for part, _ in leaves(root)]
    message_id = next(filter(None, (_id_of(part, limits) for part in parts if part.content_type in _RETURNED)), "")
    words = next((_text(part) for part in parts if part.content_type.startswith("text/")), "")
    reports = [part for part in parts if part.content_type in _REPORTS]
    if not reports:
        return Bounces(_unreported(root, message_id, words))
    groups = [group for part in reports for group in _groups(_text(part))]
    concerned = [group for group in groups if group.keys() & {"final-recipient", "original-recipient"}]
    message_id = message_id or _quoted_id(words)
    found = [_bounce(group, message_id, words) for group in concerned[:_MOST_RECIPIENTS]]
    problems: tuple[Problem, ...] = ()
    if len(concerned) > _MOST_RECIPIENTS:
        text = f"The report is about {len(concerned):,} recipients; {_MOST_RECIPIENTS} were read."
        problems = (Problem("limit", text),)
    elif not concerned:
        problems = (Problem("damaged", "The delivery report names no recipient; a person must open it."),)
    return Bounces(tuple(bounce for bounce in found if bounce), problems)


def _bounce(group: dict[str, str], message_id: str, words: str) -> Bounce | None:
    """Return what a group of a report says (RFC 3464, 2.3), or None where it is good news."""
    status = _first(_STATUS, group.get("status", ""))
    action = group.get("action", "").partition("(")[0].strip().lower()
    permanent = _GIVES_UP.get(action)
    if permanent is None:
        if action or not status.startswith(("4", "5")):
            return None
        permanent = status.startswith("5")
    # The address we used is what we can find again; the final one may be where it was forwarded to.
    address = group.get("original-recipient") or group.get("final-recipient") or ""
    kind, mark, said = group.get("diagnostic-code", "").partition(";")
    text = shown((said if mark else kind).strip() or words, _MOST_WORDS)
    return Bounce(message_id, _address(address.rpartition(";")[2]), status, permanent, text)


def _unreported(root: Part, message_id: str, words: str) -> tuple[Bounce, ...]:
    """Read a bounce without a report (qmail, older Exim and Exchange): by its sender, its words and what it returns."""
    failed = _failed(root)
    subject = shown(header.decoded(root.value("subject")), _MOST_WORDS)
    message_id = message_id or _quoted_id(words)
    told = words[: _start_of_copy(words)]
    if not _by_system(root) or not message_id or not (failed or _OWN_WORDS.search(f"{subject}\n{told}")):
        return ()
    named = [address.addr for address in failed] or [_address(found[1]) for found in _OWN_LINE.finditer(told)]
    status = _first(_STATUS, told)
    reply = _first(_REPLY, told)
    given_up = status.startswith("5") or reply.startswith("5") or not _STILL_TRYING.search(f"{subject}\n{told}")
    text = shown(told, _MOST_WORDS) or subject
    recipients = list(dict.fromkeys(filter(None, named)))[:_MOST_RECIPIENTS] or [""]
    return tuple(Bounce(message_id, recipient, status, given_up, text) for recipient in recipients)


def _groups(text: str) -> Iterator[dict[str, str]]:
    """Yield the groups of fields that blank lines part (RFC 3464, 2.1), names in lower case, lines unfolded.

    Some servers forget the blank line: a second Final-Recipient begins a group too.
    """
    group: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not line.strip() or (name in group and name == "final-recipient"):
            if group:
                yield group
            group, last = {}, ""
        if line[:1] in {" ", "\t"}:
            if last:
                group[last] += f" {line.strip()}"
        elif colon and name not in group:
            group[name], last = value.strip(), name
        else:
            last = ""
    if group:
        yield group


def _text(part: Part) -> str:
    return text_of(content(part)[0][:_MOST_TEXT], part.parameters.get("charset", ""))


def _id_of(part: Part, limits: MailLimits) -> str:
    returned = head(content(part)[0], limits)
    return next(iter(header.ids(returned.value("message-id"), 1)), "")


def _quoted_id(text: str) -> str:
    """Return the Message-ID of a copy that stands in the text itself."""
    return next(iter(header.ids(_first(_QUOTED_ID, text), 1)), "")


def _start_of_copy(text: str) -> int:
    """Return where the copy of our mail begins in a bounce's text: its words are ours, not the server's."""
    quoted = _QUOTED_ID.search(text)
    end = quoted.start() if quoted else len(text)
    marker = re.search(r"^-{2,40}.{0,80}\b(?:copy|original|unsent)\b", text[:end], re.IGNORECASE | re.MULTILINE)
    return marker.start() if marker else end


def _address(text: str) -> str:
    """Return the address in a field's value, or the value itself where it is none that is known."""
    found = header.addresses(text)
    return found[0].addr if found else shown(text, _MOST_WORDS)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
