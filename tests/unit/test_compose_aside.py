"""The note beside a mail that was set aside: its words, and that nothing of the mail can bend it."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import settings as effort
from syrupy.assertion import SnapshotAssertion

from pipeline.compose.aside import SetAside, aside_note, aside_samples
from pipeline.compose.samples import NOW
from pipeline.domain.draft import Draft
from tests.mails import HOSTILE, SENDER, TEMPLATES, check_straight, same_as_golden

SAMPLES = dict(aside_samples("0123456789ab"))


def note(told: SetAside, seed: str = "aside:1") -> Draft:
    return aside_note(told, seed, sender=SENDER, now=NOW, templates=TEMPLATES)


@pytest.mark.parametrize("label", sorted(SAMPLES))
def test_note(label: str, snapshot: SnapshotAssertion) -> None:
    draft = note(SAMPLES[label])
    same_as_golden(draft, snapshot)
    check_straight(draft)


def test_the_same_promise_is_the_same_note_and_another_is_another() -> None:
    told = SAMPLES["a mail that was moved"]
    assert note(told) == note(told)
    assert note(told).message_id != note(told, "aside:2").message_id


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        aside_note(
            SAMPLES["a mail that stays"],
            "seed",
            sender=SENDER,
            now=datetime(2026, 11, 21),  # noqa: DTZ001 - what it is about
            templates=TEMPLATES,
        )


@effort(max_examples=60)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_of_a_mail_bends_its_note(subject: str, why: str, folder: str) -> None:
    check_straight(note(replace(SAMPLES["a mail that was moved"], subject=subject, why=why, folder=folder)))
