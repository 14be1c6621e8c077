"""A sweep in words: the points counted, the worst one named, every bad stretch as an interval."""

from __future__ import annotations

import math

import pytest
from handmade import UNREADABLE, VERIFIED, record
from hypothesis import given
from hypothesis import strategies as st
from sweeps import CURVES, at, grid, judged, places, smooth

from gradtool.report.sweep import LISTED, counted, distinct, headings, lines_for, shortened
from gradtool.verdict.record import Entry


def test_an_unstable_end() -> None:
    assert lines_for(CURVES["overflowing"]) == [
        ("41 points, x in [-1000, 1000]: 6 unstable, 35 verified", "unstable"),
        ("largest verified error: 0.25 ulp at x = -1000", "verified"),
        ("x in [750, 1000] unstable, 6 points: exp overflows", "unstable"),
    ]


def test_a_kink_is_one_place() -> None:
    assert lines_for(CURVES["kinked"])[-1] == ("x = 0 not_differentiable: a kink of abs", "not_differentiable")


def test_the_size_of_the_error_is_told() -> None:
    records = [judged(at(x, x, 1.0), "wrong", "off", ulp=3e9 * (x + 1)) for x in places(0, 1, 3)]
    assert lines_for(records) == [
        ("3 points, x in [0, 1]: 3 wrong", "wrong"),
        ("x in [0, 1] wrong, 3 points, up to 6e+09 ulp: off", "wrong"),
    ]


def test_exact_to_the_last_digit() -> None:
    records = [judged(at(x, x, 1.0), "verified", ulp=1e-30) for x in (1.0, 2.0)]
    assert lines_for(records)[1] == ("every verified derivative is exact to the last digit", "verified")


def test_a_grid_is_told_by_verdict() -> None:
    lines = [text for text, _ in lines_for(grid())]
    assert lines == [
        "62 points, x in [-2, 2], y in [0, 3]: 1 unstable, 1 undefined, 60 verified",
        "largest verified error: 0.25 ulp at x = -2, y = 0.5",
        "unstable x = -2, y = 0: overflows",
        "undefined x = 2, y = 3: a reason",
    ]


def test_many_points_of_a_grid_are_one_line() -> None:
    records = [judged(one, "wrong", "off") if one.point["y"] > 2 else one for one in grid()]
    assert lines_for(records)[2:-1] == [("wrong at 18 points, such as x = -2, y = 2.5: off", "wrong")]


def test_the_variable_is_named_where_there_are_several() -> None:
    both = [
        record("x*y", Entry("x", y, "verified", "", str(y), ulp=y), Entry("y", 1.0, "verified", "", "1", ulp=0.1),
               point={"x": 1.0, "y": y})
        for y in (1.0, 2.0)
    ]  # fmt: skip
    assert lines_for(both)[1][0] == "largest verified error of ∂f/∂x: 2 ulp at y = 2"


def test_a_very_ragged_sweep_is_cut_short() -> None:
    records = [judged(one, "wrong") if place % 2 else one for place, one in enumerate(CURVES["tangent"])]
    lines = lines_for(records)
    assert len(lines) == 2 + LISTED + 1
    assert lines[-1][0] == "and 20 more stretches that are not verified; --format jsonl has every point"


@pytest.mark.parametrize("records", [[], [VERIFIED], [UNREADABLE], [VERIFIED, VERIFIED]])
def test_one_point_is_no_sweep(records: list[object]) -> None:
    assert lines_for(records) == []  # type: ignore[arg-type]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_different_numbers_have_different_texts(values: list[float]) -> None:
    texts = distinct(values)
    assert len(set(texts.values())) == len(set(values))
    assert all(math.isclose(float(text), value, rel_tol=1e-5, abs_tol=1e-320) for value, text in texts.items())


def test_few_digits_where_few_will_do() -> None:
    assert distinct([0.1 + 0.2, -0.0, 1e-5])[0.1 + 0.2] == "0.3"
    assert distinct([1e-5])[1e-5] == "1e-5"
    assert list(distinct([1 + 1e-9, 1.0]).values()).count("1") == 1


def test_headings_name_what_stays_the_same() -> None:
    records = smooth(math.sin, math.cos, [0.0, 1.0])
    title, below = headings([at(x, 1.0, 1.0, point={"x": x, "y": 3.0}) for x in (0.0, 1.0)])
    assert (title, below) == ("f(x)", "PyTorch 2.13.0, float64, 2 points: 2 verified; y = 3")
    assert counted(records) == "2 points: 2 verified"
    title, below = headings(CURVES["hostile"])
    assert title.startswith("$x_{1}$ [31m WWW")
    rest = "… = 1, v0 = 0.1, v1 = 0.1, v2 = 0.1, 47 more variables"
    assert below == f"Py$T$orch 2.13.0, float64, 9 points: 9 verified; {'y' * 23}{rest}"


@pytest.mark.parametrize(
    ("text", "width", "kept"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("中文字", 5, "中文…"), ("a\x1bb", 9, "a b")]
)
def test_a_long_name_is_cut_by_cells(text: str, width: int, kept: str) -> None:
    assert shortened(text, width) == kept
