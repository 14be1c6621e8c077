"""A sweep as numbers: what is drawn as a line, where it is broken, which point is pointed out, what has no picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from handmade import FIVE, SHORT32, UNREADABLE, VERIFIED, record
from sweeps import CURVES, at, grid, judged, places, smooth

from gradtool.problem import ProblemError
from gradtool.report.picture.series import chosen, derived, drawable, samples, value_runs
from gradtool.values import Array
from gradtool.verdict.record import Entry


def ends(name: str) -> list[tuple[float, float]]:
    return [(piece[0][0], piece[-1][0]) for piece in value_runs(samples(CURVES[name], "x"))]


def test_a_line_breaks_at_a_pole_between_two_points() -> None:
    broken = [(round(start, 1), round(stop, 1)) for start, stop in ends("tangent")]
    assert broken == [(-5.0, -4.8), (-4.7, -1.6), (-1.5, 1.5), (1.6, 4.7), (4.8, 5.0)]


@pytest.mark.parametrize(
    ("function", "derivative", "pieces"),
    [
        (lambda x: math.floor(x) * x, math.floor, 5),
        (abs, lambda x: math.copysign(1, x), 1),
        (lambda x: 1 / x, lambda x: -1 / x**2, 2),
        (lambda x: x**3, lambda x: 3 * x * x, 1),
        (lambda x: math.exp(3 * x), lambda x: 3 * math.exp(3 * x), 1),
        (lambda x: math.sin(40 * x), lambda x: 40 * math.cos(40 * x), 1),
        (lambda x: math.cbrt(x) if x > 0 else -math.cbrt(-x), lambda x: abs(x) ** (-2 / 3) / 3, 1),
    ],
)
def test_steps_and_poles_break_and_steep_places_do_not(
    function: Callable[[float], float], derivative: Callable[[float], float], pieces: int
) -> None:
    sweep = samples(smooth(function, derivative, places(-2.95, 2.95, 60)), "x")
    assert len(value_runs(sweep)) == pieces


def test_lines_stop_where_there_is_no_exact_number() -> None:
    assert ends("rooted") == [(0.0, 4.0)]
    assert ends("huge") == [(-700.0, 700.0)]
    assert ends("nothing") == []


def test_errors_are_told_for_each_variable() -> None:
    sweep = samples(CURVES["overflowing"], "x")
    assert [one.errors["x"] for one in sweep[-7:]] == [0.25, *[math.inf] * 6]
    zero = judged(at(0.0, 0.0, 0.0), "verified", ulp=None)
    assert samples([zero], "x")[0].errors == {"x": 0.0}
    off = judged(at(0.0, 0.0, 0.0), "verified", ulp=None, autodiff=1e-20)
    assert samples([off], "x")[0].errors == {}
    parts = [("w", (0,), 3.0), ("w", (1,), 8.0), ("x", (), 1e-9)]
    large = record("x", *(Entry(name, 1.0, "verified", "", "1", ulp=ulp, index=index) for name, index, ulp in parts))
    assert samples([large], "x")[0].errors == {"w": 8.0, "x": 0.0}


def test_the_derivative_along_the_sweep_is_drawn() -> None:
    assert derived(FIVE, "y") == ("y", "y")
    assert derived(FIVE, "z") == ("x", "x")
    assert derived([], "z") == ("z", "z")
    assert [one.rises for one in samples(FIVE, "y")] == [True] * 5
    assert {one.rises for one in samples([replace(one, entries=one.entries[:1]) for one in FIVE], "y")} == {False}


@pytest.mark.parametrize(
    ("name", "x"), [("overflowing", 750.0), ("kinked", 0.0), ("rooted", 0.0), ("parabola", 0.0), ("huge", 720.0)]
)
def test_the_worst_point_that_can_be_shown_is_pointed_out(name: str, x: float) -> None:
    sweep = samples(CURVES[name], "x")
    assert sweep[chosen(sweep)].x == pytest.approx(x, abs=1e-12)


def test_the_largest_error_among_the_worst_verdict() -> None:
    records = [judged(at(x, x, 1.0), "unstable", ulp=10 - abs(x - 3)) for x in places(0, 9, 10)]
    records[8] = judged(records[8], "not_differentiable", ulp=1e9)
    assert chosen(samples(records, "x")) == 3


@pytest.mark.parametrize(
    ("records", "message", "hint"),
    [
        ([VERIFIED], "a picture needs a sweep", "--at x=-3:3:101"),
        ([], "a picture needs a sweep", "--at x=-3:3:101"),
        ([UNREADABLE], "a picture needs a sweep", "--at x=-3:3:101"),
        ([record("t", VERIFIED.entries[0], point={"t": 1.0})], "a picture needs a sweep", "--at t=-3:3:101"),
        ([VERIFIED, SHORT32], "a picture shows one target", "one at a time"),
        (FIVE, "these points can't be drawn", "--at x=-3:3:25,y=-3:3:25"),
        (
            [replace(VERIFIED, point={"a": x, "b": x, "c": x}) for x in (1.0, 2.0)],
            "and here 3 do",
            "give the others one value each",
        ),
    ],
)
def test_what_has_no_picture_is_told(records: list[object], message: str, hint: str) -> None:
    with pytest.raises(ProblemError) as caught:
        drawable(records)  # type: ignore[arg-type]
    assert message in caught.value.problems[0].message
    assert hint in caught.value.problems[0].hint


def test_what_has_one() -> None:
    assert drawable(CURVES["parabola"]) == ["x"]
    assert drawable(grid()) == ["x", "y"]


def test_a_value_of_several_numbers_has_no_curve() -> None:
    entries = Entry("x", 2.0, "verified", "", "2", ulp=0.0, index=(0,), label="f[0] by x")
    both = [record("[2*x, x]", entries, point={"x": x}, value=Array.of([2], [2 * x, x])) for x in (1.0, 2.0)]
    assert derived(both, "x") == ("f[0] by x", "x")
    assert [(one.value, one.autodiff, one.rises) for one in samples(both, "x")] == [(None, 2.0, False)] * 2
