"""How long a run takes: the median of many, warm-up excluded, within a fixed time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

from gradtool.evidence import Spread

__all__ = ["first_run", "spread"]

Result = TypeVar("Result")

SECONDS = 0.25
"""Time for the repetitions of one run; a run that takes longer is repeated LEAST times at most."""

LEAST, MOST = 5, 500
SHORT = 1e-4
"""Shorter runs are timed several at once, so that the clock itself does not count."""

TOO_LONG = 5.0
"""Seconds after which even the fewest repetitions end."""


def first_run(run: Callable[[], Result]) -> tuple[Result, float]:
    """What a first run gives, and its seconds: with all that is compiled and set up in it."""
    began = time.perf_counter()
    result = run()
    return result, time.perf_counter() - began


def spread(run: Callable[[], object], first: float) -> Spread:
    """Median and quartiles in seconds, after a first run that took ``first``.

    ``run`` must have finished its work when it returns, as everything on a CPU has.
    """
    once = _timed(run, 1)
    bunch = max(1, round(SHORT / max(once, 1e-9)))
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    last = end - SECONDS + TOO_LONG
    while len(times) < MOST and (time.perf_counter() < end or len(times) < LEAST):
        times.append(_timed(run, bunch))
        if time.perf_counter() > last:
            break
    low, median, high = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
    return Spread(median, low, high, len(times) * bunch, first)


def _timed(run: Callable[[], object], count: int) -> float:
    """Seconds of one of ``count`` runs."""
    began = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - began) / count
