"""What is told outside: whether the worker is well, in one line of JSON, and its figures for Prometheus."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pipeline import __version__
from pipeline.ledger.views import Health
from pipeline.monitor.expiry import TokenEnds, expiries
from pipeline.monitor.room import free_octets, shortage
from pipeline.monitor.rounds import Rounds, Seen
from pipeline.office import Office, moment_of
from pipeline.trouble import OWN_TROUBLE

_PATIENCE = 5.0
"""Seconds that a question waits for the answer to the one before it; a ledger that hangs is one that is away."""
_PROMISE_SECONDS = 3600
"""A promise may be older than anything else: the longest wait between two attempts is an hour (promises.retry_at)."""

_GAUGE, _COUNTER, _SUMMARY = "gauge", "counter", "summary"


@dataclass(frozen=True, slots=True)
class _Metric:
    """One metric with its samples: what stands behind its name (a suffix, labels), and the value."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[str, float], ...]

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for behind, value in self.samples:
            yield f"{self.name}{behind} {float(value)!r}"


class Figures:
    """Asks the ledger and the records of this process, anew each time. Safe to use from several threads."""

    def __init__(self, office: Office, rounds: Rounds, tokens: TokenEnds | None = None) -> None:
        self._office = office
        self._rounds = rounds
        self._tokens = tokens or TokenEnds(office.clock)
        self._limit = office.config.monitor.unhealthy_after_seconds
        self._asking = threading.Lock()

    def health(self) -> tuple[bool, str]:
        """Return whether all is well, and one line of JSON that says so or why not."""
        now, stands = self._office.clock(), self._ledger()
        told: dict[str, object] = {"healthy": False, "reasons": self._reasons(now, stands), "version": __version__}
        told["healthy"] = not told["reasons"]
        if stands is not None:
            good = last_good_poll(stands)
            told |= {
                "last_good_poll": good.isoformat() if good else None,
                "oldest_mail_seconds": stands.oldest_unfinished_seconds,
                "backlog": stands.backlog,
                "held": stands.held,
                "set_aside": stands.set_aside,
            }
        return not told["reasons"], json.dumps(told) + "\n"

    def metrics(self) -> str:
        """Return every metric in the text format 0.0.4 of Prometheus. Without a ledger, those that need none."""
        stands = self._ledger()
        metrics = [*self._own(), _one("cpl_ledger_readable", "1 where the ledger could be read.", stands is not None)]
        if stands is not None:
            metrics += _of_ledger(stands)
        metrics += _of_rounds(self._rounds.seen())
        return "".join(f"{line}\n" for metric in metrics for line in metric.lines())

    def _ledger(self) -> Health | None:
        """Return how the work stands, None where the ledger is away. One question at a time, whoever asks."""
        if not self._asking.acquire(timeout=_PATIENCE):
            return None
        try:
            return self._office.ledger.health(self._office.now())
        except OWN_TROUBLE:
            return None
        finally:
            self._asking.release()

    def _reasons(self, now: datetime, stands: Health | None) -> list[str]:
        """Return what is not well, in words. What waits for a person is none of it: no restart would help."""
        reasons: list[str] = []
        running = self._rounds.seen().running
        if running is not None and running > self._limit:
            reasons.append(f"the round at hand has taken {round(running)} s")
        if short := shortage(self._office.config.data):
            reasons.append(short)
        if stands is None:
            return [*reasons, "the ledger cannot be read: see the log, and 'pipeline doctor'"]
        good = last_good_poll(stands)
        if good is None:
            reasons.append("the mailbox was never read yet")
        elif (age := (now - good).total_seconds()) > self._limit:
            reasons.append(f"the mailbox was last read {round(age)} s ago")
        elif age < -self._limit:
            reasons.append(f"the mailbox was last read {round(-age)} s from now: the clock was set back")
        if stands.oldest_unfinished_seconds > self._limit:
            reasons.append(f"a mail has waited {stands.oldest_unfinished_seconds} s to be judged")
        if stands.oldest_promise_seconds > max(self._limit, _PROMISE_SECONDS):
            reasons.append(f"a promise has waited {stands.oldest_promise_seconds} s to be kept")
        return reasons

    def _own(self) -> Iterator[_Metric]:
        build = f'{{version="{__version__}",rules="{self._office.rules.fingerprint[:12]}"}}'
        yield _Metric("cpl_build_info", _GAUGE, "Version of the pipeline and fingerprint of its rules.", ((build, 1),))
        if (free := free_octets(self._office.config.data)) is not None:
            yield _one("cpl_disk_free_bytes", "What may still be written to the disk of the data folder.", free)
        ends = tuple((f'{{account="{section}"}}', at.timestamp()) for section, at in expiries(self._office.config))
        if ends:
            text = "When the certificate ends with which the pipeline logs in, Unix time."
            yield _Metric("cpl_login_certificate_expiry_timestamp_seconds", _GAUGE, text, ends)
        tokens = tuple((f'{{account="{section}"}}', at) for section, at in self._tokens.known())
        if tokens:
            text = "When the token ends that the pipeline was given last to log in, Unix time."
            yield _Metric("cpl_login_token_expiry_timestamp_seconds", _GAUGE, text, tokens)


