"""How exact each operation's gradient is: many comparisons, or checks, of one operation in one row.

Nothing is judged anew: a row counts the verdicts of its points, and names the worst. Subnormal points are told apart,
because TensorFlow takes such numbers for 0, whatever the operation.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from gradtool.target.dtype import FORMATS
from gradtool.target.operations import OPERATIONS
from gradtool.values import flat
from gradtool.verdict.compare.comparison import FAULTY, value_entry
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.record import CheckRecord, Entry

__all__ = [
    "AGREEING",
    "FAULTS",
    "FLUSHED",
    "NEUTRAL",
    "ORDER",
    "ORDINARY",
    "Accuracy",
    "Spot",
    "accuracy",
    "causes",
    "offenders",
]

FLUSHED = "flushed"
"""The word for a point at which TensorFlow alone errs, because it takes a subnormal number for 0."""

FAULTS = ("wrong", "unstable", "both_wrong", "one_right", "mismatch")
AGREEING = ("same_convention", "rounding", "same", "verified")
NEUTRAL = ("undefined", "out_of_range")
"""Without a derivative that fits there is nothing to be exact about."""

ORDER = (*FAULTS, "inconclusive", FLUSHED, "not_differentiable", "convention", *AGREEING, *NEUTRAL)
"""Every word for a spot, worst first."""

ORDINARY, EXTREME, SUBNORMAL = range(3)
"""How far from 1 a point reaches: not beyond ``REACH`` and its inverse; farther; to a subnormal number."""

REACH = 1e10


@dataclass(frozen=True, slots=True)
class Spot:
    """A derivative, or the value, of an operation at one of its points, by each of the frameworks."""

    record: CompareRecord | CheckRecord
    entries: tuple[Entry, ...]
    verdict: str
    label: str
    reason: str

    @property
    def checks(self) -> tuple[CheckRecord, ...]:
        """The check of each framework."""
        return self.record.sides if isinstance(self.record, CompareRecord) else (self.record,)

    @property
    def level(self) -> int:
        """``ORDINARY``, ``EXTREME`` or ``SUBNORMAL``."""
        sizes = [abs(number) for value in self.record.point.values() for number in flat(value) if number]
        if any(size < 2.0 ** FORMATS[self.record.dtype].low for size in sizes):
            return SUBNORMAL
        return ORDINARY if all(1 / REACH <= size <= REACH for size in sizes) else EXTREME

    @property
    def error(self) -> float:
        """The larger error in ulp; infinite for NaN or infinity in place of a number, -1 where nothing is known."""
        return max((error for one in self.entries if (error := _error(one)) is not None), default=-1.0)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One operation in one dtype at its own points.

    ``errors`` are the largest of each framework in ulp, of the value or of any derivative: infinite where it gives NaN,
    or infinity, for a number, None where nothing can be said. ``counts`` says at how many points which word is the
    worst, worst first; ``right`` how many of those with ``one_right`` each framework wins. ``spots`` are the worst for
    each word, in the same order. ``failures`` counts the points at which a witness gave no evidence, by its message and
    the remedy. Subnormal points have no part in ``errors``.
    """

    name: str
    expression: str
    dtype: str
    titles: tuple[str, ...]
    points: int
    errors: tuple[float | None, ...]
    counts: Mapping[str, int]
    right: Mapping[str, int]
    spots: Mapping[str, Spot]
    failures: Mapping[tuple[str, str], int]
    seconds: float

    @property
    def verdict(self) -> str:
        """The worst word."""
        return next(iter(self.counts), "inconclusive")

    @property
    def worst(self) -> Spot | None:
        """A fault, at an ordinary point if there is one; else what is no agreement; else the largest error."""
        faults = [self.spots[word] for word in FAULTS if word in self.spots]
        if faults:
            return min(faults, key=lambda spot: spot.level)
        fair = [spot for word, spot in self.spots.items() if word not in (FLUSHED, *NEUTRAL)]
        return next((spot for spot in fair if spot.verdict not in AGREEING), max(fair, key=_size, default=None))


def _size(spot: Spot) -> float:
    return spot.error if spot.level != SUBNORMAL else -1.0


def accuracy(records: Iterable[CompareRecord | CheckRecord]) -> list[Accuracy]:
    """One row for each run of records of one name and dtype."""
    return [_row(list(group)) for _, group in groupby(records, key=lambda record: (record.name, record.dtype))]


