"""The layout of a picture of what ends in each month, by kind: where every part and every text stands.

The kinds differ by a letter in every part of a bar and by hatching, so nothing is told by colour alone.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.domain.reminder import ReminderKind
from pipeline.remind.calendar import Calendar, Month

HEIGHT, LEFT, RIGHT = 420, 56, 20
"""Points: of the picture, and of what lies beside its bars."""
COUNT_SIZE = 11

_TOP, _BOTTOM, _STEP, _BAR = 70, 70, 46, 34
_LETTERS = {ReminderKind.EXPIRY: "E", ReminderKind.RENEWAL: "R", ReminderKind.TRIAL: "T"}
_NAMES = {ReminderKind.EXPIRY: "expiry", ReminderKind.RENEWAL: "renewal", ReminderKind.TRIAL: "end of trial"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: its place in points from the left and the top, its kind, and how many certificates it counts."""

    left: float
    top: float
    width: float
    height: float
    kind: ReminderKind
    count: int


@dataclass(frozen=True, slots=True)
class Label:
    """A text. anchor: which point of it stands there, ``start`` or ``middle``; top: its upper edge."""

    left: float
    top: float
    text: str
    anchor: str = "middle"
    size: int = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """What a drawing shows. told: the same in words. lines: the levels of the axis, by their distance from the top."""

    title: str
    told: str
    width: int
    parts: tuple[Part, ...]
    labels: tuple[Label, ...]
    lines: tuple[float, ...]


def picture(calendar: Calendar) -> Picture:
    """Return the layout of a calendar: one bar a month, stacked by kind."""
    counts = [_counted(month) for month in calendar.months]
    highest = max((sum(count.values()) for count in counts), default=0)
    every = max(1, -(-highest // 5))
    levels = range(0, max(highest, 1) + every, every)
    unit = (HEIGHT - _TOP - _BOTTOM) / levels[-1]
    floor = HEIGHT - _BOTTOM
    width = max(560, LEFT + _STEP * len(counts) + RIGHT)
    first, last = calendar.months[0].first, calendar.months[-1].first
    title = f"CPL certificates ending from {first:%m/%Y} to {last:%m/%Y}, as of {calendar.on.isoformat()}"
    bars = tuple(part for place, count in enumerate(counts) for part in _bar(place, count, unit, floor))
    legend = tuple(_legend())
    labels = [Label(12, 10, title, "start", 16)]
    labels += [Label(LEFT - 20, floor - level * unit - 7, str(level)) for level in levels]
    for place, month in enumerate(calendar.months):
        middle = LEFT + place * _STEP + _STEP / 2
        labels.append(Label(middle, floor + 6, _MONTHS[month.first.month - 1]))
        if place == 0 or month.first.month == 1:
            labels.append(Label(middle, floor + 22, str(month.first.year)))
    lines = tuple(floor - level * unit for level in levels)
    labels += [_count(part) for part in bars if part.height >= COUNT_SIZE]
    labels += [label for _, label in legend]
    return Picture(title, _told(calendar, counts), width, (*bars, *(part for part, _ in legend)), tuple(labels), lines)


def _counted(month: Month) -> Counter[ReminderKind]:
    return Counter(row.certificate.kind for row in month.rows)


def _bar(place: int, count: Counter[ReminderKind], unit: float, floor: float) -> Iterator[Part]:
    left = LEFT + place * _STEP + (_STEP - _BAR) / 2
    top = floor
    for kind in ReminderKind:
        if count[kind]:
            height = count[kind] * unit
            top -= height
            yield Part(left, top, _BAR, height, kind, count[kind])


def _legend() -> Iterator[tuple[Part, Label]]:
    left = 12.0
    for kind in ReminderKind:
        text = f"{_LETTERS[kind]}: {_NAMES[kind]}"
        yield Part(left, 38, 18, 18, kind, 0), Label(left + 24, 40, text, "start")
        left += 48 + 7 * len(text)


def _told(calendar: Calendar, counts: list[Counter[ReminderKind]]) -> str:
    months = [
        f"{month.first:%m/%Y}: " + ", ".join(f"{count[kind]} {_NAMES[kind]}" for kind in ReminderKind if count[kind])
        for month, count in zip(calendar.months, counts, strict=True)
        if count
    ]
    gone = len(calendar.expired)
    passed = f" {gone} {'date has' if gone == 1 else 'dates have'} passed." if gone else ""
    return ("; ".join(months) or "nothing ends in these months") + "." + passed


def _count(part: Part) -> Label:
    """Return the letter and the count of a part, for its middle."""
    middle = part.top + part.height / 2 - COUNT_SIZE / 2 - 2
    return Label(part.left + part.width / 2, middle, f"{_LETTERS[part.kind]} {part.count}", size=COUNT_SIZE)
