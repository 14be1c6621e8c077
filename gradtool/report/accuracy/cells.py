"""The cells and the sentences that every report on accuracy is made of."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Sequence

from gradtool.report.numbers import point_text
from gradtool.verdict.compare.accuracy import AGREEING, FAULTS, FLUSHED, NEUTRAL, Accuracy, Spot, causes
from gradtool.verdict.words import ulps

__all__ = ["agreement", "cells", "command", "flushed", "frameworks", "heads", "told", "total", "unheard"]

_SHORT = {"both_wrong": "both off", "not_differentiable": "no derivative"}


def heads(row: Accuracy) -> list[str]:
    """The heads of the table."""
    return ["operation", "points", *(f"{title}, ulp" for title in row.titles), "agreement", "worst at", "s"]


def cells(row: Accuracy) -> list[str]:
    """The cells of a row under ``heads``."""
    errors = ["nan" if error == math.inf else ulps(error) for error in row.errors]
    plain = row.worst is not None and row.worst.verdict in AGREEING and not any(row.errors)
    at = "-" if plain else _at(row.worst)
    return [row.expression, str(row.points), *errors, agreement(row), at, f"{row.seconds:.1f}"]


def agreement(row: Accuracy) -> str:
    """What the points come to: who is right at how many, or how well they agree; then what is told beside."""
    said, agreed = [], next((word for word in row.counts if word in AGREEING), "")
    for word, number in row.counts.items():
        if word == "one_right":
            said += [f"{title} right {count}" for title, count in row.right.items()]
        elif word not in (*AGREEING, *NEUTRAL):
            said.append(f"{_SHORT.get(word, word)} {number}")
    return ", ".join(said if not agreed or row.verdict in FAULTS else [agreed, *said]) or row.verdict


def _at(spot: Spot | None) -> str:
    if spot is None:
        return "-"
    check = spot.checks[0]
    return point_text(check.point, check.dtype, check.at)


def told(spot: Spot) -> str:
    """The operation, where it is worst, and what is off there."""
    reason = spot.reason.removeprefix("they differ, and ")
    why = "; ".join(text for text in causes(spot) if text not in reason)
    told = f"{spot.record.target}, {spot.record.dtype}, at {_at(spot)}: {spot.label}: {reason}"
    return f"{told} ({why})" if why else told


def command(spot: Spot) -> str:
    """The command line that repeats the spot."""
    check = spot.checks[0]
    words = ["gradtool", "compare", check.target, "--at", ",".join(f"{name}={text}" for name, text in check.at.items())]
    words += ["--jacobian"] * (check.mode == "jacobian") + ["--dtype", check.dtype]
    return shlex.join(words + (["--frameworks", check.framework] if len(spot.checks) == 1 else []))


def frameworks(row: Accuracy) -> str:
    """The frameworks with their versions."""
    checks = row.worst.checks if row.worst else ()
    return " and ".join(f"{check.title} {check.versions.get(check.framework, '')}".strip() for check in checks)


def flushed(rows: Sequence[Accuracy]) -> str:
    """The operations that TensorFlow gets wrong at a subnormal number only because it takes it for 0."""
    struck = list(dict.fromkeys(row.expression for row in rows if row.counts.get(FLUSHED)))
    if not struck:
        return ""
    number = "1 operation errs" if len(struck) == 1 else f"{len(struck)} operations err"
    return f"flushed: TensorFlow takes subnormal numbers for 0; {number} there for that reason alone"


def unheard(rows: Sequence[Accuracy]) -> list[tuple[str, str]]:
    """Which witnesses gave no evidence, at how many points, and what to do."""
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        found.update(row.failures)
    return [
        (f"no evidence at {number} point{'s' if number > 1 else ''}: {message}", hint)
        for (message, hint), number in found.items()
    ]


def total(rows: Sequence[Accuracy]) -> str:
    """How many operations and points there were, and how many operations have a fault."""
    points, names = sum(row.points for row in rows), {row.name for row in rows}
    faulty = {row.name for row in rows if any(word in row.counts for word in FAULTS)}
    dtypes = " and ".join(dict.fromkeys(row.dtype for row in rows))
    return f"{len(names)} operations at {points} points in {dtypes}: {len(faulty)} with a gradient or value that is off"
