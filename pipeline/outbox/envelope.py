"""What is asked of a mail before any server is: addresses that say one thing only, and lines that can travel."""

import re
from dataclasses import dataclass

# RFC 5321, 4.1.2: Dot-string "@" Domain; RFC 6531, 3.3 adds every character beyond ASCII. No quoted strings and no
# address literals: nobody has them, and they are where one address turns into two.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LABEL = r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\-\u0080-\U0010ffff]*[A-Za-z0-9\u0080-\U0010ffff])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_LOCAL_OCTETS, _PATH_OCTETS = 64, 254  # RFC 5321, 4.5.3.1.1 and 4.5.3.1.3 (256 with the angle brackets)

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LINE_OCTETS = 998  # RFC 5321, 4.5.3.1.6: 1000 with its CRLF
_BLANK_LINE = re.compile(rb"(?:\A|\r\n)\r\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class Unfit(Exception):  # noqa: N818 - named for the fact
    """The mail cannot be sent as it is, to any server. The text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail for one recipient, checked. Made by ``envelope``.

    content: with CRLF line ends, the last one included. eight_bit: it holds octets over 127 (RFC 6152).
    international: its header or an address does (RFC 6531).
    """

    sender: str
    recipient: str
    content: bytes
    eight_bit: bool
    international: bool

    @property
    def stuffed(self) -> bytes:
        """The content as it goes over the line, a dot put before each leading dot (RFC 5321, 4.5.2)."""
        return _LEADING_DOT.sub(b"..", self.content)


def envelope(raw: bytes, sender: str, recipient: str) -> Envelope:
    """Check a mail and its addresses and make its line ends CRLF. Raises Unfit."""
    for role, address in (("sender", sender), ("recipient", recipient)):
        if not is_address(address):
            raise Unfit(f"The {role} {address[:100]!a} is not one bare mail address. Correct it where it is kept.")
    if not raw.strip():
        raise Unfit("The mail is empty. Compose it anew.")
    if b"\0" in raw:
        raise Unfit("The mail holds a NUL octet, which no mail may (RFC 5322, 4). Compose it anew.")
    # Every bare CR and LF too: a server that takes one of them for a line end would read other mails into this one.
    content = _LINE_END.sub(b"\r\n", raw)
    if any(len(line) > _LINE_OCTETS for line in content.split(b"\r\n")):
        raise Unfit(f"The mail has a line of more than {_LINE_OCTETS} octets (RFC 5321, 4.5.3.1.6). Compose it anew.")
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    header = _BLANK_LINE.split(content, maxsplit=1)[0]
    international = not (sender.isascii() and recipient.isascii() and header.isascii())
    return Envelope(sender, recipient, content, not content.isascii(), international)


def is_address(text: str) -> bool:
    """Tell whether the text is one bare address that can stand in an SMTP command and mean nothing else."""
    if len(text) > _PATH_OCTETS or not text.isprintable() or not _ADDRESS.fullmatch(text):
        return False
    try:
        octets = text.encode("utf-8")
    except UnicodeEncodeError:  # a surrogate: octets that are no text
        return False
    return len(octets) <= _PATH_OCTETS and len(octets.partition(b"@")[0]) <= _LOCAL_OCTETS
