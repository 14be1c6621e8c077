"""Figures of arrays against sums of exact fractions, at sizes where squares leave float32, and of NaN and Inf."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from gradtool.witness.model import figures
from gradtool.witness.model.accumulation import accumulation, micro_batches, sizes_of
from gradtool.witness.model.terms import term_of

DRAW = np.random.default_rng(3)
LONG = 150_001
"""More than two blocks, and a rest."""


def exact_norm(values: np.ndarray) -> float:
    total = sum(Fraction(float(one)) ** 2 for one in values)
    # The square root of a fraction beyond the range of a float: scaled by an even power of two.
    shift = 2 * ((math.frexp(float(np.abs(values).max()))[1]) // 2)
    return math.ldexp(math.sqrt(float(total / Fraction(4) ** shift)), shift)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e-44, 1e30])
def test_a_norm_is_right_where_squares_leave_the_dtype(dtype: type, scale: float) -> None:
    values = (DRAW.normal(size=1000) * scale).astype(dtype)
    assert figures.norm(values) == pytest.approx(exact_norm(values), rel=1e-6)
    assert figures.figures(values).norm == pytest.approx(exact_norm(values), rel=1e-6)


def test_a_norm_of_float64_beyond_the_squares_of_float64() -> None:
    assert figures.norm(np.array([3e200, 4e200])) == pytest.approx(5e200, rel=1e-14)
    assert figures.norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200, rel=1e-14)


def test_figures_over_several_blocks() -> None:
    values = DRAW.normal(size=LONG).astype(np.float32)
    values[DRAW.permutation(LONG)[:777]] = 0.0
    found = figures.statistics(LONG + 1000, values, moments=True)
    wide = np.concatenate([values.astype(np.float64), np.zeros(1000)])
    assert (found.count, found.zeros, found.nan, found.inf) == (LONG + 1000, 1777, 0, 0)
    assert found.norm == pytest.approx(math.sqrt(math.fsum(wide * wide)), rel=1e-6)
    assert found.largest == np.abs(wide).max()
    assert (found.mean, found.mean_size) == pytest.approx((wide.mean(), np.abs(wide).mean()), rel=1e-6)
    assert found.deviation == pytest.approx(wide.std(), rel=1e-5)


def test_nan_and_inf_are_counted_in_the_last_block_too() -> None:
    values = np.ones(LONG, np.float32)
    values[-1], values[-2], values[0] = np.nan, -np.inf, np.inf
    found = figures.statistics(LONG, values)
    assert (found.nan, found.inf) == (1, 2)
    assert math.isnan(found.largest)
    one = np.ones(LONG, np.float32)
    one[-1] = -np.inf
    found = figures.statistics(LONG, one)
    assert (found.norm, found.largest, found.nan, found.inf) == (math.inf, math.inf, 0, 1)


def test_nothing_has_a_norm_of_zero() -> None:
    for sign in (1, -1):
        nothing = figures.statistics(3, sign * np.zeros(3, np.float32))
        assert (str(nothing.norm), str(nothing.largest)) == ("0.0", "0.0")
    assert figures.norm(np.zeros(0)) == 0.0
    assert figures.statistics(12, np.zeros(0)) == figures.statistics(12, np.zeros(3))


def test_equal_weights_are_told_from_weights_that_only_begin_alike() -> None:
    values = np.full(100, -0.5, np.float32)
    assert figures.weights(values, 2).equal
    values[50:] = 0.25
    assert not figures.weights(values, 2).equal


def test_digits_are_those_of_the_difference() -> None:
    exact = np.array([1.0, 2.0, 2.0])
    kept = figures.digits("float32", {"w": (exact + np.array([0.0, 0.003, 0.0]), exact), "b": (exact, exact)})
    assert kept.parameters["w"] == pytest.approx(3.0)
    assert kept.parameters["b"] == 17.0
    assert kept.whole == pytest.approx(-math.log10(0.003 / math.sqrt(18)))


def test_the_cosine_of_a_term() -> None:
    whole = np.array([3.0, 4.0])
    found = term_of("penalty", 2.0, [(np.array([0.0, 2.0]), whole)], 5.0)
    assert (found.norm, found.cosine) == (2.0, pytest.approx(0.8))
    assert term_of("none", 2.0, [], 5.0).cosine == 0.0


def test_a_loss_that_is_a_sum_is_told_from_one_that_is_a_mean() -> None:
    full = DRAW.normal(size=9)
    told = accumulation([4, 4], {"w": (full / 2, full)}, [], [])
    assert [reason.partition(",")[0] for reason in told.reasons] == ["the loss is a sum over the samples"]
    assert (told.worst, told.worst_difference) == ("w", pytest.approx(0.5))
    assert accumulation([4, 4], {"w": (full * (1 + 1e-7), full)}, [], []).reasons == []
    assert accumulation([4, 4], {"w": (np.zeros(9), np.zeros(9))}, [], []).reasons == []


def test_micro_batches_cut_what_is_as_long_as_the_batch() -> None:
    batch = {"ids": np.arange(5), "scale": np.ones(3)}
    sizes = sizes_of(batch, 2)
    first, second = micro_batches([batch, (np.arange(5) * 10, "text")], sizes)
    assert sizes == [3, 2]
    assert first[0]["ids"].tolist() == [0, 1, 2]
    assert second[0]["ids"].tolist() == [3, 4]
    assert second[0]["scale"].tolist() == [1, 1, 1]
    assert second[1][0].tolist() == [30, 40]
    assert second[1][1] == "text"
