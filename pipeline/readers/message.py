"""The mail reader: raw bytes to a Message and the files in it. It states what is there and never judges."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from pipeline.domain.message import Address, Message, Problem
from pipeline.readers import header
from pipeline.readers.authentication import authentications
from pipeline.readers.bounce import may_tell
from pipeline.readers.content import is_outlook_item
from pipeline.readers.encoding import paragraphs, shown, text_of
from pipeline.readers.mime import Budget, LimitMet, MailLimits, Part, head, parse
from pipeline.readers.mime import content as octets_of
from pipeline.readers.outlook import read_item
from pipeline.readers.unpack import Unpacked, unpack

OWN_MARK = "X-CPL-Pipeline"
"""The header that every mail drafted by the pipeline carries, so that it is known when it comes back."""

_USED = ("from", "reply-to", "subject", "message-id", "in-reply-to", "references", "content-type")
_MOST_SUBJECT = 1_000
_MOST_DATE = 100
_MOST_ID = 990
_MOST_HTML = 256 << 10
_BULK = frozenset({"bulk", "list", "junk"})
_LIST = ("list-id", "list-post", "list-unsubscribe", "list-subscribe", "list-help", "list-owner", "list-archive")
# Not of RFC 3834, but what older machines write in place of Auto-Submitted. X-Auto-Response-Suppress is not among
# them: Exchange stamps it on the mail of people, and it forbids only answers that nobody looks at.
_AUTOMATIC = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-failed-recipients")
_AUTO_REPLY = "auto_reply"
_NULL_PATH = re.compile(r"<\s*(?:mailer-daemon(?:@[^<>]*)?)?\s*>")
_DAEMONS = frozenset({"mailer-daemon", "postmaster"})
_BLOCKS = frozenset({"address", "blockquote", "div", "h1", "h2", "h3", "h4", "li", "p", "pre", "table", "tr"})
_CELLS = frozenset({"td", "th"})
_QUOTE = "blockquote"
# What is struck out is no longer said.
_UNSEEN = frozenset({"del", "head", "s", "script", "strike", "style", "template", "title"})


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail as read. contents: the octets of every Attachment, by sha256.

    may_be_bounce: whether it is worth asking the reader of bounces; also where the mail could not be read whole.
    """

    message: Message
    contents: Mapping[str, bytes]
    may_be_bounce: bool = True


def read_message(raw: bytes, limits: MailLimits = MailLimits()) -> ReadMail:  # noqa: B008 - a frozen value
    """Read one mail, in MIME or as Outlook saves it (.msg).

    Never raises: what cannot be read, and every limit met, is a Problem of the Message.
    """
    budget = Budget(limits)
    try:
        if is_outlook_item(raw):
            return _outlook(raw, budget)
        root = parse(raw, budget)
        found = unpack(root, budget)
        return replace(_stated(raw, root, found, limits), may_be_bounce=may_tell(root))
    except LimitMet as met:
        return _headers_only(raw, limits, Problem("limit", str(met)))
    except MemoryError:
        return _headers_only(raw, limits, Problem("memory", "Reading the mail took more memory than it may."))
    except RecursionError:
        return _headers_only(raw, limits, Problem("limit", "Its parts are nested too deep to be read."))
    except Exception as error:  # noqa: BLE001 - law 6: whatever the bytes do, the mail becomes a value
        text = f"The mail could not be taken apart ({type(error).__name__}); a person must open it."
        return _headers_only(raw, limits, Problem("crash", text))


def _outlook(raw: bytes, budget: Budget) -> ReadMail:
    limits = budget.limits
    if len(raw) > limits.octets:
        raise LimitMet(f"It has {len(raw):,} octets; the most that is read is {limits.octets:,}.")
    item = read_item(raw, "")
    if isinstance(item, Problem):
        return _headers_only(raw, limits, item)
    found = unpack(item, budget)
    found.bodies[:0] = [parse(body, Budget(limits)) for body in item.bodies()]
    return _stated(raw, head(item.headers(), limits), found, limits)


def _headers_only(raw: bytes, limits: MailLimits, problem: Problem) -> ReadMail:
    """Say of a mail that was refused who sent it and what about, where even that can be read."""
    found = Unpacked(problems=[problem])
    try:
        return _stated(raw, head(b"" if is_outlook_item(raw) else raw, limits), found, limits)
    except Exception:  # noqa: BLE001 - law 6: the mail is still itself, with its digest and the Problem
        return _stated(raw, head(b"", limits), found, limits)


