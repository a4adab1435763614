"""What hangs on a mail of Outlook's, whichever file the mail came in: .msg or winmail.dat ([MS-OXCMSG] 2.2.2)."""

from dataclasses import dataclass

NAME_LONG, NAME_SHORT, NAME_SHOWN = 0x3707, 0x3704, 0x3001
"""PidTagAttachLongFilename, PidTagAttachFilename and PidTagDisplayName: a file's name, the best first."""

DATA, METHOD, MIME_TYPE, CONTENT_ID, FLAGS = 0x3701, 0x3705, 0x370E, 0x3712, 0x3714
"""PidTagAttachDataBinary (or ...Object), AttachMethod, AttachMimeTag, AttachContentId and AttachFlags."""

_ELSEWHERE = frozenset({2, 3, 4, 7})  # attachment by a path or an address ([MS-OXCMSG] 2.2.2.9)
_PART_OF_BODY = 0x4  # attRenderedInBody of PidTagAttachFlags ([MS-OXCMSG] 2.2.2.18)


@dataclass(frozen=True, slots=True)
class Enclosure:
    """One file. name: as written, not yet safe to show. content_type: as declared, may be empty.

    inline: shown in the body, where it is a picture.
    """

    name: str
    data: bytes
    content_type: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True)
class NotEnclosed:
    """A file that is named but cannot be had. kind: of the Problem. why: the rest of a sentence after its name."""

    name: str
    kind: str
    why: str


def not_enclosed(name: str, method: int | None) -> NotEnclosed:
    """Say why there are no octets. method: PidTagAttachMethod, None where it is not known."""
    if method in _ELSEWHERE:
        why = "is only a pointer to a file elsewhere, which is never followed; ask for the file itself."
        return NotEnclosed(name, "unsupported", why)
    return NotEnclosed(
        name, "damaged", "is named in the mail but its content is not there; ask for it to be sent again."
    )


def is_inline(content_id: str, flags: int | None) -> bool:
    """Whether the body shows it: the body can name it, and Outlook marks it as shown there."""
    return bool(content_id) and bool((flags or 0) & _PART_OF_BODY)
