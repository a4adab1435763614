"""``pipeline doctor``: everything the worker will need, tried before it is needed."""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote

import typer

from pipeline.checks.proof import prove
from pipeline.cli.opening import mailbox_opener, opened, transport_opener
from pipeline.cli.report import printable
from pipeline.cli.settings import ConfigOption, config_file, present
from pipeline.cli.summary import domain_of, host_of
from pipeline.compose import TemplatesBroken, verify
from pipeline.config import Config, ConfigRefused, load
from pipeline.domain.form import Template
from pipeline.domain.signature import TrustMaterial, TrustSet
from pipeline.ledger.artefacts import ArtefactsUnavailable
from pipeline.ledger.errors import LedgerBusy, LedgerRefused
from pipeline.ledger.records import SENT, EffectState
from pipeline.ledger.reminder_records import Promised
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.monitor.expiry import expiries
from pipeline.monitor.room import free_octets, shortage
from pipeline.office import CPL, Office
from pipeline.outbox import TransportUnusable
from pipeline.readers.trust_folder import commercial_roots, roots_expiring
from pipeline.readers.trust_lists import lists_out_of_date
from pipeline.reminding import NO_CONTACT
from pipeline.rulebook import Rulebook, RulesBroken
from pipeline.rulebook.schema import Choice
from pipeline.trouble import Unavailable

app = typer.Typer(rich_markup_mode=None)

Line = tuple[bool, str]
"""Whether it is well, and what to say of it."""

_SOON = timedelta(days=30)
_ADDRESS = re.compile(r"[^\s<>@:;,]+(@[\w.-]+)")
"""An address that a server's words repeat; only its domain is shown."""


@app.command()
def doctor(config: ConfigOption = None) -> None:
    """Try everything the worker needs, and say what to mend.

    It logs in, lists folders, renders every template, reads the CPL and the trust folder. Exit code 1 where something
    is wrong.
    """
    well = True
    for good, line in examine(config_file(config)):
        typer.echo(f"{'ok ' if good else '!! '} {printable(line)}")
        well = well and good
    if not well:
        raise typer.Exit(1)


def examine(file: Path) -> Iterator[Line]:
    """Yield what was tried, one line each; what is wrong comes with its remedy."""
    try:
        config = load(file)
    except ConfigRefused as error:
        yield False, f"settings: {error}. Start from config/pipeline.example.toml."
        return
    yield True, f"settings: {file}"
    yield from _disk(config)
    try:
        with opened(config) as office:
            yield from _rules(office.rules)
            yield from _templates(office)
            yield from _ledger(office)
            yield from _list(office)
            yield from _trust(office)
    except (ArtefactsUnavailable, RulesBroken, TemplatesBroken, ConfigRefused) as error:
        yield False, str(error)
    except (LedgerBusy, LedgerRefused, OSError) as error:
        yield False, f"ledger: {error}"
    yield from _mailbox(config)
    yield from _sending(config)
    yield from _logins(config, present())
    yield from _monitor(config)


def _disk(config: Config) -> Iterator[Line]:
    """Whether there is room for what comes next. It stands before all that would fail for want of it."""
    if short := shortage(config.data):
        yield False, f"disk: {short}"
    elif (free := free_octets(config.data)) is not None:
        yield True, f"disk: {free / 1e9:.1f} GB free where the data folder is"


def _rules(rules: Rulebook) -> Iterator[Line]:
    troubles = prove(rules, None)
    yield from ((False, f"rules: {trouble}") for trouble in troubles)
    if not troubles:
        yield True, f"rules: {len(rules.checks)} checks, {len(rules.fields)} fields, {rules.fingerprint[:12]}"


def _templates(office: Office) -> Iterator[Line]:
    troubles = verify(office.templates)
    yield from ((False, f"templates: {trouble}") for trouble in troubles)
    wanted = {row.template for row in office.rules.decision.mail if row.template}
    missing = sorted(wanted - set(office.templates.kinds))
    yield from ((False, f"templates: rules/decision.yaml names '{name}', which has no folder") for name in missing)
    if not troubles and not missing:
        yield True, f"templates: {', '.join(office.templates.kinds)} say the same in text and HTML"


def _ledger(office: Office) -> Iterator[Line]:
    health = office.ledger.health(office.now())
    yield True, f"ledger: {office.config.data.absolute()}, {health.backlog} promises waiting"
    for lease in health.leases:
        yield True, f"ledger: the lease '{lease.name}' is held by {lease.owner} until {lease.until}"
    if health.set_aside:
        yield False, f"ledger: {health.set_aside} mails are set aside; see `pipeline cases`, then `pipeline retry`"
    if health.held:
        yield False, f"ledger: {health.held} promises are held; see `pipeline case`, then `pipeline retry`"
        yield from _held(office.ledger.promised(""))


