"""Settings that cannot be meant, and servers that misbehave: each ends in one of the port's two exceptions."""

import base64

import pytest

from pipeline.mailbox.imap import Imap
from pipeline.mailbox.imap_session import ImapSettings, Tls
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable, Ref
from pipeline.mailbox.trouble import LoginRefused

WORD = "s3cret word"
REF = Ref("INBOX", "7", "1")


def settings(**changes):
    return ImapSettings(**({"host": "127.0.0.1", "user": "desk", "password": WORD, "tls": Tls.NONE} | changes))


@pytest.fixture
def mailbox(scripted, request):
    """Open a mailbox on a scripted server; closed when the test ends."""

    def make(answers=None, **changes):
        greeting = {"greeting": changes.pop("greeting")} if "greeting" in changes else {}
        server = scripted(answers, **greeting)
        made = Imap(settings(port=server.port, timeout_seconds=changes.pop("timeout_seconds", 10), **changes))
        request.addfinalizer(made.close)
        return made, server

    return make


@pytest.mark.parametrize("host", ["mail.example", "192.0.2.1", "127.0.0.1.mail.example"])
def test_an_open_line_to_another_machine_is_refused(host):
    with pytest.raises(ValueError, match="only for a server on this machine"):
        settings(host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_an_open_line_on_this_machine_is_allowed(host):
    assert settings(host=host).host == host


@pytest.mark.parametrize("changes", [{"password": f"{WORD}\n"}, {"user": "a\r\nb"}, {"user": ""}, {"password": ""}])
def test_a_line_end_in_a_secret_is_refused_without_showing_it(changes):
    with pytest.raises(ValueError, match="line end") as refused:
        settings(**changes)
    assert WORD not in str(refused.value)


def test_the_password_is_not_in_the_settings_text():
    assert WORD not in repr(settings())


def test_the_name_is_the_account_without_the_password():
    assert Imap(settings(host="localhost", user="desk@mail.example")).name == "imap:desk@mail.example@localhost"


def test_the_password_goes_out_as_sasl_plain_in_any_characters(mailbox):
    made, server = mailbox({b"FETCH": b"%s OK done\r\n"}, password="päss")  # noqa: S106 - the scripted server's
    made.unread()
    assert base64.b64encode("\0desk\0päss".encode()) + b"\r\n" in server.heard


OLD = b"* OK [CAPABILITY IMAP4rev1] ready\r\n"
OLD_CAPABILITY = b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n"


def test_a_server_without_sasl_plain_gets_a_quoted_login(mailbox):
    answers = {b"CAPABILITY": OLD_CAPABILITY, b"FETCH": b"%s OK done\r\n"}
    made, server = mailbox(answers, greeting=OLD, user='help "desk\\')
    made.unread()
    assert any(line.endswith(b'LOGIN "help \\"desk\\\\" "s3cret word"\r\n') for line in server.heard)


@pytest.mark.parametrize(
    ("capability", "word", "text"),
    [(b"IMAP4rev1 LOGINDISABLED", WORD, "takes no password"), (b"IMAP4rev1", "päss", "ASCII passwords only")],
)
def test_a_server_that_cannot_take_the_password_is_never_told_it(mailbox, capability, word, text):
    answers = {b"CAPABILITY": b"* CAPABILITY " + capability + b"\r\n%s OK done\r\n"}
    made, server = mailbox(answers, greeting=OLD, password=word)
    with pytest.raises(MailboxRefused, match=text):
        made.unread()
    assert not [line for line in server.heard if b"LOGIN" in line or b"AUTH" in line]


@pytest.mark.parametrize("greeting", [OLD, b"* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n"])
def test_a_line_that_cannot_be_made_safe_is_not_used(mailbox, greeting):
    made, server = mailbox({b"CAPABILITY": OLD_CAPABILITY}, greeting=greeting, tls=Tls.STARTTLS)
    with pytest.raises(MailboxRefused):
        made.unread()
    assert not [line for line in server.heard if b"LOGIN" in line or b"AUTH" in line]


def test_a_server_that_does_not_speak_tls_is_unavailable(mailbox):
    made, _ = mailbox(tls=Tls.IMPLICIT)
    with pytest.raises(MailboxUnavailable, match="connection failed"):
        made.unread()


def test_nobody_listening_is_unavailable(scripted):
    server = scripted()
    server.stop()
    with pytest.raises(MailboxUnavailable, match="refused"):
        Imap(settings(port=server.port)).unread()


def test_the_servers_words_are_told_on_one_line_without_the_password(mailbox):
    words = b"%s NO [AUTHENTICATIONFAILED] no entry for s3cret word\x07" + b"x" * 900 + b"\r\n"
    made, _ = mailbox({b"LOGIN": words})
    with pytest.raises(MailboxRefused, match=r"no entry for \*\*\*") as refused:
        made.unread()
    assert len(str(refused.value)) < 450
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "words",
    [b"[UNAVAILABLE] the directory is down", b"[INUSE] locked", b"Request is throttled. Backoff: 9 ms"],
)
def test_a_busy_server_is_unavailable(mailbox, words):
    made, _ = mailbox({b"LOGIN": b"%s NO " + words + b"\r\n"})
    with pytest.raises(MailboxUnavailable, match="busy"):
        made.unread()


