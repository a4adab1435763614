"""The signer of the demonstration, and the trust root and revocation lists that a reader needs to believe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache

from pipeline.demo.pki import Holder, Profile, authority, ec_key, root
from pipeline.demo.products import QUILLMOOR
from pipeline.demo.signer import sign

_OPERATOR = "Larkholme Trust Services (sample)"
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class SampleTrust:
    """A signer, the authority that issued its certificate, and the root above.

    crls: of the root and of the authority. signed_at: when the signer signs, the day before.
    """

    signer: Holder
    issuing: Holder
    root: Holder
    crls: tuple[bytes, bytes]
    signed_at: datetime

    def sign(self, workbook: bytes) -> bytes:
        """Return the workbook signed; the same bytes every time."""
        who = self.signer
        return sign(workbook, who.key, who.certificate, chain=who.chain, at=self.signed_at)

    def files(self) -> Mapping[str, bytes]:
        """Return the trust folder, file name to content: the pinned root and the revocation lists."""
        return {"root.pem": self.root.pem, "root.crl": self.crls[0], "issuing.crl": self.crls[1]}


@lru_cache(maxsize=8)
def sample_trust(now: datetime, organisation: str = QUILLMOOR.name) -> SampleTrust:
    """Return a signer of an organisation, whose certificate was issued a year ago and holds for two years more.

    now: with an offset; its day alone counts, so that a day's runs give the same bytes. The lists are a week old.
    """
    day = datetime.combine(now.date(), time(), now.tzinfo)
    start, end = day - 5 * _YEAR, day + 10 * _YEAR
    top = root(authority("Larkholme Sample Root CA", _OPERATOR, start, end), ec_key("sample root"))
    issuing = top.issue(authority("Larkholme Sample Document CA", _OPERATOR, start, end), ec_key("sample issuing"))
    profile = Profile("Ottilie Brandreth", day - _YEAR, day + 2 * _YEAR, organisations=(organisation,))
    signer = issuing.issue(profile, ec_key(f"sample signer {organisation}"))
    since, until = day - timedelta(days=7), day + _YEAR
    return SampleTrust(
        signer, issuing, top, (top.crl(since, until), issuing.crl(since, until)), day - timedelta(hours=15)
    )
