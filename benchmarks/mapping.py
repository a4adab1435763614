"""Wrong pairs of certificate text and firmware version: how many would pass, under which policy.

Every manufacturer writes its versions by one convention (pipeline/rulebook/alignment.py); a wrong pair is the text of
one release beside the octets of another release of the same line. Numbers are drawn from four ranges.

python benchmarks/mapping.py [--pairs 540000] [--seed 3]
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator

from timing import table

from pipeline.checks.mapping import align, derive
from pipeline.rulebook.alignment import CONVENTIONS, Verdict

RANGES = (9, 20, 99, 255)
WORDS = ("{}", "v{}", "Version {}", "{} Release", "Meter ({})")
WRITTEN = {Verdict.EXACT, Verdict.IN_LIST, Verdict.NOTATION}
"""The verdicts that pass without a convention; with one, so does ``derived-declared`` (rules/alignment.yaml)."""

Numbers = tuple[int, ...]


def release(convention: str, most: int, draw: random.Random) -> Numbers:
    """Draw the numbers of one release that can be written by a convention."""
    layout, coding = convention.split()
    top = min(most, 99) if coding == "bcd" else most
    if layout == "packed-stack":
        return (*(draw.randint(0, top) for _ in range(2)), *(draw.randint(0, 9) for _ in range(4)))
    return tuple(draw.randint(0, top) for _ in range(2 if layout in {"left", "right"} else 4))


def text_of(convention: str, numbers: Numbers) -> str:
    """Write a release as a certificate does."""
    layout, coding = convention.split()
    shown = [f"{n:X}" if coding == "hexadecimal" else str(n) for n in numbers]
    if layout in {"application-stack", "packed-stack"}:
        return f"{'.'.join(shown[:2])} (Stack {'.'.join(shown[2:])})"
    return ".".join(shown)


def octets_of(convention: str, numbers: Numbers) -> str:
    """Write a release as the form does, by the convention itself and not by the code under test."""
    layout, coding = convention.split()
    packed = layout == "packed-stack"
    octets = [int(str(n), 16) if coding == "bcd" else n for n in numbers[: 2 if packed else 4]]
    if packed:
        octets += [numbers[2] * 16 + numbers[3], numbers[4] * 16 + numbers[5]]
    if layout in {"left", "right"}:
        octets = [*octets, 0, 0] if layout == "left" else [0, 0, *octets]
    return ":".join(f"{octet:02X}" for octet in octets)


def wrong_pairs(convention: str, most: int, count: int, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Yield texts beside the octets of another release of the same line; every other one differs in one number."""
    while count:
        shown = release(convention, most, draw)
        other = list(release(convention, most, draw))
        if count % 2:
            place = draw.randrange(len(shown))
            other = [drawn if n == place else kept for n, (kept, drawn) in enumerate(zip(shown, other, strict=True))]
        octets = octets_of(convention, tuple(other))
        if octets != octets_of(convention, shown):
            count -= 1
            yield draw.choice(WORDS).format(text_of(convention, shown)), octets


def counted(pairs: int, seed: int) -> dict[int, Counter[str]]:
    """Judge so many wrong pairs: for each range how many would pass under each policy."""
    draw = random.Random(seed)
    each = -(-pairs // (len(CONVENTIONS) * len(RANGES)))
    found: dict[int, Counter[str]] = {most: Counter() for most in RANGES}
    for convention in CONVENTIONS:
        for most in RANGES:
            for text, octets in wrong_pairs(convention, most, each, draw):
                bare, declared = align(text, octets).verdict, align(text, octets, convention).verdict
                found[most]["pairs"] += 1
                found[most]["any rule"] += octets in derive(text, 4).values()
                found[most]["only value"] += bare is Verdict.DERIVED
                found[most]["passed, nothing declared"] += bare in WRITTEN
                found[most]["passed, declared"] += declared in {*WRITTEN, Verdict.DECLARED}
    return found


def true_pairs(count: int, seed: int) -> Counter[str]:
    """Judge right pairs: what strictness costs."""
    draw = random.Random(seed)
    found: Counter[str] = Counter()
    for n in range(count):
        convention = CONVENTIONS[n % len(CONVENTIONS)]
        numbers = release(convention, RANGES[n % len(RANGES)], draw)
        text, octets = text_of(convention, numbers), octets_of(convention, numbers)
        found[align(text, octets).verdict.value] += 1
        found["with the convention declared"] += align(text, octets, convention).verdict is Verdict.DECLARED
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=540_000, help="wrong pairs, over all conventions and ranges")
    parser.add_argument("--seed", type=int, default=3, help="of the drawn releases")
    given = parser.parse_args()

    start = time.perf_counter()
    found = counted(given.pairs, given.seed)
    took = time.perf_counter() - start
    total = sum(found.values(), Counter())
    columns = ("pairs", "any rule", "only value", "passed, nothing declared", "passed, declared")
    rows = [[str(most), *(f"{counts[name]:,}" for name in columns)] for most, counts in found.items()]
    rows.append(["all", *(f"{total[name]:,}" for name in columns)])
    print(f"Wrong pairs of {len(CONVENTIONS)} conventions; what stands below 'passed' would be a wrong acceptance")
    print(table(("numbers to", *columns), rows))
    right = true_pairs(len(CONVENTIONS) * len(RANGES) * 20, given.seed)
    each = took / total["pairs"] * 1e6
    print()
    print(f"{each:.0f} us a pair. Of {len(CONVENTIONS) * len(RANGES) * 20:,} right pairs: " + ", ".join(
        f"{name} {count:,}" for name, count in sorted(right.items())))  # fmt: skip


if __name__ == "__main__":
    main()
