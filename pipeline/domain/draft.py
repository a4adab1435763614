"""A mail ready for a person: built, not sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Draft:
    """One reply as RFC 5322 bytes. kind: its folder under templates/. message_id: deterministic, with brackets."""

    kind: str
    message_id: str
    to: str
    subject: str
    raw: bytes
