"""Sweeps made by hand: closed forms of a function and its derivative, and what a framework would have given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from handmade import record

from gradtool.verdict.record import CheckRecord, Entry

Form = Callable[[float], float]


def places(start: float, stop: float, count: int) -> list[float]:
    """Evenly spread points."""
    return [start + (stop - start) * step / (count - 1) for step in range(count)]


def at(x: float, value: float | None, slope: float, **cells: object) -> CheckRecord:
    """A verified point of a sweep along x."""
    entry = Entry("x", slope, "verified", "agrees with the exact derivative", repr(slope), ulp=0.25)
    told: dict[str, object] = {"point": {"x": x}, "value": value, "exact_value": repr(value), **cells}
    return record("f(x)", entry, **told)


def smooth(function: Form, derivative: Form, xs: Sequence[float]) -> list[CheckRecord]:
    """A sweep on which everything is verified."""
    return [at(x, function(x), derivative(x)) for x in xs]


def judged(found: CheckRecord, verdict: str, reason: str = "a reason", **cells: object) -> CheckRecord:
    """The record with another verdict on its one entry, and other cells of it."""
    entry = replace(found.entries[0], verdict=verdict, reason=reason, **cells)  # type: ignore[arg-type]
    return replace(found, verdict=verdict, entries=(entry,))


def overflowing() -> list[CheckRecord]:
    """log(1 + exp(x)): NaN from autodiff and an infinite value where exp overflows."""
    xs = places(-1000, 1000, 41)
    good = smooth(lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))), lambda x: 1 / (1 + math.exp(-x)), xs[20:])
    flat = [at(x, 0.0, 0.0) for x in xs[:20]]
    bad = [
        judged(one, "unstable", "exp overflows", autodiff=math.nan, ulp=None) for one in good if one.point["x"] > 709
    ]
    return [*flat, *good[: -len(bad)], *(replace(one, value=math.inf) for one in bad)]


def kinked() -> list[CheckRecord]:
    """abs(x), with its kink on a point."""
    found = smooth(abs, lambda x: math.copysign(1, x), places(-2, 2, 41))
    kink = judged(
        at(0.0, 0.0, 0.0), "not_differentiable", "a kink of abs", symbolic=None, left="-1", right="1", ulp=None
    )
    return [*found[:20], kink, *found[21:]]


def rooted() -> list[CheckRecord]:
    """sqrt(x), undefined on the left and vertical at 0."""
    root = smooth(math.sqrt, lambda x: 0.5 / math.sqrt(x), places(0.125, 4, 32))
    edge = judged(at(0.0, 0.0, math.inf), "not_differentiable", symbolic=None, right="Infinity", ulp=None)
    holes = [at(x, math.nan, math.nan, exact_value=None) for x in places(-1, -0.125, 8)]
    return [judged(one, "undefined", "sqrt needs x >= 0", symbolic=None, ulp=None) for one in holes] + [edge, *root]


def huge() -> list[CheckRecord]:
    """exp(x) as far as it goes, and beyond."""
    fine = smooth(math.exp, math.exp, places(-700, 700, 36))
    beyond = judged(at(720.0, math.inf, math.inf), "out_of_range", "too large", symbolic="4.9e+312", ulp=None)
    return [
        *fine,
        replace(beyond, exact_value="4.9e+312"),
        judged(at(760.0, math.inf, math.inf), "out_of_range", ulp=None),
    ]


def every_verdict() -> list[CheckRecord]:
    """Ten points for each verdict, errors of all sizes, and a second variable that is to blame for some."""
    words = ("wrong", "unstable", "inconclusive", "undefined", "out_of_range", "not_differentiable", "verified")
    found = smooth(math.sin, math.cos, places(-3.5, 3.4, 70))
    return [judged(one, words[place // 10], ulp=10.0 ** (place % 16)) for place, one in enumerate(found)]


def hostile() -> list[CheckRecord]:
    """Names that look like mathematics, markup or terminal codes, and are longer than the page."""
    name = "$x_{1}$\x1b[31m\n" + "W" * 400
    point = {"y" * 90: 1.0, **{f"v{number}": 0.1 for number in range(50)}}
    return [
        replace(one, target=name, name=name, point={"x": one.point["x"], **point}, title="Py$T$orch")
        for one in smooth(math.sin, math.cos, places(-1, 1, 9))
    ]


def grid() -> list[CheckRecord]:
    """x*y on a grid, with no number at one corner, undefined at another, one cell missing."""
    found = []
    for x in places(-2, 2, 9):
        for y in places(0, 3, 7):
            one = at(x, x * y, y, point={"x": x, "y": y})
            if x == y == 2.0:
                continue
            if (x, y) == (-2.0, 0.0):
                one = judged(one, "unstable", "overflows", autodiff=math.nan, ulp=None)
            if (x, y) == (2.0, 3.0):
                one = replace(judged(one, "undefined", symbolic=None, ulp=None), value=math.nan, exact_value=None)
            found.append(one)
    return found


TINY = smooth(lambda x: x * 3, lambda _: 3.0, [5e-324 * step for step in range(-9, 10)])
WIDE = smooth(lambda x: x / 2, lambda _: 0.5, [-1.7976931348623157e308, -1e308, 0.0, 1e308, 1.7976931348623157e308])
NOTHING = [
    judged(at(x, None, 0.0, exact_value=None), "inconclusive", autodiff=None, symbolic=None, ulp=None)
    for x in places(0, 8, 9)
]

CURVES: dict[str, list[CheckRecord]] = {
    "parabola": smooth(lambda x: x * x, lambda x: 2 * x, places(-3, 3, 61)),
    "constant": smooth(lambda _: 3.0, lambda _: 0.0, places(-1, 1, 5)),
    "two points": smooth(lambda x: x * x, lambda x: 2 * x, [1.0, 2.0]),
    "tangent": smooth(math.tan, lambda x: 1 / math.cos(x) ** 2, places(-5, 5, 101)),
    "overflowing": overflowing(),
    "kinked": kinked(),
    "rooted": rooted(),
    "huge": huge(),
    "every verdict": every_verdict(),
    "hostile": hostile(),
    "tiny": TINY,
    "wide": WIDE,
    "nothing": NOTHING,
    "offset": smooth(lambda x: x, lambda _: 1.0, [1e6 + step / 1e6 for step in range(11)]),
}
