"""S/MIME (RFC 8551) and .p7m files: what a signature wraps, taken out. Whether the signature holds is not asked.

Who sent a mail is never concluded from it, so nothing is claimed and nothing has to be proved.
"""

import re
from dataclasses import dataclass

from asn1crypto import cms, core

from pipeline.domain.message import Problem

_ENTITY = re.compile(rb"\s*(?:content-[a-z-]{1,40}|mime-version):", re.IGNORECASE)
_ENCRYPTED = frozenset({"enveloped_data", "authenticated_enveloped_data", "encrypted_data"})
_PLAIN = "ask the sender to send it as plain mail."


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed. content: its octets; None where the signature stands apart from what it signs (a .p7s file)."""

    content: bytes | None


def is_entity(data: bytes) -> bool:
    """Whether the octets are a MIME entity (RFC 2045, 2.4), as S/MIME wraps one, rather than a file."""
    return bool(_ENTITY.match(data, 0, 200))


def unwrap(data: bytes, path: str) -> Signed | Problem:
    """Take the content out of a CMS structure (RFC 5652). path: of the file in the mail, for the Problem."""
    try:
        info = cms.ContentInfo.load(data)
        kind = str(info["content_type"].native)
        if kind == "signed_data":
            inner = info["content"]["encap_content_info"]["content"]
            if isinstance(inner, core.Void):
                return Signed(None)
            if not isinstance(inner, core.OctetString | core.ParsableOctetString):
                raise TypeError(type(inner).__name__)  # noqa: TRY301 - told below like any other damage
            return Signed(bytes(inner))
    except Exception as error:  # noqa: BLE001 - asn1crypto has no closed list of what hostile octets make it raise
        text = f"{path} is a damaged S/MIME file ({type(error).__name__}); {_PLAIN}"
        return Problem("damaged", text, path)
    if kind in _ENCRYPTED:
        return Problem("encrypted", f"{path} is an encrypted mail; ask for it to be sent without encryption.", path)
    return Problem("unsupported", f"{path} is S/MIME of a kind that is not opened ({kind}); {_PLAIN}", path)
