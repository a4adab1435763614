"""The settings as the log may show them: kinds, hosts, folders, what is on and off; no secret, and nobody's address."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from pipeline.config import Config

_PLAIN = frozenset(
    {
        *(
            "host",
            "hosts",
            "border",
            "tls",
            "auth",
            "tenant",
            "oauth_tenant",
            "listen",
            "subdivision",
            "zone",
            "unsure",
            "list_id",
        ),
        *("inbox", "drafts", "processed", "quarantine", "white_mode", "green_mode", "red_mode"),
        *("path", "data", "rules", "templates", "folder", "ca_file"),
    }
)
"""Settings that are shown as they are. One that is new says no more than that it is set, until it stands here."""
_URLS = frozenset({"authority", "base_url", "link", "oauth_authority", "ping", "url"})
_ADDRESSES = frozenset({"address", "list_address", "user"})
_HOST = re.compile(r"[A-Za-z0-9.-]+")


def summary(config: Config) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each section with what may be shown of it; the settings outside any section first, as ``general``."""
    sections = {field.name: getattr(config, field.name) for field in msgspec.structs.fields(config)}
    general = {name: value for name, value in sections.items() if name != "smtp" and not _is_section(value)}
    yield "general", _shown(general | {"database": _database(config.database)})
    for name, value in sections.items():
        if _is_section(value):
            kind = value.__struct_config__.tag
            yield name, ({"kind": kind} if kind else {}) | _shown(msgspec.structs.asdict(value))
        elif name == "smtp":
            yield name, {"on": False}


def domain_of(text: str) -> str:
    """Return what may be shown of a mail address: its domain. Anything else is only said to be there."""
    _, at, domain = text.rpartition("@")
    return domain if at and _HOST.fullmatch(domain) else "set"


def host_of(address: str) -> str:
    """Return what may be shown of a URL: its host."""
    try:
        return urlsplit(address).hostname or "set"
    except ValueError:
        return "set"


def _is_section(value: object) -> bool:
    return isinstance(value, msgspec.Struct)


def _shown(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(name, value) for name, value in values.items()}


def _value(name: str, value: object) -> object:
    """Return one setting as it may be shown; None for one that is not set, a number for a list of people."""
    if isinstance(value, bool | int | float):
        return value
    if not value:
        return None
    if name in _PLAIN or name == "database":
        return str(value) if isinstance(value, Path) else value
    if isinstance(value, str) and name in _URLS:
        return host_of(value)
    if isinstance(value, str) and name in _ADDRESSES:
        return domain_of(value)
    return len(value) if isinstance(value, tuple | dict) else "set"


def _database(address: str) -> str:
    """Return the kind of database and its host. Where a password may be part of what looks like one, only the kind."""
    if not address:
        return "sqlite"
    kind, _, rest = address.partition("://")
    kind = kind.partition("+")[0]
    host = re.split(r"[:/?]", rest.partition("@")[2])[0] if rest.count("@") == 1 else ""
    shown = kind if kind in {"sqlite", "postgresql"} else "set"
    return f"{shown} at {host}" if _HOST.fullmatch(host) else shown
