"""Limits beside a point: one-sided slopes at a kink, and the value that would fill a hole.

The walk is repeated at three distances on each side, and the limits are read off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mpmath import mp

from gradtool.witness.symbolic.digits import NEGLIGIBLE, START_DIGITS, Task
from gradtool.witness.symbolic.node import BeyondError, UndefinedError

__all__ = ["filling", "sided"]

LONGEST = 5.0
"""Seconds for the limits beside a point by one variable: a hundred times what they take as a rule."""

MAX_SIDE_DIGITS = 2600
"""Beside a point at 0, a distance of 10^-400 is cubed and more: (x - sin(x))/x**3."""

MOST_NAMES = 8
"""A hole of more variables than that is looked at along the first of them only."""

SIDE, CLOSER = 40, 10
"""Distances: 10^-40 of the point (10^-400 at 0), then 10^-10 of that, and again."""


@dataclass(frozen=True, slots=True)
class _Side:
    """What a one-sided walk found: the limit of the slope, infinite where it grows without bound, None if none."""

    slope: Any
    continuous: bool


def sided(task: Task, name: str, derivative: Any) -> tuple[str, Any, Any, Any]:
    """(kind, derivative, left, right) at a point that stands on a kink or on a singular derivative.

    Raises TimeoutError where the search takes too long.
    """
    with task.within(LONGEST):
        left, right = _side(task, name, -1), _side(task, name, 1)
    if left is None and right is None:
        return "isolated", None, None, None
    if left is None or right is None:
        side = left or right
        assert side is not None  # noqa: S101  # one of them is there
        infinite = side.slope is not None and mp.isinf(side.slope)
        kind = "vertical" if infinite else "one_sided" if side.continuous else "jump"
        return kind, None, left and left.slope, right and right.slope
    slopes = (left.slope, right.slope)
    if not (left.continuous and right.continuous):
        return "jump", None, *slopes
    if left.slope is None or right.slope is None:
        return "unknown", None, *slopes
    if mp.isinf(left.slope) or mp.isinf(right.slope):
        return "vertical", None, *slopes
    apart = abs(left.slope - right.slope)
    if apart > mp.mpf(10) ** -12 * max(abs(left.slope), abs(right.slope)):
        return "kink", None, *slopes
    if mp.isfinite(derivative) and abs(derivative - right.slope) <= mp.mpf(10) ** -12 * abs(right.slope):
        return "smooth", derivative, None, None
    return "smooth", right.slope, None, None


def _side(task: Task, name: str, sign: int) -> _Side | None:
    """The limit from one side; None where the expression has no value there.

    The limit of the derivative decides; where it has none (x**2*sin(1/x)), that of the difference quotient does.
    """
    slopes, quotients, gaps = [], [], []
    for step, start in _steps(task, [name]):
        try:
            beside, digits = task.settled({name: sign * step}, start, MAX_SIDE_DIGITS, moved=name)
            with mp.workdps(digits):
                centre = task.centre()
        except UndefinedError:
            return None
        except BeyondError:
            return _Side(None, continuous=False)
        with mp.workdps(digits):
            gaps.append(beside.root.value - centre)
            slopes.append(beside.variable(name).adjoint)
            quotients.append(sign * gaps[-1] / step)
    continuous = bool(abs(gaps[2]) <= abs(gaps[1]) * mp.mpf("0.999") or gaps[2] == 0)
    for sequence in (slopes, quotients) if continuous else (slopes,):
        if (limit := _limit(sequence)) is not None:
            return _Side(limit, continuous)
    first, second, third = (abs(quotient) for quotient in quotients)
    grows = third - second >= mp.mpf("0.9") * (second - first) > 0
    return _Side(mp.sign(quotients[2]) * mp.inf if grows else None, continuous)


def _steps(task: Task, names: Sequence[str]) -> list[tuple[Any, int]]:
    """Three distances from the point, ever closer, each with the digits that tell it from the point."""
    sizes = [abs(task.point()[name]) for name in names]
    steps = []
    for closer in (0, CLOSER, 2 * CLOSER):
        digits = SIDE + closer if all(sizes) else NEGLIGIBLE + closer
        extra = max(int(math.log10(size)) for size in [*sizes, 1] if size and math.isfinite(size))
        with mp.workdps(START_DIGITS):
            scale = min([1, *sizes]) if all(sizes) else 1
            steps.append((mp.mpf(10) ** -digits * scale, 2 * digits + extra + START_DIGITS))
    return steps


def filling(task: Task) -> Any:
    """The value that would fill a hole; None if there is none, or where the search takes too long."""
    try:
        with task.within(LONGEST):
            return _common_limit(task)
    except TimeoutError:
        return None


def _common_limit(task: Task) -> Any:
    """That of the values along every axis and two diagonals, from both sides; None if there is none."""
    names = list(task.point())[:MOST_NAMES]
    directions = [{name: 1} for name in names]
    if len(names) > 1:
        directions += [dict.fromkeys(names, 1), {name: (-1) ** place for place, name in enumerate(names)}]
    limits = []
    for direction in directions:
        for sign in (-1, 1):
            try:
                values = [
                    task.settled({name: sign * way * step for name, way in direction.items()}, start, MAX_SIDE_DIGITS)[
                        0
                    ].root.value
                    for step, start in _steps(task, list(direction))
                ]
            except BeyondError:
                return None
            except UndefinedError:
                if len(names) == 1:
                    return None
                continue  # a line on which the function is nowhere defined, such as x = y under x - y
            limits.append(_limit(values))
    if len(limits) < 2 * len(names) or limits[0] is None:
        return None
    if any(limit is None or abs(limit - limits[0]) > mp.mpf(10) ** -9 * abs(limits[0]) for limit in limits):
        return None
    return limits[0]


def _limit(sequence: Sequence[Any]) -> Any:
    """The number that three values at ever smaller distances stand at or fall to (0); None if they do neither."""
    first, second, third = sequence
    if max(abs(third - second), abs(second - first)) <= mp.mpf(10) ** -9 * max(abs(second), abs(third)):
        return third
    falling = abs(third) <= mp.mpf("0.9") * abs(second) and abs(second) <= mp.mpf("0.9") * abs(first)
    return mp.mpf(0) if falling else None
