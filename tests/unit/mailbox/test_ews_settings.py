"""Settings of an Exchange mailbox, what is asked of the server, and what is said where the extra is missing."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.mailbox import EwsSettings, open_mailbox
from pipeline.mailbox.ews_wire import AnswerTooLong, _Session
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable

ROOT = Path(__file__).parents[3]
WORD = "s3cret~value"
URL = "https://mail.example.org/EWS/Exchange.asmx"


def settings(**changes):
    known = {"url": URL, "address": "desk@mail.example", "user": "OFFICE\\svc-cpl", "password": WORD}
    return EwsSettings(**{**known, **changes})


def test_no_secret_is_in_what_is_printed():
    assert WORD not in repr(settings())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://mail.example.org/EWS/Exchange.asmx"}, "url must be an https"),
        ({"url": "https://mail.example.org"}, "url must"),
        ({"url": "https://mail.example.org/"}, "url must"),
        ({"url": "https:///EWS/Exchange.asmx"}, "url must"),
        ({"url": "https://me@mail.example.org/EWS"}, "url must"),
        ({"url": f"{URL}?wsdl"}, "url must"),
        ({"url": f"{URL}#x"}, "url must"),
        ({"url": f"{URL}\n"}, "url must"),
        ({"url": f"{URL} x"}, "url must"),
        ({"url": "https://mail.example.org:0/EWS"}, "url must"),
        ({"url": "https://mail.example.org:x/EWS"}, "url must"),
        ({"address": "desk"}, "address"),
        ({"address": "a@b@c"}, "address"),
        ({"address": "a\0@b"}, "address"),
        ({"address": "ä@b.example"}, "address"),
        ({"user": ""}, "user"),
        ({"user": "a\nb"}, "user"),
        ({"password": ""}, "password"),
        ({"password": f"{WORD}\n"}, "line end"),
        ({"auth": "basic", "password": f"{WORD}€"}, "Use auth 'ntlm'"),
        ({"auth": "basic", "user": "jürgen"}, "Use auth 'ntlm'"),
        ({"auth": "kerberos"}, "neither 'ntlm' nor 'basic'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_without_the_secret(changes, said):
    with pytest.raises(ValueError, match=said) as refused:
        settings(**changes)
    assert WORD not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["outlook.office365.com", "outlook.office.com", "Outlook.Office365.us", "x.outlook.com"]
)
def test_a_server_whose_end_is_announced_is_warned_of(host):
    warning = settings(url=f"https://{host}/EWS/Exchange.asmx").warning
    for words in ("October 2026", "April 2027", 'kind = "graph"'):
        assert words in warning


@pytest.mark.parametrize("host", ["mail.example.org", "outlook.example.org", "outlook.office365.com.example.org"])
def test_a_server_of_one_s_own_is_not_warned_of(host):
    assert settings(url=f"https://{host}/EWS/Exchange.asmx").warning == ""


@pytest.mark.parametrize("package", ["exchangelib", "requests"])
def test_a_missing_package_is_named_with_what_to_do(monkeypatch, package):
    ours = ("pipeline.mailbox.ews", f"{package}.")
    for name in [name for name in sys.modules if name.startswith(ours)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MailboxRefused, match=rf"{package}.*pip install 'secas-cpl-pipeline\[ews\]'"):
        open_mailbox(settings())


def test_exchangelib_is_not_imported_for_another_kind():
    program = (
        "import sys; from pipeline.mailbox import MaildirSettings, open_mailbox; open_mailbox(MaildirSettings('x')); "
        "sys.exit('exchangelib' in sys.modules or 'requests' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


class _Dripping:
    """As much of a response as its body needs: one octet every ten seconds."""

    def __init__(self, octets, headers):
        self.now = 0.0
        self.headers = headers
        self.raw = SimpleNamespace(stream=self._stream)
        self._octets = octets

    def _stream(self, amount, decode_content):
        for _ in range(self._octets):
            self.now += 10.0
            yield b"x"


def test_an_answer_that_drips_is_given_up_in_time():
    response = _Dripping(99, {"Content-Length": "99"})
    session = _Session(settings(timeout_seconds=30.0), lambda: response.now)
    session.limit = 1_000
    with pytest.raises(MailboxUnavailable, match="not whole in time"):
        list(session._pieces(response))
    assert response.now == 310.0
    session.close()


def test_an_answer_is_read_only_as_far_as_it_may_go():
    session = _Session(settings(), lambda: 0.0)
    response = _Dripping(3, {"Transfer-Encoding": "chunked"})
    session.limit = 3
    assert list(session._pieces(response)) == [b"x"] * 3
    session.limit = 2
    with pytest.raises(AnswerTooLong) as refused:
        list(session._pieces(response))
    assert refused.value.size == 3
    session.close()
