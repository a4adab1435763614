import shutil
from dataclasses import dataclass, field

import msgspec
import pytest

from pipeline import desk, releasing
from pipeline.config import NoticesConfig, SmtpConfig
from pipeline.dispatch import Dispatch
from pipeline.domain.judgement import Outcome as Word
from pipeline.ledger.records import EffectState
from pipeline.outbox import Outcome, Sent, Unusable
from pipeline.promises import Round
from tests.office import HELPDESK, Remembering, a_helpdesk, good_submission

READERS = Remembering()
LIST, DCC = "list@cpl.example", "csv@dcc.example"


@dataclass
class Server:
    """A Transport that answers as it is told, one answer a mail; then it takes everything."""

    answers: list[Outcome] = field(default_factory=list)
    sent: list[tuple[str, str, bytes]] = field(default_factory=list)
    died: bool = False
    name: str = "server"
    visits: int = 0

    def __call__(self):
        self.visits += 1
        return self

    def send(self, raw, *, sender, recipient):
        self.sent.append((sender, recipient, raw))
        if self.died:
            raise KeyboardInterrupt
        return Sent(self.answers.pop(0) if self.answers else Outcome.TAKEN, "said", 250)

    def describe(self):
        return ()

    def close(self):
        pass


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """A Release of one submission whose two notices are to be sent; nothing is sent yet. Copied for each test."""
    folder = tmp_path_factory.mktemp("committed")
    with a_helpdesk(folder) as helpdesk:
        office = helpdesk.office
        office.config = sending(office.config)
        helpdesk.deliver(good_submission())
        helpdesk.round()
        desk.decide_by_hand(office, "CPL-2026-00001", Word.ACCEPT, why="well", by="Ada")
        releasing.commit(office, releasing.prepare(office, releasing.planned(office)), by="Ada")
    return folder


def sending(config, unsure="hold"):
    notices = NoticesConfig(send=True, list_address=LIST, dcc=(DCC,))
    return msgspec.structs.replace(config, notices=notices, smtp=SmtpConfig("mail.example", unsure=unsure))


@pytest.fixture
def helpdesk(tmp_path, committed):
    shutil.copytree(committed, tmp_path, dirs_exist_ok=True)
    with a_helpdesk(tmp_path, readers=READERS, with_cpl=False) as found:
        found.office.config = sending(found.office.config)
        yield found


@pytest.fixture
def fresh(tmp_path):
    with a_helpdesk(tmp_path, readers=READERS) as found:
        yield found


def released(helpdesk, unsure="hold"):
    helpdesk.office.config = sending(helpdesk.office.config, unsure)


def keeps(helpdesk, server, owner="one"):
    done = Round()
    Dispatch(helpdesk.office, server, lambda *_: None, lambda: False, owner).keep(done)
    return done


def states(helpdesk):
    return [e.state for e in helpdesk.office.ledger.effects_of_release("3.001") if e.kind == "send"]


def test_notices_are_sent_once_each(helpdesk):
    server = Server()
    done = keeps(helpdesk, server)
    assert (done.shelved, done.sent) == (1, 2)
    assert [(sender, to) for sender, to, _ in server.sent] == [(HELPDESK, LIST), (HELPDESK, DCC)]
    assert keeps(helpdesk, server).sent == 0
    assert (len(server.sent), server.visits) == (2, 1)
    assert states(helpdesk) == [EffectState.DONE] * 2


def test_nothing_is_sent_before_the_files_stand(helpdesk, monkeypatch):
    monkeypatch.setattr(Dispatch, "_shelve", lambda *_: None)
    server = Server()
    assert keeps(helpdesk, server).sent == 0
    assert server.visits == 0


def test_without_a_server_they_wait(helpdesk):
    assert keeps(helpdesk, None).sent == 0
    assert states(helpdesk) == [EffectState.PENDING] * 2
    assert keeps(helpdesk, Server()).sent == 2


