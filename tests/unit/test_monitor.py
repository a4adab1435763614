"""Seen from outside: when the worker is well, what its figures are, and that nobody's name stands in them."""

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from pipeline import __version__
from pipeline.config import GraphConfig, MonitorConfig
from pipeline.demo.mail import mail
from pipeline.fetch import NotFetched
from pipeline.ledger.errors import LedgerBusy
from pipeline.ledger.records import Arrival, NewEffect
from pipeline.mailbox.port import MailboxUnavailable
from pipeline.monitor import Figures, Pinger, Rounds, TokenEnds, room
from pipeline.monitor.expiry import expiries
from pipeline.office import stamp
from pipeline.promises import Round
from tests.office import NOW, Clock, Troubled, a_helpdesk, an_office, settings

BOX = "imap:jo.bloggs@mail.example"
PING = "http://watch.example/secret"
SAMPLE = re.compile(r'(cpl_[a-z_]+)(\{([a-z]+="[\w.+-]*",?)+\})? (-?[0-9.e+]+)')


class Ticks:
    """Seconds that go up when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def office(tmp_path):
    with an_office(settings(tmp_path)) as found:
        yield found


def polled(office, *, ok=True, text="3 unread, 1 new"):
    office.ledger.note_poll(BOX, office.now(), ok, text)


def arrived(office):
    office.ledger.arrive(Arrival(BOX, "INBOX", "1", "7", "ab" * 32, 10, office.now()))


def promised(office):
    office.ledger.promise((NewEffect("send:<1@secas>", "send", {"to": "jo@maker.example"}),), office.now())


def reasons(office, rounds=None):
    well, text = Figures(office, rounds or Rounds()).health()
    told = json.loads(text)
    assert text.endswith("}\n")
    assert text.count("\n") == 1
    assert told["healthy"] is well is (not told["reasons"])
    return told["reasons"]


def samples(text):
    """The samples of a page of metrics, which must be in Prometheus' text format to the letter."""
    found, described = {}, {}
    assert text.endswith("\n")
    for line in text.splitlines():
        if about := re.fullmatch(r"# (HELP|TYPE) (cpl_[a-z_]+) (\S.*)", line):
            assert about[1] == "HELP" or about[3] in {"gauge", "counter", "summary"}
            described.setdefault(about[2], []).append(about[1])
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        name = f"{sample[1]}{sample[2] or ''}"
        assert name not in found
        assert sample[1] in described or re.sub("_(sum|count)$", "", sample[1]) in described
        found[name] = float(sample[4])
    assert all(order == ["HELP", "TYPE"] for order in described.values())
    return found


def metrics(office, rounds=None):
    return samples(Figures(office, rounds or Rounds()).metrics())


# ---- when the worker is well


def test_a_worker_that_never_read_its_mailbox_is_not_well(office):
    assert reasons(office) == ["the mailbox was never read yet"]
    polled(office, ok=False)
    assert reasons(office) == ["the mailbox was never read yet"]


def test_a_good_poll_is_good_for_as_long_as_the_settings_say(office):
    polled(office)
    assert reasons(office) == []
    office.clock.passes(seconds=900)
    polled(office, ok=False, text="away")
    assert reasons(office) == []
    office.clock.passes(seconds=1)
    assert reasons(office) == ["the mailbox was last read 901 s ago"]
    limits = MonitorConfig(unhealthy_after_seconds=1000)
    office.config = msgspec.structs.replace(office.config, monitor=limits)
    assert reasons(office) == []


def test_a_poll_in_the_time_to_come_is_none_that_was_good(office):
    office.clock.passes(days=365)
    polled(office)
    office.clock.passes(days=-365)
    assert reasons(office) == ["the mailbox was last read 31536000 s from now: the clock was set back"]
    polled(office)
    assert reasons(office) == []


