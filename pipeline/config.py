"""The settings file (TOML): every key known, an unknown or wrong one refused with its place. No secrets in it.

Secrets are named, not written: a file that only the service user can read, or an environment variable.
"""

import os
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

_Whole = Annotated[int, msgspec.Meta(ge=1)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class ConfigRefused(Exception):  # noqa: N818 - named for the fact
    """The settings cannot be used. The text names the file, the key and what is wrong."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every section: an unknown key is an error."""


class MaildirConfig(_Section, frozen=True, tag_field="kind", tag="maildir"):
    """A mailbox that is a folder on this machine."""

    path: Path
    drafts: str = "Drafts"


class ImapConfig(_Section, frozen=True, tag_field="kind", tag="imap"):
    """A mailbox on an IMAP server. ``drafts`` empty: the folder the server marks for drafts (RFC 6154)."""

    host: _Name
    user: _Name
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 993
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca_file: Path | None = None
    password_file: Path | None = None
    password_env: str = ""
    inbox: _Name = "INBOX"
    drafts: str = ""
    timeout_seconds: _Seconds = 60.0
    max_megabytes: _Whole = 60


class FolderConfig(_Section, frozen=True):
    """Folders of the mailbox that handled mails are moved to."""

    processed: _Name = "CPL processed"


class ReplyConfig(_Section, frozen=True):
    """Who the replies are from. Names and numbers are not fixed in the guidance, so they are settings."""

    address: str = "secas@example.org"
    name: str = "SECAS Helpdesk"
    telephone: str = ""
    signature: tuple[str, ...] = ("SECAS Helpdesk",)


class PeopleConfig(_Section, frozen=True):
    """Registers of addresses and domains. An empty list of submitters means that no register is kept."""

    submitters: tuple[str, ...] = ()
    dcc: tuple[str, ...] = ()


class CalendarConfig(_Section, frozen=True):
    """Working Days: the nation whose bank holidays count, the office's zone, and the hour after which it is closed.

    days: Working Days from receipt until a Case is due (guidance section 9: one).
    """

    subdivision: Literal["ENG", "WLS", "SCT", "NIR"] = "ENG"
    zone: str = "Europe/London"
    closes_at: Annotated[int, msgspec.Meta(ge=1, le=24)] = 17
    days: Annotated[int, msgspec.Meta(ge=0, le=250)] = 1


class TrustConfig(_Section, frozen=True):
    """Whose signatures are believed. folder: one folder for each set of roots (config/trust/README.md).

    fetch: whether the worker asks for missing revocation lists and issuers' certificates over http, only from
    ``hosts`` (``host``, or ``host:port``) and for at most ``seconds`` each.
    """

    folder: Path | None = None
    fetch: bool = False
    hosts: tuple[_Name, ...] = ()
    seconds: _Seconds = 10.0


class WorkerConfig(_Section, frozen=True):
    """How often the mailbox is read, and how patient the worker is."""

    poll_seconds: _Whole = 60
    attempts: _Whole = 3
    retry_seconds: _Whole = 120


class Config(_Section, frozen=True):
    """All settings. data: the folder of the ledger and the stored bytes; database: empty for SQLite in there."""

    mailbox: MaildirConfig | ImapConfig
    data: Path = Path("var/pipeline")
    database: str = ""
    rules: Path | None = None
    templates: Path | None = None
    folders: FolderConfig = FolderConfig()
    reply: ReplyConfig = ReplyConfig()
    people: PeopleConfig = PeopleConfig()
    calendar: CalendarConfig = CalendarConfig()
    worker: WorkerConfig = WorkerConfig()
    trust: TrustConfig = TrustConfig()

    def __repr__(self) -> str:
        """Leave out the address of the database, which may hold a password."""
        return f"Config(mailbox={self.mailbox!r}, data={str(self.data)!r})"

    @property
    def database_url(self) -> str:
        """The address of the ledger's database for SQLAlchemy."""
        return self.database or f"sqlite:///{(self.data / 'ledger.sqlite').absolute()}"


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"expected a path in quotation marks, not {type(value).__name__}")


def load(file: Path) -> Config:
    """Read a settings file; relative paths in it are meant from the folder it lies in."""
    try:
        tree = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigRefused(f"{file}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"{file}: {error}") from error
    try:
        config = msgspec.convert(tree, type=Config, dec_hook=_path)
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigRefused(f"{file}: {error}") from error
    if config.trust.fetch and not config.trust.hosts:
        raise ConfigRefused(
            f"{file}: trust.fetch asks only trust.hosts, and none are named: name them, or do not fetch"
        )
    return _anchored(config, file.parent)


def _anchored(config: Config, folder: Path) -> Config:
    def near(path: Path) -> Path:
        return path if path.is_absolute() else folder / path

    mailbox = config.mailbox
    if isinstance(mailbox, MaildirConfig):
        mailbox = msgspec.structs.replace(mailbox, path=near(mailbox.path))
    else:
        mailbox = msgspec.structs.replace(
            mailbox,
            ca_file=mailbox.ca_file and near(mailbox.ca_file),
            password_file=mailbox.password_file and near(mailbox.password_file),
        )
    return msgspec.structs.replace(
        config,
        mailbox=mailbox,
        data=near(config.data),
        rules=config.rules and near(config.rules),
        templates=config.templates and near(config.templates),
        trust=msgspec.structs.replace(config.trust, folder=config.trust.folder and near(config.trust.folder)),
    )


def password(mailbox: ImapConfig) -> str:
    """Return the mailbox's password from the place the settings name; ConfigRefused says what is missing."""
    if mailbox.password_file:
        where = f"mailbox.password_file: {mailbox.password_file}"
        try:
            secret = mailbox.password_file.read_text("utf-8").rstrip("\r\n")
        except OSError as error:
            raise ConfigRefused(f"{where}: {error.strerror}") from error
        except UnicodeDecodeError:  # its own text would quote the secret
            raise ConfigRefused(f"{where} is not UTF-8 text") from None
        if not secret:
            raise ConfigRefused(f"{where} is empty")
        return secret
    if mailbox.password_env:
        secret = os.environ.get(mailbox.password_env, "")
        if not secret:
            raise ConfigRefused(f"mailbox.password_env: {mailbox.password_env} is not set, or empty")
        return secret
    raise ConfigRefused("mailbox: set password_file or password_env")


def shipped(name: str) -> Path:
    """Return a folder that comes with the pipeline (``rules``, ``templates``, ``config``): checkout or installed."""
    beside = Path(__file__).resolve().parent.parent / name
    if beside.is_dir():
        return beside
    return Path(sys.prefix) / "share" / "secas-cpl-pipeline" / name
