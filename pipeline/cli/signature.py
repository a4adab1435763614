"""``pipeline signature``: one package's digital signature, who made it, what it covers, and what failed."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.checks.signature import NEW_CERTIFICATE, PATH_REMEDIES, REMEDIES
from pipeline.cli.files import EXISTING, read_file
from pipeline.cli.report import printable
from pipeline.cli.settings import ConfigOption, present, rulebook, settings_if_any, trust_material
from pipeline.domain.message import Problem
from pipeline.domain.signature import PackageSignature, PathState, SignatureQuestion, SignatureReading
from pipeline.readers.child import Forked
from pipeline.readers.trust_folder import TrustFolderRefused

app = typer.Typer(rich_markup_mode=None)

VALID, NOT_VALID, OPEN = 0, 10, 20
_WORDS = {VALID: "valid", NOT_VALID: "not valid", OPEN: "undecided"}
_GET_LISTS = "Get the revocation lists of the issuers in force, put them into the trust folder, and ask again."
_REMEDIES = {**PATH_REMEDIES, "no-revocation": _GET_LISTS, "stale-revocation": _GET_LISTS}


@app.command()
def signature(
    file: Annotated[Path, typer.Argument(help="The workbook (.xlsm).", **EXISTING)],
    trust: Annotated[
        Path | None,
        typer.Option(
            help="Folder of certificates, CRLs and OCSP responses; replaces the configured roots.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    at: Annotated[str, typer.Option(help="Moment of judgement, YYYY-MM-DD or RFC 3339; else now.")] = "",
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say whether a workbook's digital signature holds.

    It tells who signed, which authority vouches for them, when, what is covered, what failed and what to do.
    Exit code: 0 valid, 10 not valid, 20 unsigned or undecidable, 2 usage, 1 our own fault.
    """
    settings = settings_if_any(config)
    try:
        material = trust_material(trust, settings, rulebook(settings))
    except TrustFolderRefused as error:
        raise typer.BadParameter(str(error), param_hint="--trust") from error
    moment = _moment(at)
    reading = Forked().signature(SignatureQuestion(read_file(file), material, moment))
    if isinstance(reading, Problem):
        reading = SignatureReading((), (), (), problems=(reading,))
    code = verdict(reading)
    if as_object:
        typer.echo(json.dumps(_as_object(reading, code, moment)))
    else:
        for line in _lines(reading, code):
            typer.echo(line)
    raise typer.Exit(code)


def _moment(at: str) -> str:
    """Return the moment as RFC 3339 in UTC; a day by itself means its end, when every signature of it was made."""
    try:
        if len(at) == len("2026-11-21"):
            found = datetime.combine(date.fromisoformat(at), time(23, 59, 59), UTC)
        else:
            found = datetime.fromisoformat(at) if at else present()
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"'{at}' is not YYYY-MM-DD or RFC 3339", param_hint="--at") from None
    return f"{found.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def verdict(reading: SignatureReading) -> int:
    """Return the exit code that says what a reading comes to."""
    paths = [signature.path for signature in reading.signatures]
    if reading.faults or any(signature.faults for signature in reading.signatures):
        return NOT_VALID
    if any(path is not None and path.state is PathState.REFUSED for path in paths):
        return NOT_VALID
    if not paths or reading.problems or any(path is None or path.state is not PathState.TRUSTED for path in paths):
        return OPEN
    return VALID


def _lines(reading: SignatureReading, code: int) -> Iterator[str]:
    if reading.problems:
        yield f"Undecided: {printable(reading.problems[0].text)}"
        return
    if not reading.signatures and not reading.faults:
        only = " Only its macro is signed, which is not a signature of the workbook." if reading.vba_signed else ""
        yield f"Unsigned: the workbook has no digital signature.{only}"
        yield "To do: add a digital signature in Excel (File, Info, Protect Workbook), as the last step after saving."
        return
    yield f"The signature is {_WORDS[code]}."
    for signature in reading.signatures:
        yield from _signature(signature)
    for fault in reading.faults:
        yield f"  fault: {printable(fault.text)}  [{fault.topic}, {fault.code}]"
        yield f"  to do: {REMEDIES[fault.topic]}"
    yield f"Covered: {len(reading.covered)} parts."
    for part in reading.left_open:
        yield f"Left unsigned by Office, and never read here: {printable(part)}"


def _signature(signature: PackageSignature) -> Iterator[str]:
    yield f"{printable(signature.part)} ({printable(signature.method) or 'no method'})"
    certificate, path = signature.certificate, signature.path
    if certificate:
        yield f"  signer:  {printable(', '.join(certificate.organisations) or certificate.common_name)}"
        yield f"           {printable(certificate.subject)}, {certificate.key}"
        yield f"           sha256 {certificate.sha256}"
        yield f"  issued:  {printable(certificate.issuer)}, valid {certificate.not_before} to {certificate.not_after}"
    stamped = f", timestamp {signature.stamped_at}" if signature.stamped_at else " (the signer's own clock)"
    yield f"  signed:  {signature.claimed_at or 'at no stated time'}{stamped}"
    if path:
        shown = f" ({path.revocation})" if path.revocation else ""
        yield f"  trust:   {path.state.value}: {printable(path.text)}{shown}"
        yield from (f"           via {printable(subject)}" for subject in path.chain)
        yield from (f"           to be had from {printable(address)}" for address in path.fetch)
        if path.state is not PathState.TRUSTED:
            yield f"  to do:   {_REMEDIES.get(path.code, NEW_CERTIFICATE)}"
    for fault in signature.faults:
        yield f"  fault:   {printable(fault.text)}  [{fault.topic}, {fault.code}]"
        yield f"  to do:   {REMEDIES[fault.topic]}"


def _as_object(reading: SignatureReading, code: int, moment: str) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415 - only this output needs it here

    unsigned = not reading.signatures and not reading.faults and not reading.problems
    tree: dict[str, Any] = msgspec.to_builtins(reading)
    return {"schema": 1, "verdict": "unsigned" if unsigned else _WORDS[code], "at": moment, **tree}
