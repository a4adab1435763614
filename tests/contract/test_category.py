"""The category of a filed mail on Exchange and Microsoft 365: added to those of people, last, and only once."""

import dataclasses
import hashlib

import pytest

from pipeline.mailbox.port import Filed, MailboxUnavailable, Ref
from tests.contract.graph_state import Reply

TARGET = "Processed"
RAW = b"Subject: 1\r\nMessage-ID: <1@b.example>\r\n\r\nbody\r\n"


@pytest.fixture(params=["graph", "ews"])
def stand(request):
    return request.getfixturevalue(request.param)


def held(stand, *categories):
    """A mail in the inbox that people gave these categories."""
    stand.deliver(RAW)
    (item,) = stand.state.inside(stand.state.place("inbox"))
    item.categories = list(categories)
    return item


def file(mailbox, uid):
    return mailbox.file_away(Ref("inbox", "immutable", uid), hashlib.sha256(RAW).hexdigest(), "<1@b.example>", TARGET)


def is_categorising(asked):
    """Whether a request gives categories, on either server."""
    octets = asked.body if isinstance(asked.body, bytes) else b"".join(map(str.encode, asked.body.itertext()))
    return asked.name.startswith(("PATCH", "UpdateItem")) and b"CPL" in octets


def once_at_the_category(action):
    done = []

    def plan(asked, do):
        if done or not is_categorising(asked):
            return None
        done.append(True)
        return action(do)

    return plan


@pytest.mark.parametrize("before", [[], ["Rot"], ["Wichtig", "cplx", "Größe"]])
def test_a_filed_mail_gets_the_category_beside_those_it_has(stand, before):
    item = held(stand, *before)
    assert file(stand.mailbox(), item.id) is Filed.DONE
    assert item.categories == [*before, "CPL"]


@pytest.mark.parametrize("known", ["CPL", "cpl"])
def test_a_mail_that_has_the_category_is_not_changed(stand, known):
    item = held(stand, "Rot", known)
    file(stand.mailbox(), item.id)
    assert item.categories == ["Rot", known]
    assert not any(map(is_categorising, stand.state.asked))


def test_another_category_may_be_named_and_none(stand):
    item = held(stand)
    file(stand.mailbox(category="Erledigt & gut"), item.id)
    assert item.categories == ["Erledigt & gut"]
    other = held(stand, "Rot")
    file(stand.mailbox(category=""), other.id)
    assert other.categories == ["Rot"]


def test_a_category_that_a_person_gives_at_the_same_moment_stays(stand):
    item = held(stand, "Rot")

    def person(do):
        item.categories.append("Dringend")
        item.version += 1
        return do()

    stand.state.plans = [once_at_the_category(person)]
    mailbox = stand.mailbox()
    with pytest.raises(MailboxUnavailable, match="Conflict"):
        file(mailbox, item.id)
    assert item.categories == ["Rot", "Dringend"]
    assert file(mailbox, item.id) is Filed.ALREADY
    assert item.categories == ["Rot", "Dringend", "CPL"]


@pytest.mark.parametrize("done", [False, True])
def test_a_worker_that_died_before_the_category_has_the_next_one_give_it(stand, done):
    item = held(stand, "Rot")
    stand.state.plans = [once_at_the_category(lambda do: dataclasses.replace(do() if done else Reply(200), cut=0))]
    old = item.id
    with pytest.raises(MailboxUnavailable):
        file(stand.mailbox(), old)
    assert [one.flags for one in stand.held(TARGET)] == [{"seen"}]
    assert file(stand.mailbox(), old) is Filed.ALREADY
    assert item.categories == ["Rot", "CPL"]


def test_a_filed_mail_that_a_person_takes_away_at_once_is_filed_all_the_same(stand):
    item = held(stand)

    def gone(do):
        del stand.state.items[item.id]
        return do()

    stand.state.plans = [once_at_the_category(gone)]
    assert file(stand.mailbox(), item.id) is Filed.DONE


@pytest.mark.parametrize("name", ["a,b", "a;b", " a", "a\nb", "x" * 256])
def test_what_cannot_be_a_category_is_refused(stand, name):
    with pytest.raises(ValueError, match="no name of a category"):
        stand.settings(category=name)