def test_a_disk_without_room_is_a_reason_and_a_figure(office, monkeypatch):
    polled(office)
    free = metrics(office)["cpl_disk_free_bytes"]
    assert free > 0
    monkeypatch.setattr(room, "LEAST_OCTETS", free * 2)
    (reason,) = reasons(office)
    assert "free space on it" in reason
    assert str(office.config.data) in reason
    monkeypatch.setattr(room.os, "statvfs", lambda _: _away())
    assert reasons(office) == []  # nobody can say: what fails for it will
    assert "cpl_disk_free_bytes" not in metrics(office)


def _away():
    raise OSError("away")


def test_a_mailbox_of_former_settings_is_no_reason(office):
    office.ledger.note_poll("maildir:former", office.now(), True, "")
    office.clock.passes(days=9)
    polled(office)
    assert reasons(office) == []


def test_a_mail_that_nobody_judges_is_a_reason(office):
    arrived(office)
    office.clock.passes(seconds=901)
    polled(office)
    assert reasons(office) == ["a mail has waited 901 s to be judged"]


def test_a_promise_that_nobody_keeps_is_a_reason_after_an_hour(office):
    promised(office)
    office.clock.passes(seconds=3600)
    polled(office)
    assert reasons(office) == []
    office.clock.passes(seconds=1)
    polled(office)
    assert reasons(office) == ["a promise has waited 3601 s to be kept"]


def test_what_waits_for_a_person_is_counted_and_no_reason(office):
    arrived(office)
    promised(office)
    office.ledger.set_aside("ab" * 32, office.now(), "too large")
    office.ledger.effect_failed("send:<1@secas>", office.now(), "550 jo@maker.example unknown", None)
    office.clock.passes(days=3)
    polled(office)
    assert reasons(office) == []
    told = json.loads(Figures(office, Rounds()).health()[1])
    assert (told["held"], told["set_aside"], told["backlog"]) == (1, 1, 0)


def test_a_round_that_hangs_is_a_reason(office):
    ticks = Ticks()
    rounds = Rounds(ticks)
    said = []

    def work():
        for ticks.now in (900.0, 901.0):
            said.append(reasons(office, rounds))
        return Round()

    polled(office)
    rounds.watched(work)()
    assert said == [[], ["the round at hand has taken 901 s"]]
    assert reasons(office, rounds) == []


def test_a_ledger_that_is_away_is_told_without_its_address(office, tmp_path):
    polled(office)
    office.ledger.close()
    for file in (tmp_path / "data").glob("ledger.sqlite*"):
        file.write_bytes(b"no database" * 1000)
    assert reasons(office) == ["the ledger cannot be read: see the log, and 'pipeline doctor'"]
    found = metrics(office)
    assert found["cpl_ledger_readable"] == 0
    assert "cpl_outbox_backlog" not in found
    assert found['cpl_rounds_total{outcome="done"}'] == 0


def test_a_ledger_that_answers_nobody_keeps_nobody_waiting_for_ever(office, monkeypatch):
    monkeypatch.setattr("pipeline.monitor.figures._PATIENCE", 0.01)
    figures = Figures(office, Rounds())
    asked = []

    def hangs(_):
        asked.append(figures.health())  # the next one asks while this one has no answer yet
        raise LedgerBusy("busy")

    monkeypatch.setattr(office.ledger, "health", hangs)
    begun = time.monotonic()
    assert not figures.health()[0]
    assert time.monotonic() - begun < 20
    assert len(asked) == 1
    assert not asked[0][0]


# ---- the figures


def test_every_figure_of_the_ledger(office):
    arrived(office)
    promised(office)
    office.clock.passes(seconds=60)
    polled(office)
    office.ledger.arrive(Arrival(BOX, "INBOX", "1", "8", "cd" * 32, 10, office.now()))
    office.ledger.arrive(Arrival(BOX, "INBOX", "1", "9", "ef" * 32, 10, office.now()))
    office.ledger.set_aside("ef" * 32, office.now(), "too large")
    found = metrics(office)
    rules = office.rules.fingerprint[:12]
    assert found[f'cpl_build_info{{version="{__version__}",rules="{rules}"}}'] == 1
    assert found["cpl_ledger_readable"] == 1
    assert found["cpl_last_good_poll_timestamp_seconds"] == NOW.timestamp() + 60
    assert found["cpl_mails_unhandled"] == 2
    assert found["cpl_oldest_unhandled_mail_age_seconds"] == 60
    assert (found["cpl_outbox_backlog"], found["cpl_outbox_oldest_age_seconds"]) == (1, 60)
    assert (found["cpl_promises_held"], found["cpl_mails_set_aside"]) == (0, 1)


