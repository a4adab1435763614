"""Whose signatures are believed: the trust material in force, stored for replay, and completed by fetching."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import structlog

from pipeline.config import shipped
from pipeline.domain.signature import PathState, TrustMaterial, TrustPath
from pipeline.fetch import NotFetched
from pipeline.judge import Workbook
from pipeline.ledger.artefacts import Artefacts
from pipeline.readers.trust_folder import TrustFolderRefused, material_of
from pipeline.rulebook.signers import TrustSetRule
from pipeline.trouble import Unavailable

log = structlog.get_logger(__name__)

Fetch = Callable[[str], bytes]
"""Returns what an address holds, or raises NotFetched."""

_MOST_ADDRESSES = 12
"""What one mail may make us ask for: the lists of a few signers' chains."""


class Trust:
    """The trust material of one process, by the sha256 it is stored under.

    folder: the configured one, or None for the one that comes with the pipeline.
    """

    def __init__(self, sets: Sequence[TrustSetRule], folder: Path | None, artefacts: Artefacts) -> None:
        self._sets = tuple(sets)
        self._folder = folder or shipped("config") / "trust"
        self._artefacts = artefacts
        self._known: tuple[object, str, TrustMaterial] | None = None

    def in_force(self) -> str:
        """Return the sha256 of the stored trust material in force; Unavailable where a file in its folder is bad.

        The folder is read again whenever a file in it has changed, as revocation lists are renewed every few days.
        """
        try:
            found = ((file, file.stat()) for file in self._folder.rglob("*"))
            files = sorted((str(file), state.st_mtime_ns, state.st_size) for file, state in found)
            if not self._known or self._known[0] != files:
                material = material_of(self._sets, self._folder)
                self._known = (files, self._stored(material), material)
        except TrustFolderRefused as error:
            raise Unavailable(str(error)) from error
        except OSError as error:
            raise Unavailable(f"The trust folder {self._folder} cannot be read ({error.strerror}).") from error
        return self._known[1]

    def of(self, sha256: str) -> TrustMaterial:
        """Return stored trust material; none for a judgement that was made without."""
        if self._known and self._known[1] == sha256:
            return self._known[2]
        return msgspec.msgpack.decode(self._artefacts.get(sha256), type=TrustMaterial) if sha256 else TrustMaterial()

    def completed(self, sha256: str, look: Callable[[TrustMaterial], Sequence[Workbook]], fetch: Fetch) -> str:
        """Fetch what the paths of the signers lack, and return the sha256 of the material with it.

        look: reads the workbooks of a mail with some material. What was fetched is stored with the trust material of
        this judgement, so that a replay asks nobody. An issuer's certificate may name further lists, so it is asked
        again until nothing new is wanted. What cannot be had leaves the path undecided.
        """
        before = trust = self.of(sha256)
        asked: dict[str, str] = {}  # address to why it could not be had, if so
        while paths := _undecided(look(trust)):
            wanted = {address: path.code for path in paths for address in path.fetch if address not in asked}
            room = _MOST_ADDRESSES - len(asked)
            if not wanted or not room:
                break
            for address, code in list(wanted.items())[:room]:
                trust, asked[address] = _with(trust, address, code, fetch)
        if paths:
            for why in filter(None, asked.values()):
                log.warning("revocation information not fetched", step="judge", why=why)
        return self._stored(trust) if trust != before else sha256

    def _stored(self, material: TrustMaterial) -> str:
        return self._artefacts.put(msgspec.msgpack.encode(material))


def _with(trust: TrustMaterial, address: str, code: str, fetch: Fetch) -> tuple[TrustMaterial, str]:
    """Return the material with what an address holds, or why it is not. What it is, the capped child finds out."""
    try:
        got = fetch(address)
    except NotFetched as error:
        return trust, str(error)
    log.info("revocation information fetched", step="judge", address=address, octets=len(got))
    if code == "missing-intermediate":
        return replace(trust, intermediates=(*trust.intermediates, got)), ""
    return replace(trust, crls=(*trust.crls, got)), ""


def _undecided(workbooks: Sequence[Workbook]) -> list[TrustPath]:
    """Return the paths of a mail's signers that lack something; a signature with faults is refused without them."""
    readings = [book.closer.signature for book in workbooks if book.closer.signature]
    signatures = [one for reading in readings if not reading.faults for one in reading.signatures if not one.faults]
    return [one.path for one in signatures if one.path and one.path.state is PathState.UNDECIDED]
