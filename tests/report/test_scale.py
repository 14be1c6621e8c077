"""The axes: every float has a place, order is kept, and the numbers beside an axis stand where they belong."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gradtool.report.picture.scale import Scale, across, error_scale, scale_for

SEEDED = settings(derandomize=True, deadline=None, max_examples=300)
NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)
LARGEST = 1.7976931348623157e308


@SEEDED
@given(NUMBERS)
@example([-LARGEST, LARGEST])
@example([5e-324, 0.0, -5e-324])
@example([5e-324, LARGEST])
@example([1.0, 1.0 + 2**-52])
def test_every_number_has_a_place_inside_and_order_is_kept(values: list[float]) -> None:
    for scale in (scale_for(values), across(values)):
        places = [scale.place(value) for value in sorted(values)]
        assert all(0 < place < 1 for place in places)
        assert places == sorted(places)


@SEEDED
@given(NUMBERS, st.integers(2, 12))
@example([-LARGEST, LARGEST], 6)
@example([5e-324, 0.0, -5e-324], 6)
def test_ticks_are_in_order_apart_and_where_their_numbers_are(values: list[float], count: int) -> None:
    for scale in (scale_for(values), across(values)):
        ticks = scale.ticks(count)
        assert len(ticks) <= 2 * count + 1
        assert all(two[0] - one[0] >= 0.5 / count for one, two in itertools.pairwise(ticks))
        assert len({text for _, text in ticks}) == len(ticks)
        for place, text in ticks:
            assert 0 <= place <= 1
            if math.isfinite(float(text)) and abs(float(text)) > 1e-307:
                assert scale.place(float(text)) == pytest.approx(place, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([-1.0, 1.0], ["-1", "-0.5", "0", "0.5", "1"]),
        ([0.0, 1000.0], ["0", "200", "400", "600", "800", "1000"]),
        ([1e6, 1e6 + 4e-5], ["1e6", "1000000.00001", "1000000.00002", "1000000.00003", "1000000.00004"]),
        ([0.0, 4e-300], ["0", "1e-300", "2e-300", "3e-300", "4e-300"]),
    ],
)
def test_round_numbers_in_few_digits(values: list[float], texts: list[str]) -> None:
    assert [text for _, text in across(values).ticks(5)] == texts


def test_sizes_that_differ_much_are_shown_by_their_logarithm() -> None:
    powers = scale_for([10.0**power for power in range(-300, 301, 10)])
    assert powers.log
    assert powers.place(1e100) - powers.place(1.0) == pytest.approx(powers.place(1e200) - powers.place(1e100))
    both = scale_for([sign * 10.0**power for power in range(-9, 10) for sign in (1, -1)])
    assert both.place(1e5) + both.place(-1e5) == pytest.approx(1)
    assert both.place(0) == pytest.approx(0.5)


def test_a_tail_that_fades_is_shown_as_it_is() -> None:
    assert not scale_for([x / (1 + math.exp(-x)) for x in range(-30, 31)]).log
    assert not scale_for([x**4 for x in range(-10, 11)]).log


def test_a_level_line_stands_half_way() -> None:
    for values in ([3.0, 3.0], [3.0, 3.0 + 4e-16], [0.0], [-1e300], []):
        scale = scale_for(values)
        assert scale.place(values[0] if values else 0.0) == pytest.approx(0.5)


def test_what_is_no_number_is_left_out() -> None:
    assert scale_for([None, math.nan, math.inf, 1.0, 2.0]) == scale_for([1.0, 2.0])


@pytest.mark.parametrize("values", [[1.0, 5.0], [10.0**power for power in range(-90, 90)]])
def test_the_gain_is_the_derivative_of_the_place(values: list[float]) -> None:
    scale: Scale = scale_for(values)
    for value in (1.5, 4.0):
        step = value * 1e-6
        quotient = (scale.place(value + step) - scale.place(value - step)) / (2 * step)
        assert scale.gain(value) == pytest.approx(quotient, rel=1e-4)


def test_exact_is_at_the_bottom_of_the_errors() -> None:
    scale = error_scale([0.0, 0.3, 1e12, math.inf], "exact")
    ticks = scale.ticks(6)
    assert ticks[0] == (pytest.approx(0.09), "exact")
    assert {"1", "1000", "1e12"} <= {text for _, text in ticks} or "10000" in {text for _, text in ticks}
    assert scale.place(0.0) < scale.place(0.1) < scale.place(1.0) < scale.place(1e12) < 1
    assert [text for _, text in error_scale([], "exact").ticks(6)] == ["exact", "0.1", "1", "10"]