def test_a_line_cut_during_the_login_is_no_refusal(mailbox):
    made, server = mailbox()
    server.login_answers = [None]
    with pytest.raises(MailboxUnavailable, match="connection failed"):
        made.unread()


def test_a_login_that_is_refused_is_told_apart(mailbox):
    made, _ = mailbox({b"LOGIN": b"%s NO [AUTHENTICATIONFAILED] no\r\n"})
    with pytest.raises(LoginRefused, match="could not log in: the server said"):
        made.unread()


def test_a_mail_expunged_while_it_is_read_is_no_lasting_refusal(mailbox):
    made, _ = mailbox({b"FETCH": b"%s NO [EXPUNGEISSUED] some mails are gone\r\n"})
    with pytest.raises(MailboxUnavailable):
        made.fetch(REF)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"* 1 FETCH (UID 1 BODY[]<0> {50}\r\nonly this",
        b"* 1 FETCH (UID 1 BODY[]<0>\r\n%s OK done\r\n",
        b"* 1 FETCH (UID one BODY[]<0> x)\r\n%s OK done\r\n",
        b"* 1 FETCH (UID 1 BODY[]<0> {5}\r\nhello\r\n%s OK done\r\n",
        b"* 1 FETCH (UID 1 BODY[]<0> (a b))\r\n%s OK done\r\n",
        b"* 1 FETCH " + b"(" * 20_000 + b"\r\n%s OK done\r\n",
        b"* 1 FETCH (UID 1 BODY[]<0> {99999999999999999999}\r\n%s OK done\r\n",
        b"garbage\r\n%s OK done\r\n",
        b"* BYE shutting down\r\n",
    ],
    ids=["closed", "cut", "open", "no-uid", "no-end", "not-text", "deep", "vast", "garbage", "bye"],
)
def test_a_garbled_answer_is_unavailable_and_the_next_visit_connects_anew(mailbox, answer):
    made, server = mailbox({b"FETCH": answer}, timeout_seconds=0.3)
    for _ in range(2):
        with pytest.raises(MailboxUnavailable):
            made.fetch(REF)
    assert sum(b"AUTHENTICATE" in line for line in server.heard) == 2


def test_an_answer_longer_than_can_be_read_needs_a_person(mailbox):
    made, _ = mailbox({b"SEARCH": b"* SEARCH" + b" 4000000000" * 100_000 + b"\r\n%s OK done\r\n"})
    with pytest.raises(MailboxRefused, match="more than 1000000 bytes"):
        made.unread()