def _held(promises: Iterable[Promised]) -> Iterator[Line]:
    """What each promise that waits for a person is, for whom, why, and how it is put back to work."""
    for promise in promises:
        if promise.state not in {EffectState.HELD, EffectState.UNKNOWN} or promise.kind == NO_CONTACT:
            continue
        to = f" to {domain_of(promise.payload['to'])}" if promise.payload.get("to") else ""
        again = promise.case or promise.payload.get("release") or promise.key
        why = _ADDRESS.sub(r"\1", promise.error) or "nobody noted why"
        then = "" if promise.kind == SENT else f"; then `pipeline retry {quote(again)}`"
        yield False, f"promise: {promise.kind}{to} is {promise.state}: {why}{then}"


def _monitor(config: Config) -> Iterator[Line]:
    """Where the worker can be seen from outside, and when what it logs in with ends."""
    monitor = config.monitor
    where = (
        f"/healthz and /metrics at {monitor.listen} while `pipeline run` runs" if monitor.listen else "nobody listens"
    )
    ping = f"a ping to {host_of(monitor.ping)} after each good poll" if monitor.ping else "no ping"
    yield True, f"monitor: {where}; {ping}"


def _logins(config: Config, now: datetime) -> Iterator[Line]:
    """When the certificates end with which the pipeline logs in."""
    for section, end in expiries(config):
        text = f"{section}: the certificate it logs in with ends on {end:%Y-%m-%d}"
        well = end - now > _SOON
        yield well, text if well else f"{text}: make a new one, and name it in {section}.certificate_file"


def _list(office: Office) -> Iterator[Line]:
    document = office.ledger.in_force(CPL)
    if document is None:
        yield False, "CPL: none is in force; take one over with `pipeline import CPL.xlsm`"
        return
    try:
        template = office.list_of(*office.in_force()).template
    except Unavailable as error:
        yield False, f"CPL: {error}"
        return
    yield (
        True,
        f"CPL: version {document.version}, {document.facts.get('entries', '?')} entries, taken over {document.at}",
    )
    if template:
        yield from _new_values(office.rules, template)


def _new_values(rules: Rulebook, template: Template) -> Iterator[Line]:
    """Values that SECAS offers and the rulebook does not know are accepted with advice; staff should know of them."""
    for name, offered in template.lists.items():
        rule = rules.fields.get(name)
        if rule is None:
            yield False, f"rules: the CPL has the field {name}, which rules/form*.yaml does not describe"
        elif isinstance(rule.format, Choice) and not rule.format.from_cpl:
            new = [value for value in offered if value not in rule.format.values]
            if new:
                yield True, f"rules: {name} is offered as {', '.join(new)}, which rules/form*.yaml does not list yet"


def _trust(office: Office) -> Iterator[Line]:
    """Whose signatures are believed; the roots of the certifi package are renewed with it and are no care of ours."""
    try:
        trust = office.trust.of(office.trust.in_force())
    except Unavailable as error:
        yield False, f"trust: {error}"
        return
    roots = ", ".join(f"{len(group.roots)} roots of {group.name}" for group in trust.sets) or "no roots"
    yield True, f"trust: {roots}, {len(trust.intermediates)} intermediates, {len(trust.crls)} revocation lists"
    bundle = set(commercial_roots().roots)
    own = tuple(TrustSet(group.name, tuple(r for r in group.roots if r not in bundle)) for group in trust.sets)
    for root in roots_expiring(TrustMaterial(own), office.clock()):
        when = "expired" if root.days_left < 0 else "expires"
        yield (
            False,
            f"trust: the root {root.name} of {root.trust_set} {when} on {root.not_after[:10]}; add its successor",
        )
    for issuer, until in lists_out_of_date(trust, office.clock()):
        yield False, f"trust: the revocation list of {issuer} is out of date since {until[:10]}; put a new one there"


def _sending(config: Config) -> Iterator[Line]:
    """Whether notices and reminders can be sent, where they may be."""
    connect = transport_opener(config)
    if connect is None:
        yield True, "sending: no server is named in [smtp]: notices wait in Drafts"
        return
    try:
        with closing(connect()) as transport:
            for line in transport.describe():
                yield True, f"sending: {line}"
    except TransportUnusable as error:
        yield False, f"sending: {error}"


def _mailbox(config: Config) -> Iterator[Line]:
    try:
        mailbox = mailbox_opener(config)()
        try:
            for line in mailbox.describe():
                yield True, f"mailbox: {line}"
        finally:
            mailbox.close()
    except (MailboxUnavailable, MailboxRefused, ConfigRefused, ValueError) as error:
        yield False, f"mailbox: {error}"