def test_figures_of_an_empty_ledger_are_there_and_zero(office):
    found = metrics(office)
    assert found["cpl_last_good_poll_timestamp_seconds"] == 0
    assert found['cpl_work_total{what="drafted"}'] == 0
    assert sum(found.values()) - found["cpl_disk_free_bytes"] == 2  # build_info and ledger_readable


def test_rounds_are_timed_and_added_up(office):
    ticks, running = Ticks(), []
    rounds = Rounds(ticks)

    def work(seconds, result):
        def one():
            ticks.now += seconds
            running.append(metrics(office, rounds)["cpl_round_running_seconds"])
            if isinstance(result, Exception):
                raise result
            return result

        return one

    rounds.watched(work(2, Round(fetched=3, drafted=1, unreachable="away")))()
    rounds.watched(work(5, Round(fetched=1)))()
    with pytest.raises(KeyError):
        rounds.watched(work(11, KeyError("x")))()
    found = metrics(office, rounds)
    assert running == [2, 5, 11]
    assert found["cpl_round_running_seconds"] == 0
    assert (found['cpl_work_total{what="fetched"}'], found['cpl_work_total{what="drafted"}']) == (4, 1)
    assert (found['cpl_rounds_total{outcome="done"}'], found['cpl_rounds_total{outcome="failed"}']) == (2, 1)
    assert (found["cpl_round_duration_seconds_sum"], found["cpl_round_duration_seconds_count"]) == (18, 3)
    assert found["cpl_last_round_duration_seconds"] == 11


def test_nobody_and_no_mail_is_named(tmp_path):
    with a_helpdesk(tmp_path) as helpdesk:
        helpdesk.deliver(mail("Zzyzx holiday plans", "From jo.bloggs@maker.example\n", NOW))
        rounds = Rounds()
        rounds.watched(helpdesk.worker().run_once)()
        office = helpdesk.office
        polled(office, text="jo.bloggs@maker.example Zzyzx")
        promised(office)
        office.ledger.effect_failed("send:<1@secas>", office.now(), "550 <jo.bloggs@maker.example> Zzyzx", None)
        told = Figures(office, rounds).metrics() + Figures(office, rounds).health()[1]
        found = metrics(office, rounds)
        assert (found['cpl_work_total{what="concluded"}'], found['cpl_mails_concluded{kind="not-ours"}']) == (1, 1)
    assert not re.search(r"@|Zzyzx|bloggs|maker|mail\.example", told)


def certificate(days):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jo.bloggs")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(days)
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(pem, *plain) + made.sign(key, hashes.SHA256()).public_bytes(pem)


def test_the_end_of_the_certificate_that_logs_in(office, tmp_path):
    end = datetime(2027, 5, 6, tzinfo=UTC)
    file = tmp_path / "login.pem"
    box = GraphConfig(tenant="t", client_id="c", user="u", certificate_file=file)
    office.config = msgspec.structs.replace(office.config, mailbox=box)
    name = 'cpl_login_certificate_expiry_timestamp_seconds{account="mailbox"}'
    assert name not in metrics(office)
    file.write_bytes(b"no certificate")
    assert name not in metrics(office)
    file.write_bytes(certificate(end))
    assert metrics(office)[name] == end.timestamp()
    file.write_bytes(certificate(end) + certificate(datetime(2027, 1, 1, tzinfo=UTC)))
    assert list(expiries(office.config)) == [("mailbox", datetime(2027, 1, 1, tzinfo=UTC))]


