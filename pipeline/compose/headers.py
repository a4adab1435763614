"""Header values of a reply: one ``Re:``, the Case number once, ids verbatim, and no way to smuggle a header in."""

import re
from collections.abc import Sequence
from email.header import Header
from email.headerregistry import Address
from email.policy import Policy
from typing import Self

from pipeline.compose.wording import SENTENCE_LIMIT, sentence

SUBJECT_LIMIT = 250
"""Characters of a whole subject; some desktop clients cut at 255."""

ID_LIMIT = 997
"""Octets of one message id: with the blank of a folded line it just fits RFC 5322's 998."""

NEWEST_REFERENCES = 20

_PREFIXES = re.compile(
    r"\A(?:\s*(?:(?:re|aw|sv|fw|fwd|wg)(?:\[[0-9]{1,3}\])?\s*[:：]|\[ext(?:ernal)?\]))+", re.IGNORECASE
)
_CASE_TAG = re.compile(r"\[\s*CPL-[0-9]{4}-[0-9]{5,}\s*\]", re.IGNORECASE)
_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]+>")
_ADDR = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<domain>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)")


class Bracketed(str):
    """Value of a header of ``<...>`` items: message ids, or addresses of a mailing list (RFC 2369).

    It folds between items and never inside one. The standard library would write an item longer than a line as an
    RFC 2047 word, which no mail program can match.
    """

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, items: Sequence[str]) -> Self:
        """Make the value of the header ``name`` from validated items, brackets included."""
        value = super().__new__(cls, " ".join(items))
        value.name = name
        return value

    def fold(self, *, policy: Policy) -> str:
        """Return the header as lines, one item a line (the protocol of email.headerregistry)."""
        return f"{self.name}: " + f"{policy.linesep} ".join(self.split()) + policy.linesep


class UnicodeLine(str):
    """Value of a header of free text. It is written as RFC 2047 words as a whole, or as plain ASCII.

    The standard library's newer writer mixes both in one line and can lose the blank between them.
    """

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, text: str) -> Self:
        """Make the value of the header ``name`` from one visible line."""
        value = super().__new__(cls, text)
        value.name = name
        return value

    def fold(self, *, policy: Policy) -> str:
        """Return the header as lines of 76 characters (the protocol of email.headerregistry)."""
        written = Header(str(self), "us-ascii" if self.isascii() else "utf-8", header_name=self.name, maxlinelen=76)
        return f"{self.name}: {written.encode(linesep=policy.linesep)}{policy.linesep}"


def one_line(text: str, limit: int) -> str:
    """Return text fit for a header: one line, controls visible, and nothing that reads as an RFC 2047 word."""
    return sentence(text, limit).replace("=?", "= ?")[:limit]


def bare_subject(subject: str, case: str, limit: int) -> str:
    """Return the correspondent's subject without reply prefixes and Case tags, cut to ``limit`` characters."""
    bare = _CASE_TAG.sub(" ", one_line(subject, SENTENCE_LIMIT))
    if case:
        bare = re.sub(re.escape(case), " ", bare, flags=re.IGNORECASE)
    bare = " ".join(_PREFIXES.sub("", bare, count=1).split())
    if len(bare) <= limit:
        return bare
    return bare[: limit - 1].rstrip() + "…" if limit > 0 else ""


def is_plain_address(addr: str) -> bool:
    """Tell whether the text is one bare ASCII address (RFC 5321 dot-string), safe to address a mail to.

    One that holds the start of an RFC 2047 word is not: mail programs would read another address out of it.
    """
    if len(addr) > 254 or "=?" in addr or not _ADDR.fullmatch(addr):  # noqa: PLR2004 - RFC 5321 4.5.3.1.3: 256 with the brackets
        return False
    local, _, domain = addr.partition("@")
    return not any(part.startswith(".") or part.endswith(".") or ".." in part for part in (local, domain))


def named_address(name: str, addr: str) -> Address:
    """Return a display name and a plain address as the email package's value."""
    return Address(display_name=one_line(name, 120), addr_spec=addr)


def valid_id(text: str) -> str:
    """Return a message id verbatim, or an empty text where it is not ``<...>`` of printable ASCII."""
    return text if len(text) <= ID_LIMIT and _ID.fullmatch(text) else ""


def thread(message_id: str, in_reply_to: str, references: Sequence[str]) -> tuple[str, ...]:
    """Return the References of an answer (RFC 5322 3.6.4): the first, the newest twenty, the answered mail last.

    Empty where the answered mail has no usable Message-ID: a made-up one must never leak into a thread.
    """
    own = valid_id(message_id)
    if not own:
        return ()
    ids = [i for i in map(valid_id, references or (in_reply_to,)) if i and i != own]
    ids = [*dict.fromkeys(ids), own]
    return tuple(ids if len(ids) <= NEWEST_REFERENCES + 1 else [ids[0], *ids[-NEWEST_REFERENCES:]])