def last_good_poll(stands: Health) -> datetime | None:
    """Return when a mailbox was last read well. A mailbox that the settings named once and no more is never newest."""
    return max((moment_of(poll.last_good) for poll in stands.polls if poll.last_good), default=None)


def _one(name: str, text: str, value: float) -> _Metric:
    return _Metric(name, _GAUGE, text, (("", value),))


def _of_ledger(stands: Health) -> Iterator[_Metric]:
    good = last_good_poll(stands)
    when = "When the mailbox was last read well, Unix time; 0 for never."
    yield _one("cpl_last_good_poll_timestamp_seconds", when, good.timestamp() if good else 0)
    yield _one("cpl_mails_unhandled", "Mails fetched and not concluded yet.", stands.unfinished)
    text = "Age of the oldest mail not concluded yet; 0 for none."
    yield _one("cpl_oldest_unhandled_mail_age_seconds", text, stands.oldest_unfinished_seconds)
    kinds = tuple((f'{{kind="{kind}"}}', number) for kind, number in stands.by_kind.items())
    yield _Metric("cpl_mails_concluded", _GAUGE, "Mails concluded, by kind.", kinds)
    yield _one("cpl_outbox_backlog", "Promises not kept yet.", stands.backlog)
    text = "Age of the oldest promise not kept yet; 0 for none."
    yield _one("cpl_outbox_oldest_age_seconds", text, stands.oldest_promise_seconds)
    yield _one("cpl_promises_held", "Promises held, or of unknown outcome, that wait for a person.", stands.held)
    yield _one("cpl_mails_set_aside", "Mails set aside, which wait for a person.", stands.set_aside)


def _of_rounds(seen: Seen) -> Iterator[_Metric]:
    text = "What the rounds of this process did."
    work = tuple((f'{{what="{name}"}}', number) for name, number in seen.work.items())
    yield _Metric("cpl_work_total", _COUNTER, text, work)
    ended = (('{outcome="done"}', seen.done), ('{outcome="failed"}', seen.failed))
    yield _Metric("cpl_rounds_total", _COUNTER, "Rounds of this process that ended.", ended)
    spent = (("_sum", seen.all_together), ("_count", seen.done + seen.failed))
    yield _Metric("cpl_round_duration_seconds", _SUMMARY, "How long the rounds of this process took.", spent)
    yield _one("cpl_last_round_duration_seconds", "How long the last round took.", seen.last)
    yield _one(
        "cpl_round_running_seconds", "How long the round at hand has taken; 0 between rounds.", seen.running or 0
    )