def offenders(rows: Sequence[Accuracy]) -> list[Spot]:
    """The worst spot of each row with a fault: ordinary points first, wrong before unstable, the farthest off first."""
    found = [row.worst for row in rows if row.worst and row.worst.verdict in FAULTS]
    return sorted(found, key=_badness)


def _badness(spot: Spot) -> tuple[bool, bool, float]:
    return spot.level > ORDINARY, all(one.verdict != "wrong" for one in spot.entries), -spot.error


def causes(spot: Spot) -> list[str]:
    """Why the frameworks that err at this spot do: how digits are lost, what is known to be off, what they lack."""
    row, told = OPERATIONS[spot.record.name], []
    for check, entry in zip(spot.checks, spot.entries, strict=True):
        if entry.verdict == "unstable":
            told.append(entry.reason.partition(": ")[2])
        elif entry.verdict == "wrong":
            told.append(row.deviation(check.framework, check.dtype) or entry.reason.partition("; ")[2])
        if entry.verdict in FAULTY and not row.cell(check.framework):
            told.append(f"{check.title} has no {row.label} of its own, and runs the formula")
    return list(filter(None, dict.fromkeys(told)))


def _row(records: Sequence[CompareRecord | CheckRecord]) -> Accuracy:
    spots = [list(_spots(record)) for record in records]
    every = sorted((spot for own in spots for spot in own), key=_rank)
    worst = [min(own, key=lambda spot: ORDER.index(spot.verdict)) for own in spots if own]
    found = Counter(spot.verdict for spot in worst)
    fair = [spot.entries for spot in every if spot.level != SUBNORMAL and spot.verdict not in NEUTRAL]
    first = records[0]
    checks = first.sides if isinstance(first, CompareRecord) else (first,)
    return Accuracy(
        first.name,
        first.target,
        first.dtype,
        tuple(check.title for check in checks),
        len(records),
        tuple(_largest(own) for own in zip(*fair, strict=True)) or (None,) * len(checks),
        {word: found[word] for word in ORDER if found[word]},
        Counter(_winner(spot) for spot in worst if spot.verdict == "one_right"),
        {word: next(own) for word, own in groupby(every, key=lambda spot: spot.verdict)},
        Counter((failure.message, failure.hint) for record in records for failure in record.failures),
        sum(record.seconds for record in records),
    )


def _rank(spot: Spot) -> tuple[int, int, float]:
    """Faults at ordinary points count more; of those that agree the largest error does."""
    level = spot.level if spot.verdict in FAULTS else spot.level == SUBNORMAL
    return ORDER.index(spot.verdict), level, -spot.error


def _spots(record: CompareRecord | CheckRecord) -> Iterator[Spot]:
    """Every derivative of a record, and the value where it is a number that can be judged."""
    if isinstance(record, CompareRecord):
        pairs = [*([record.value] if record.value else []), *record.entries]
        spots = [Spot(record, pair.sides, pair.verdict, pair.label, pair.reason) for pair in pairs]
    else:
        value = value_entry(record)
        entries = [*([value] if value else []), *record.entries]
        spots = [Spot(record, (entry,), entry.verdict, entry.label, entry.reason) for entry in entries]
    for spot in spots:
        if _is_flushed(spot):
            yield replace(spot, verdict=FLUSHED)
        elif spot.entries[0].variable or spot.verdict not in ("inconclusive", *NEUTRAL):
            yield spot


def _is_flushed(spot: Spot) -> bool:
    """Whether TensorFlow alone errs, or gives 0 or NaN, at a point with a subnormal number."""
    if spot.level != SUBNORMAL:
        return False
    told = {check.framework: entry for check, entry in zip(spot.checks, spot.entries, strict=True)}
    return [name for name, entry in told.items() if _is_lost(entry)] == ["tensorflow"]


def _is_lost(entry: Entry) -> bool:
    number = entry.autodiff or 0.0
    return entry.verdict in FAULTY or not math.isfinite(number) or (not number and (entry.ulp or 0.0) > 1)


def _winner(spot: Spot) -> str:
    return next(check.title for check, one in zip(spot.checks, spot.entries, strict=True) if one.verdict == "verified")


def _error(entry: Entry) -> float | None:
    """The error in ulp; infinite for NaN or infinity in place of a number."""
    if entry.verdict in FAULTY and not math.isfinite(entry.autodiff or 0.0):
        return math.inf
    return entry.ulp


def _largest(entries: Iterable[Entry]) -> float | None:
    return max((error for entry in entries if (error := _error(entry)) is not None), default=None)