def test_the_end_of_the_token_that_logs_in_is_told_once_there_is_one(office):
    ends = TokenEnds(office.clock)
    figures = Figures(office, Rounds(), ends)
    assert "cpl_login_token" not in figures.metrics()
    ends.of("smtp")(7_200)
    for seconds in (3_599, 600):
        ends.of("mailbox")(seconds)
        found = samples(figures.metrics())
        assert found['cpl_login_token_expiry_timestamp_seconds{account="mailbox"}'] == NOW.timestamp() + seconds
        assert found['cpl_login_token_expiry_timestamp_seconds{account="smtp"}'] == NOW.timestamp() + 7_200


def test_every_metric_is_told_of_in_the_documentation(office, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "operations" / "run.md").read_text("utf-8")
    (tmp_path / "login.pem").write_bytes(certificate(NOW))
    box = GraphConfig(tenant="t", client_id="c", user="u", certificate_file=tmp_path / "login.pem")
    office.config = msgspec.structs.replace(office.config, mailbox=box)
    ends = TokenEnds(office.clock)
    ends.of("mailbox")(3_599)
    told = re.findall(r"^# TYPE (\S+)", Figures(office, Rounds(), ends).metrics(), re.MULTILINE)
    assert set(told) == set(re.findall(r"\bcpl_[a-z_]+[a-z]", page)) - {"cpl_round_duration_seconds_sum"}


# ---- the ping


def pings(helpdesk, work, *, fails=None):
    """Do a round; return what was asked for in it."""
    asked = []

    def ask(address):
        asked.append(address)
        if fails:
            raise fails

    Pinger(helpdesk.office, PING, ask).after(work)()
    return asked


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path) as found:
        yield found


def test_a_good_poll_is_followed_by_one_ping(helpdesk):
    assert pings(helpdesk, helpdesk.round) == [PING]
    helpdesk.clock.passes(seconds=60.5)
    assert pings(helpdesk, helpdesk.round) == [PING]


def test_a_round_without_a_good_poll_is_not(helpdesk):
    helpdesk.round()
    helpdesk.clock.passes(seconds=60)
    box = helpdesk.box
    helpdesk.visit = lambda: Troubled(box, unread=[MailboxUnavailable("away")])
    assert pings(helpdesk, helpdesk.round) == []
    assert pings(helpdesk, Round) == []


def test_a_round_that_fails_is_not_and_fails_as_before(helpdesk):
    def work():
        polled(helpdesk.office)
        raise LedgerBusy("busy")

    with pytest.raises(LedgerBusy):
        pings(helpdesk, work)


def test_a_ping_that_fails_is_logged_and_does_no_harm(helpdesk, monkeypatch):
    logged = []
    monkeypatch.setattr(
        "pipeline.monitor.ping.log", SimpleNamespace(warning=lambda event, **more: logged.append((event, more)))
    )
    done = Round(fetched=7)

    def work():
        polled(helpdesk.office)
        return done

    def ask(_):
        raise NotFetched("watch.example: it took too long")

    assert Pinger(helpdesk.office, PING, ask).after(work)() is done
    assert logged == [("ping not sent", {"step": "ping", "why": "watch.example: it took too long"})]
    monkeypatch.setattr(helpdesk.office.ledger, "health", lambda _: (_ for _ in ()).throw(LedgerBusy("busy")))
    assert Pinger(helpdesk.office, PING, ask).after(work)() is done
    assert logged[1][1]["error"] == "LedgerBusy"


def test_the_clock_of_a_round_begins_with_its_second(tmp_path):
    """The ledger keeps whole seconds: a poll of the second in which the round began is the round's."""
    clock = Clock(NOW.replace(microsecond=900_000))
    with an_office(settings(tmp_path), clock) as office:
        asked = []

        def work():
            office.ledger.note_poll(BOX, stamp(clock()), True, "")
            return Round()

        Pinger(office, PING, asked.append).after(work)()
    assert asked == [PING]
