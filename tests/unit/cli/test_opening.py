"""From the settings to mailbox, watch and transport: what is kept between visits, and who logs in."""

import pytest

from pipeline.cli.opening import mailbox_opener, transport_opener, watch_opener
from pipeline.config import Config, EwsConfig, GraphConfig, ImapConfig, MaildirConfig, SmtpConfig
from pipeline.mailbox.patience import Patient
from pipeline.mailbox.port import MailboxRefused
from pipeline.outbox import Outcome

OAUTH = {"oauth_tenant": "tenant.example", "oauth_client_id": "app"}
MAIL = {"sender": "a@b.example", "recipient": "c@d.example"}


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_text("word\n", "utf-8")
    return file


def imap(secret, **changes):
    return ImapConfig(**{"host": "localhost", "user": "desk", "password_file": secret, **changes})


def settings_of(mailbox):
    assert isinstance(mailbox, Patient)
    return mailbox._inner._settings


@pytest.mark.parametrize("kind", ["imap", "graph", "ews"])
def test_a_mailbox_on_a_server_is_kept_between_visits_until_its_secret_changes(secret, kind):
    config = {
        "imap": imap(secret),
        "graph": GraphConfig("tenant.example", "app", "desk@mail.example", password_file=secret),
        "ews": EwsConfig("https://mail.example/EWS/", "desk@mail.example", "desk", password_file=secret),
    }[kind]
    visit = mailbox_opener(Config(mailbox=config))
    first = visit()
    first.close()
    assert visit() is first
    secret.write_text("another", "utf-8")
    changed = visit()
    assert changed is not first
    changed.close()


def test_a_folder_on_this_machine_needs_no_patience(tmp_path):
    visit = mailbox_opener(Config(mailbox=MaildirConfig(path=tmp_path)))
    assert visit() is not visit()


def test_an_application_logs_in_with_its_secret_or_its_certificate(secret, tmp_path):
    pem = tmp_path / "app.pem"
    pem.write_text("PEM", "utf-8")
    for changes, expected in (
        ({}, ("word", "")),
        ({"certificate_file": pem}, ("", "PEM")),
        ({"certificate_file": pem, "password_file": None}, ("", "PEM")),
    ):
        settings = settings_of(mailbox_opener(Config(mailbox=imap(secret, **OAUTH, **changes)))())
        assert (settings.app.client_secret, settings.app.certificate) == expected
        assert (settings.password, settings.app.tenant, settings.app.client_id) == ("", "tenant.example", "app")
        assert settings.app.scope == "https://outlook.office365.com/.default"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"oauth_tenant": "tenant.example"}, "client_id"),
        ({"oauth_client_id": "app"}, "tenant"),
        ({"certificate_file": "app.pem"}, "oauth_tenant"),
        ({**OAUTH, "oauth_authority": "http://login.example"}, "authority must be an https"),
    ],
)
def test_half_an_application_is_refused_by_mailbox_and_transport(secret, changes, said):
    with pytest.raises(MailboxRefused, match=said):
        mailbox_opener(Config(mailbox=imap(secret, **changes)))()
    smtp = SmtpConfig(host="localhost", user="desk", password_file=secret, **changes)
    sent = transport_opener(Config(mailbox=imap(secret), smtp=smtp))().send(b"", **MAIL)
    assert sent.outcome is Outcome.UNUSABLE
    assert said in sent.text


def test_a_certificate_that_is_not_there_is_named(secret, tmp_path):
    changes = {**OAUTH, "certificate_file": tmp_path / "none.pem"}
    with pytest.raises(MailboxRefused, match=r"mailbox\.certificate_file: .*none\.pem: No such file"):
        mailbox_opener(Config(mailbox=imap(secret, **changes)))()
    smtp = SmtpConfig(host="localhost", user="desk", **changes)
    assert "smtp.certificate_file" in transport_opener(Config(mailbox=imap(secret), smtp=smtp))().send(b"", **MAIL).text


def test_only_an_imap_mailbox_that_is_told_to_is_watched(secret, tmp_path):
    assert watch_opener(Config(mailbox=MaildirConfig(path=tmp_path))) is None
    assert watch_opener(Config(mailbox=imap(secret))) is None
    watch = watch_opener(Config(mailbox=imap(secret, idle=True)))
    settings, _ = watch(list)._account()
    assert (settings.host, settings.password) == ("localhost", "word")


def test_an_application_sends_with_a_token(secret, monkeypatch):
    class Tokens:
        def __init__(self, app, *, noted):
            self.app, self.noted = app, noted

        def token(self, *, renew):
            if renew:
                raise MailboxRefused("the secret has expired")
            self.noted(60)
            return f"token of {self.app.client_id}"

    monkeypatch.setattr("pipeline.cli.opening.tokens_of", Tokens)
    smtp = SmtpConfig(host="localhost", user="desk", password_file=secret, **OAUTH)
    noted = []
    settings = transport_opener(Config(mailbox=imap(secret), smtp=smtp), noted.append)()._settings
    assert (settings.password, settings.token(False)) == ("", "token of app")
    assert noted == [60]
    with pytest.raises(OSError, match="has expired"):
        settings.token(True)
