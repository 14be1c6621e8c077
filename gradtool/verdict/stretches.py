"""Where along a sweep the verdict is not ``verified``: neighbouring points with the same verdict as one interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from gradtool.values import Array
from gradtool.verdict.record import FINE, HERE, Judged, JudgedEntry

__all__ = ["Stretch", "along", "coordinate", "remedies", "stretches", "swept", "why"]

Place = TypeVar("Place", bound=Judged)
"""A check or a comparison at one point."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring points with the same verdict: the first and last value of the variable, both included.

    ``worst_ulp`` is the largest known error, and ``reason`` that of the point which has it, else of the first point.
    """

    verdict: str
    start: float
    stop: float
    points: int
    worst_ulp: float | None
    reason: str


def swept(records: Sequence[Judged]) -> list[str]:
    """The scalar variables whose values differ from point to point, in the order of the point; arrays never do."""
    seen: dict[str, set[float]] = {}
    for record in records:
        for name, value in record.point.items():
            if not isinstance(value, Array):
                seen.setdefault(name, set()).add(value)
    return [name for name, values in seen.items() if len(values) > 1]


def coordinate(record: Judged, variable: str) -> float:
    """The value of a scalar variable at a record's point; NaN where it is an array."""
    value = record.point[variable]
    return math.nan if isinstance(value, Array) else value


def along(records: Sequence[Place], variable: str) -> list[Place]:
    """The records that have a point, by the value of ``variable``, lowest first."""
    placed = [record for record in records if variable in record.point and not record.problems]
    return sorted(placed, key=lambda record: coordinate(record, variable))


def stretches(records: Sequence[Judged], variable: str, fine: Container[str] = FINE) -> list[Stretch]:
    """Every interval of ``variable`` in which all points have the same verdict, none of ``fine``, in order."""
    found = []
    for verdict, group in groupby(along(records, variable), key=lambda record: record.verdict):
        if verdict not in fine:
            own = list(group)
            ulps = [ulp for record in own if (ulp := _ulp(record)) is not None]
            told = max(own, key=lambda record: -1.0 if (ulp := _ulp(record)) is None else ulp)
            ends = coordinate(own[0], variable), coordinate(own[-1], variable)
            found.append(Stretch(verdict, *ends, len(own), max(ulps, default=None), why(told)))
    return found


def why(record: Judged) -> str:
    """The reason of a record's verdict: that of its worst entry, or of the first failure where there is no entry."""
    entries = _blamed(record)
    if entries:
        return max(entries, key=lambda entry: -1.0 if entry.ulp is None else entry.ulp).reason
    return record.failures[0].message if record.failures else ""


def remedies(records: Sequence[Judged]) -> list[str]:
    """What to do about the errors of a sweep, the most frequent first, each with the number of points it is about."""
    faulty = [{f.remedy for f in record.findings if f.severity == "error" and f.remedy} for record in records]
    faulty = [found for found in faulty if found]
    counted = Counter(remedy for found in faulty for remedy in sorted(found))
    if len(faulty) < 2:
        return list(counted)
    return [
        remedy.replace(HERE, f"at {'all' if points == len(faulty) else points} of these {len(faulty)} points")
        for remedy, points in counted.most_common()
    ]


def _ulp(record: Judged) -> float | None:
    """The largest known error among the entries that have the record's verdict."""
    return max((entry.ulp for entry in _blamed(record) if entry.ulp is not None), default=None)


def _blamed(record: Judged) -> list[JudgedEntry]:
    return [entry for entry in record.entries if entry.verdict == record.verdict]