def test_a_later_is_tried_again_and_a_no_is_held(helpdesk):
    server = Server([Outcome.LATER, Outcome.REFUSED])
    keeps(helpdesk, server)
    assert states(helpdesk) == [EffectState.PENDING, EffectState.HELD]
    assert keeps(helpdesk, server).sent == 0
    helpdesk.clock.passes(hours=1)
    assert keeps(helpdesk, server).sent == 1
    assert [to for _, to, _ in server.sent] == [LIST, DCC, LIST]


def test_a_server_that_cannot_be_used_ends_the_round(helpdesk):
    server = Server([Outcome.UNUSABLE])
    keeps(helpdesk, server)
    assert len(server.sent) == 1
    assert states(helpdesk) == [EffectState.PENDING] * 2


def test_wrong_settings_leave_it_promised(helpdesk):
    assert keeps(helpdesk, lambda: Unusable("smtp: set password_file or password_env")).sent == 0
    (first, _) = [e for e in helpdesk.office.ledger.effects_of_release("3.001") if e.kind == "send"]
    assert (first.state, first.error) == (EffectState.PENDING, "smtp: set password_file or password_env")


@pytest.mark.parametrize(("unsure", "state"), [("hold", EffectState.UNKNOWN), ("resend", EffectState.PENDING)])
def test_what_may_have_been_taken(helpdesk, unsure, state):
    released(helpdesk, unsure)
    done = keeps(helpdesk, Server([Outcome.UNKNOWN]))
    assert (states(helpdesk), done.unsure) == ([state, EffectState.DONE], unsure == "hold")


@pytest.mark.parametrize(("unsure", "times"), [("hold", 1), ("resend", 2)])
def test_who_dies_while_sending_does_not_send_again(helpdesk, unsure, times):
    released(helpdesk, unsure)
    with pytest.raises(KeyboardInterrupt):
        keeps(helpdesk, Server(died=True))
    assert states(helpdesk)[0] is EffectState.SENDING
    server = Server()
    done = keeps(helpdesk, server, "two")
    assert [to for _, to, _ in server.sent].count(LIST) == times - 1
    assert done.unsure == (1 if unsure == "hold" else 0)


def test_two_at_once_send_it_once(helpdesk):
    office = helpdesk.office
    assert office.ledger.lease("dispatch", "another", office.now(), 900)
    server = Server()
    assert keeps(helpdesk, server).sent == 0
    helpdesk.clock.passes(minutes=16)
    assert keeps(helpdesk, server).sent == 2


def test_bytes_that_are_gone_are_held(helpdesk):
    office = helpdesk.office
    (first, _) = [e for e in office.ledger.effects_of_release("3.001") if e.kind == "send"]
    for file in (office.config.data / "artefacts").rglob(f"*{first.payload['artefact'][2:]}*"):
        file.unlink()
    assert keeps(helpdesk, Server()).sent == 1
    assert states(helpdesk) == [EffectState.HELD, EffectState.DONE]


def test_the_worker_sends_after_it_has_judged(helpdesk):
    server = Server()
    done = helpdesk.worker(transport=server).run_once()
    assert (done.shelved, done.sent, helpdesk.round().sent) == (1, 2, 0)


def test_notices_that_may_not_be_sent_are_drafts(fresh):
    helpdesk, office = fresh, fresh.office
    office.config = msgspec.structs.replace(office.config, notices=NoticesConfig(list_address=LIST, dcc=(DCC,)))
    helpdesk.deliver(good_submission())
    helpdesk.round()
    desk.decide_by_hand(office, "CPL-2026-00001", Word.ACCEPT, why="well", by="Ada")
    releasing.commit(office, releasing.prepare(office, releasing.planned(office)), by="Ada")
    helpdesk.rounds(2)
    to = [line for raw in helpdesk.drafts for line in raw.decode().splitlines() if line.startswith("To: ")]
    assert to[-2:] == [f"To: {LIST}", f"To: {DCC}"]
