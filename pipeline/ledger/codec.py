"""Domain values as canonical JSON: equal values give equal bytes, so that ``pipeline replay`` can compare findings."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from pipeline.ledger.errors import LedgerRefused

Value = TypeVar("Value")

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    """Return the text with each NUL and each lone surrogate as U+FFFD.

    PostgreSQL's text holds no NUL, and no database holds half of a UTF-16 pair; a hostile mail header has both.
    """
    return _without_surrogates(text).replace("\x00", "\ufffd")


def encode(value: Any) -> str:
    """Return a value of pipeline.domain (or a tuple of them) as JSON, object keys sorted, no blanks.

    Dates are ISO 8601, enumerations their value. A lone surrogate in any text is stored as U+FFFD.
    """
    try:
        return msgspec.json.encode(value, order="sorted", enc_hook=_plain).decode()
    except UnicodeEncodeError:
        builtins = msgspec.to_builtins(value, order="sorted", enc_hook=_plain)
        return msgspec.json.encode(_all_without_surrogates(builtins), order="sorted").decode()


def decode(text: str, kind: type[Value]) -> Value:
    """Return the value of that type that ``encode`` made the text from. LedgerRefused where the text is not one."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise LedgerRefused(
            f"A stored {getattr(kind, '__name__', kind)} cannot be read back ({error}): "
            "the ledger is damaged, restore it from a backup."
        ) from error


def _plain(value: Any) -> Any:
    """Give msgspec a dict for the kinds of Mapping it does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} has no canonical JSON form")


def _without_surrogates(text: str) -> str:
    return _LONE_SURROGATE.sub("\ufffd", text)


def _all_without_surrogates(value: Any) -> Any:
    """Apply ``_without_surrogates`` to every text of a tree of plain values."""
    if isinstance(value, str):
        return _without_surrogates(value)
    if isinstance(value, dict):
        return {_without_surrogates(key): _all_without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_all_without_surrogates(item) for item in value]
    return value
