"""The settings file (TOML): every key known, an unknown or wrong one refused with its place. No secrets in it.

Secrets are named, not written: a file that only the service user can read, or an environment variable.
"""

import os
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

_Whole = Annotated[int, msgspec.Meta(ge=1)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Mail = Annotated[str, msgspec.Meta(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]
_Server = TypeVar("_Server", bound=msgspec.Struct)
_Mode = Annotated[str, msgspec.Meta(pattern="^[0-7]{3}$")]


class ConfigRefused(Exception):  # noqa: N818 - named for the fact
    """The settings cannot be used. The text names the file, the key and what is wrong."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every section: an unknown key is an error."""


class MaildirConfig(_Section, frozen=True, tag_field="kind", tag="maildir"):
    """A mailbox that is a folder on this machine."""

    path: Path
    drafts: str = "Drafts"
    sent: str = "Sent"


class _Account(_Section, frozen=True, kw_only=True):
    """Who logs in to a mail server: with a password, or as an application of Microsoft 365 (OAuth2).

    certificate_file: of the application; without one, the password is its client secret.
    """

    oauth_tenant: str = ""
    oauth_client_id: str = ""
    oauth_authority: _Name = "https://login.microsoftonline.com"
    certificate_file: Path | None = None
    password_file: Path | None = None
    password_env: str = ""


class ImapConfig(_Account, frozen=True, tag_field="kind", tag="imap"):
    """A mailbox on an IMAP server. ``drafts``, ``sent`` empty: the folders the server marks for them (RFC 6154).

    idle: whether the server is asked to tell of new mail (RFC 2177), so that a round begins before it is due.
    """

    host: _Name
    user: _Name
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 993
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca_file: Path | None = None
    inbox: _Name = "INBOX"
    drafts: str = ""
    sent: str = ""
    idle: bool = False
    timeout_seconds: _Seconds = 60.0
    max_megabytes: _Whole = 60


class GraphConfig(_Section, frozen=True, tag_field="kind", tag="graph"):
    """A mailbox of Microsoft 365. certificate_file, or the client's secret by password_file or password_env.

    upload_hosts: besides Graph's own, those that large attachments are sent to. category: of filed mails.
    """

    tenant: _Name
    client_id: _Name
    user: _Name
    certificate_file: Path | None = None
    password_file: Path | None = None
    password_env: str = ""
    base_url: _Name = "https://graph.microsoft.com/v1.0"
    authority: _Name = "https://login.microsoftonline.com"
    upload_hosts: tuple[_Name, ...] = ("outlook.office.com", "outlook.office365.com")
    ca_file: Path | None = None
    inbox: _Name = "inbox"
    category: str = "CPL"
    timeout_seconds: _Seconds = 60.0
    max_megabytes: _Whole = 60


class EwsConfig(_Section, frozen=True, tag_field="kind", tag="ews"):
    """A mailbox on an Exchange server of one's own. address: of the mailbox. user: who logs in, or DOMAIN and name."""

    url: _Name
    address: _Name
    user: _Name
    auth: Literal["ntlm", "basic"] = "ntlm"
    password_file: Path | None = None
    password_env: str = ""
    ca_file: Path | None = None
    inbox: _Name = "inbox"
    category: str = "CPL"
    timeout_seconds: _Seconds = 60.0
    max_megabytes: _Whole = 60


MailboxConfig = MaildirConfig | ImapConfig | GraphConfig | EwsConfig


class FolderConfig(_Section, frozen=True):
    """Folders of the mailbox that mails are moved to: handled ones, and those that could not be judged."""

    processed: _Name = "CPL processed"
    quarantine: _Name = "Quarantine"


class ReplyConfig(_Section, frozen=True):
    """Who the replies are from. Names and numbers are not fixed in the guidance, so they are settings."""

    address: str = "secas@example.org"
    name: str = "SECAS Helpdesk"
    telephone: str = ""
    signature: tuple[str, ...] = ("SECAS Helpdesk",)


class PeopleConfig(_Section, frozen=True):
    """Registers of addresses and domains. An empty list of submitters means that no register is kept.

    border: the mail servers (their authserv-ids, RFC 8601) whose Authentication-Results are believed;
    ``exchange-online`` for Exchange Online. contacts: domain or address to the address to write to where a mail in its
    name is doubtful.
    """

    submitters: tuple[str, ...] = ()
    dcc: tuple[str, ...] = ()
    border: tuple[_Name, ...] = ()
    contacts: dict[_Name, _Mail] = {}


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


class ReleaseConfig(_Section, frozen=True):
    """Where Releases are put. folder: unset for ``releases`` in the data folder. modes: of the files, in octal.

    link: the address under which the CPL is published, told in notices.
    """

    folder: Path | None = None
    white_mode: _Mode = "644"
    green_mode: _Mode = "640"
    red_mode: _Mode = "600"
    link: str = ""


class NoticesConfig(_Section, frozen=True):
    """Who is told of a Release. send: whether notices are sent over SMTP; otherwise they are put into Drafts.

    list_address: the CPL mailing list; list_id: its List-Id (RFC 2919). recipients: members to write to one by one
    instead of the list. dcc, ssc: addresses. non_parties: addresses or domains of submitters who are not SEC Parties.
    """

    send: bool = False
    list_address: str = ""
    list_id: str = ""
    recipients: tuple[_Name, ...] = ()
    dcc: tuple[_Name, ...] = ()
    ssc: tuple[_Name, ...] = ()
    non_parties: tuple[_Name, ...] = ()


class RemindersConfig(_Section, frozen=True):
    """Who else is reminded of a certificate's date, besides whoever submitted its entries. Addresses."""

    suppliers: tuple[_Name, ...] = ()
    dcc: tuple[_Name, ...] = ()


class SmtpConfig(_Account, frozen=True):
    """The server for notices and reminders. unsure: what becomes of a mail the server may have taken already."""

    host: _Name
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 587
    tls: Literal["implicit", "starttls", "none"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    timeout_seconds: _Seconds = 60.0
    per_minute: _Whole = 30
    unsure: Literal["hold", "resend"] = "hold"


class WorkerConfig(_Section, frozen=True):
    """How often the mailbox is read, how patient the worker is, and how many drafts in a day look like a loop.

    per_sender, per_thread: drafts in 24 hours for the mails of one address, and in one Case.
    """

    poll_seconds: _Whole = 60
    attempts: _Whole = 3
    retry_seconds: _Whole = 120
    per_sender: _Whole = 50
    per_thread: _Whole = 10


class MonitorConfig(_Section, frozen=True):
    """How the worker is seen from outside. listen: address and port for /healthz and /metrics; empty for neither.

    unhealthy_after_seconds: for how long the mailbox may go unread, or a mail wait. ping: an address to ask for after
    each good poll; empty for none. Whoever knows it can ping in our name, so it is shown nowhere but for its host.
    """

    listen: Annotated[str, msgspec.Meta(pattern=r"^$|^(\d+\.\d+\.\d+\.\d+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$")] = ""
    unhealthy_after_seconds: _Whole = 900
    ping: Annotated[str, msgspec.Meta(pattern=r"^$|^https?://[A-Za-z0-9.:\[\]-]+(/[!-~]*)?$")] = ""


class Config(_Section, frozen=True):
    """All settings. data: the folder of the ledger and the stored bytes; database: empty for SQLite in there."""

    mailbox: MailboxConfig
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
    release: ReleaseConfig = ReleaseConfig()
    notices: NoticesConfig = NoticesConfig()
    reminders: RemindersConfig = RemindersConfig()
    monitor: MonitorConfig = MonitorConfig()
    smtp: SmtpConfig | None = None

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

    def account(section: _Server) -> _Server:
        files = ("path", "ca_file", "password_file", "certificate_file")
        return msgspec.structs.replace(
            section, **{name: near(path) for name in files if (path := getattr(section, name, None))}
        )

    return msgspec.structs.replace(
        config,
        mailbox=account(config.mailbox),
        data=near(config.data),
        rules=config.rules and near(config.rules),
        templates=config.templates and near(config.templates),
        trust=msgspec.structs.replace(config.trust, folder=config.trust.folder and near(config.trust.folder)),
        release=msgspec.structs.replace(config.release, folder=config.release.folder and near(config.release.folder)),
        smtp=config.smtp and account(config.smtp),
    )


def password(account: ImapConfig | GraphConfig | EwsConfig | SmtpConfig) -> str:
    """Return the account's password from the place the settings name; ConfigRefused says what is missing."""
    section = "smtp" if isinstance(account, SmtpConfig) else "mailbox"
    if account.password_file:
        where = f"{section}.password_file: {account.password_file}"
        try:
            secret = account.password_file.read_text("utf-8").rstrip("\r\n")
        except OSError as error:
            raise ConfigRefused(f"{where}: {error.strerror}") from error
        except UnicodeDecodeError:  # its own text would quote the secret
            raise ConfigRefused(f"{where} is not UTF-8 text") from None
        if not secret:
            raise ConfigRefused(f"{where} is empty")
        return secret
    if account.password_env:
        secret = os.environ.get(account.password_env, "")
        if not secret:
            raise ConfigRefused(f"{section}.password_env: {account.password_env} is not set, or empty")
        return secret
    raise ConfigRefused(f"{section}: set password_file or password_env")


def shipped(name: str) -> Path:
    """Return a folder that comes with the pipeline (``rules``, ``templates``, ``config``): checkout or installed."""
    beside = Path(__file__).resolve().parent.parent / name
    if beside.is_dir():
        return beside
    return Path(sys.prefix) / "share" / "secas-cpl-pipeline" / name