def _stated(raw: bytes, root: Part, found: Unpacked, limits: MailLimits) -> ReadMail:
    problems = list(found.problems)
    senders = _addresses(root, "from", limits, problems)
    if not senders and any(value.strip() for value in root.values("from")):
        problems.append(Problem("damaged", "The From header holds no mail address.", "From"))
    for name in _USED:
        if any(len(value) >= limits.header_value for value in root.values(name)):
            text = f"The {name.title()} header is over {limits.header_value:,} octets; the rest of it was not read."
            problems.append(Problem("limit", text, name.title()))
    message = Message(
        sha256=hashlib.sha256(raw).hexdigest(),
        message_id=_message_id(root.value("message-id")),
        subject=_line(root.value("subject"), _MOST_SUBJECT),
        senders=senders,
        reply_to=_addresses(root, "reply-to", limits, problems),
        sent=_line(root.value("date"), _MOST_DATE),
        in_reply_to=next(iter(header.ids(root.value("in-reply-to"), 1)), ""),
        references=header.ids(" ".join(root.values("references")), limits.references),
        automatic=_automatic(root, senders),
        body=_body(found.bodies, limits.body),
        attachments=tuple(found.attachments),
        problems=tuple(problems),
        authentication=authentications(root.headers),
    )
    return ReadMail(message, found.contents)


def _line(value: str, most: int) -> str:
    return shown(header.decoded(value), most)


def _message_id(value: str) -> str:
    return next(iter(header.ids(value, 1)), "") or _line(value, _MOST_ID)


def _addresses(root: Part, name: str, limits: MailLimits, problems: list[Problem]) -> tuple[Address, ...]:
    found = tuple(dict.fromkeys(address for value in root.values(name) for address in header.addresses(value)))
    if len(found) > limits.addresses:
        text = f"The {name.title()} header holds {len(found):,} addresses; {limits.addresses} were read."
        problems.append(Problem("limit", text, name.title()))
    return found[: limits.addresses]


def _automatic(root: Part, senders: tuple[Address, ...]) -> tuple[str, ...]:
    """Return why this looks like a machine's mail (RFC 3834, 2 and 5), in the words of ``Message.automatic``."""
    submitted = {header.keyword(value) for value in root.values("auto-submitted")}
    precedence = {header.keyword(value) for value in root.values("precedence")}
    returned = {value.strip().lower() for value in root.values("return-path")}
    marked = _AUTO_REPLY in precedence or any(map(root.values, _AUTOMATIC))
    reasons = {
        "auto-submitted": bool(submitted - {"", "no"}) or marked,
        "bounce": root.content_type in {"multipart/report", "message/delivery-status"},
        "list": any(map(root.values, _LIST)) or bool(precedence & _BULK),
        "no-return-path": any(_NULL_PATH.fullmatch(value) for value in returned),
        "daemon": any(sender.addr.partition("@")[0].lower() in _DAEMONS for sender in senders),
        "own": bool(root.values(OWN_MARK.lower())),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def _body(parts: list[Part], most: int) -> str:
    """Return the plain text parts together, or the text of the HTML ones where no plain one says anything."""
    for kind, reader in (("text/plain", _plain), ("text/html", _html)):
        texts = (reader(part, most) for part in parts if part.content_type == kind)
        text = "\n".join(filter(None, texts))[:most].strip()
        if text:
            return text
    return ""


def _plain(part: Part, most: int) -> str:
    data = octets_of(part)[0][: 8 * most]
    return paragraphs(text_of(data, part.parameters.get("charset", "")), most)


def _html(part: Part, most: int) -> str:
    """Return what an HTML part says. The parser fetches nothing and runs nothing."""
    data = octets_of(part)[0][:_MOST_HTML]
    text = text_of(data, part.parameters.get("charset", "")).replace("\0", " ").encode("utf-8", "replace")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        # lxml gives None for a text with no element in it, which its type stubs do not know.
        root: Any = etree.fromstring(text, parser)
    except etree.LxmlError:
        root = None
    return "" if root is None else paragraphs("".join(_said(root)), most)


def _said(root: etree._Element) -> list[str]:
    """Return the text of a tree in reading order, line feeds around each block, ``>`` before each line of a quote."""
    said: list[str] = []
    unseen: etree._Element | None = None
    quotes = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            quotes += element.tag == _QUOTE
            if unseen is None and element.tag in _UNSEEN:
                unseen = element
            if unseen is None:
                said.append(_lines(_before(element.tag) + (element.text or ""), quotes))
            continue
        quotes -= element.tag == _QUOTE
        if unseen is element:
            unseen = None
            said.append(_lines(element.tail or "", quotes))
        elif unseen is None:
            said.append(_lines(("\n" if element.tag in _BLOCKS else "") + (element.tail or ""), quotes))
    return said


def _before(tag: object) -> str:
    """Return what stands between an element and the text before it."""
    if tag in _CELLS:
        return " "
    return "\n" if tag in _BLOCKS or tag == "br" else ""


def _lines(text: str, quotes: int) -> str:
    """Mark the lines of an earlier mail that is quoted as text mails mark them."""
    return text.replace("\n", "\n> ") if quotes else text