def test_closing_never_raises_and_never_waits_long(mailbox):
    made, _ = mailbox({b"FETCH": b"%s OK done\r\n", b"LOGOUT": b"* OK still here\r\n"}, timeout_seconds=0.2)
    made.unread()
    made.close()
    made.close()


def test_another_way_to_log_in_is_another_function(scripted):
    server = scripted({b"FETCH": b"%s OK done\r\n"})
    asked = []

    def login(client, used):
        asked.append(used.user)
        client.plain_login(used.user, "a token")

    made = Imap(settings(port=server.port), login=login)
    made.unread()
    made.close()
    assert asked == ["desk"]
    assert base64.b64encode(b"\0desk\0a token") + b"\r\n" in server.heard


def test_sizes_are_asked_for_in_batches_that_fit_a_line(mailbox):
    found = b" ".join(str(uid).encode() for uid in range(4_000_000_000, 4_000_001_200))
    made, server = mailbox({b"SEARCH": b"* SEARCH " + found + b"\r\n%s OK done\r\n", b"FETCH": b"%s OK done\r\n"})
    assert list(made.unread()) == []
    asked = [line for line in server.heard if b"FETCH" in line]
    assert len(asked) == 3
    assert max(map(len, asked)) < 8_192


def test_a_size_is_asked_for_once_and_again_when_the_server_numbers_its_mails_anew(mailbox):
    made, server = mailbox({b"FETCH": b"* 1 FETCH (UID 1 RFC822.SIZE 10)\r\n%s OK done\r\n"})
    assert [one.size for one in made.unread()] == [one.size for one in made.unread()] == [10]
    assert sum(b"FETCH" in line for line in server.heard) == 1
    server._answers[b"EXAMINE"] = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 8] .\r\n%s OK done\r\n"
    server._answers[b"FETCH"] = b"* 1 FETCH (UID 1 RFC822.SIZE 20)\r\n%s OK done\r\n"
    assert [(one.size, one.ref.generation) for one in made.unread()] == [(20, "8")]


@pytest.mark.parametrize("namespace", [b"NIL NIL NIL", b'(("" "/")) NIL NIL', b'(("" NIL)) NIL NIL'])
def test_folders_are_placed_whatever_the_namespace_says(mailbox, namespace):
    answers = {
        b"LOGIN": b"%s OK [CAPABILITY IMAP4rev1 NAMESPACE] in\r\n",
        b"NAMESPACE": b"* NAMESPACE " + namespace + b"\r\n%s OK done\r\n",
        b"LIST": b'* LIST (\\Noselect) "/" Archive\r\n* LIST () "/" INBOX\r\n* LIST () "/" 2026\r\n%s OK done\r\n',
        b"STATUS": b"* STATUS INBOX (MESSAGES 3 UNSEEN 2)\r\n%s OK done\r\n",
    }
    made, _ = mailbox(answers)
    text = "\n".join(made.describe())
    assert "folders: 2026, INBOX" in text
    assert "drafts folder 'Drafts' is made with the first draft" in text
    assert "sent mails: no folder of them, so replies are not seen" in text
    assert "connection: unprotected" in text


def test_mails_fetched_in_a_row_select_their_folder_once(mailbox):
    made, server = mailbox({b"FETCH": b"* 1 FETCH (UID 1 RFC822.SIZE 2 BODY[]<0> {2}\r\nab)\r\n%s OK done\r\n"})
    ref = Ref("INBOX", "7", "1")
    assert [made.fetch(ref) for _ in range(3)] == [b"ab"] * 3
    assert sum(b"EXAMINE" in line for line in server.heard) == 1
    made.unread()
    made.fetch(ref)
    assert sum(b"EXAMINE" in line for line in server.heard) == 3
    made.close()
    made.fetch(ref)
    assert sum(b"EXAMINE" in line for line in server.heard) == 4
