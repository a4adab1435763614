"""Settings that cannot be meant, and secrets that show nowhere."""

import pytest

from pipeline.config import ConfigRefused, SmtpConfig, password
from pipeline.outbox import Smtp, SmtpSettings, Throttle, Tls

WORD = "s3cret word"


def settings(**changes):
    return SmtpSettings(**({"host": "mail.example", "user": "desk", "password": WORD} | changes))


@pytest.mark.parametrize("host", ["mail.example", "192.0.2.1", "127.0.0.1.mail.example"])
def test_an_open_line_to_another_machine_is_refused(host):
    with pytest.raises(ValueError, match="only for a server on this machine"):
        settings(host=host, tls=Tls.NONE)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_an_open_line_on_this_machine_is_allowed(host):
    assert settings(host=host, tls=Tls.NONE).place == f"{host}:587"


@pytest.mark.parametrize("host", ["", "a b", ".", "a..b", ".mail.example", "x" * 64, "mail\r\nexample", "a\0b"])
def test_what_is_no_host_is_refused(host):
    with pytest.raises(ValueError, match="no name or address"):
        settings(host=host)


@pytest.mark.parametrize("changes", [{"password": f"{WORD}\n"}, {"user": "a\r\nb"}, {"password": f"{WORD}\0"}])
def test_a_line_end_in_a_secret_is_refused_without_showing_it(changes):
    with pytest.raises(ValueError, match="line end") as refused:
        settings(**changes)
    assert WORD not in str(refused.value)


@pytest.mark.parametrize("changes", [{"user": ""}, {"password": ""}, {"user": "", "password": "", "token": str}])
def test_half_a_login_is_refused(changes):
    with pytest.raises(ValueError, match="go together"):
        settings(**changes)


def test_the_secrets_are_not_in_the_settings_text():
    assert WORD not in repr(settings())
    assert "token" not in repr(settings(password="", token=lambda renew: WORD))


@pytest.mark.parametrize(("user", "name"), [("desk", "smtp:desk@mail.example"), ("", "smtp:mail.example")])
def test_the_name_is_the_account_without_the_password(user, name):
    made = settings(user=user, password=WORD if user else "")
    assert Smtp(made, Throttle(1)).name == name


def test_the_password_of_smtp_comes_from_its_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{WORD}\n")
    assert password(SmtpConfig(host="h", user="u", password_file=file)) == WORD


def test_a_missing_password_of_smtp_names_its_section(tmp_path):
    with pytest.raises(ConfigRefused, match="smtp: set password_file or password_env"):
        password(SmtpConfig(host="h", user="u"))
    with pytest.raises(ConfigRefused, match=r"smtp\.password_file: .*No such file"):
        password(SmtpConfig(host="h", user="u", password_file=tmp_path / "none"))
    with pytest.raises(ConfigRefused, match=r"smtp\.password_env: .* is not set"):
        password(SmtpConfig(host="h", user="u", password_env="NOT_SET_ANYWHERE"))  # noqa: S106 - a name, no password
