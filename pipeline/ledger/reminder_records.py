"""The values of reminders, expiries and bounces as they go into the ledger and come out. Times are RFC 3339 text."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.ledger.records import EffectState, NewEffect


@dataclass(frozen=True, slots=True)
class NewCase:
    """A Case without a mail, which the pipeline itself opens. year: of its number. due: YYYY-MM-DD.

    effects: promises that belong to it. message_ids: of the mails drafted with it, so that an answer to one finds it.
    """

    year: int
    subject: str
    due: str
    effects: tuple[NewEffect, ...]
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise with its history. promised, begun, done: when, the last two empty for not yet. note: how it ended."""

    key: str
    kind: str
    payload: Mapping[str, str]
    state: EffectState
    promised: str
    begun: str
    done: str
    error: str
    note: str
    case: str

    @property
    def unused(self) -> bool:
        """Whether it was taken back before anything was done about it, so that its key may be promised again."""
        return self.state is EffectState.WITHDRAWN and not self.begun


@dataclass(frozen=True, slots=True)
class BounceRecord:
    """What a mail that came back says of a mail of ours. key: of its promise. message: sha256 of the mail that says so.

    recipient, status, permanent, text: as in ``domain.bounce.Bounce``; a stranger's claim, to be shown and no more.
    """

    key: str
    case: str
    message: str
    at: str
    recipient: str
    status: str
    permanent: bool
    text: str
