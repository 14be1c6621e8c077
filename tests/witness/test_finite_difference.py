"""Finite differences of NumPy functions: an error bar that covers, and the kinds of points without a derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradtool.evidence import Difference
from gradtool.target.dtype import rounded
from gradtool.witness.finite_difference import differences

Function = Callable[[Any], Any]


def difference(function: Function, at: float, claim: float | None = None, dtype: str = "float64") -> Difference:
    """The Difference of a function of x alone, run in ``dtype``."""
    kind = np.dtype(dtype).type

    def forward(arrays: Any) -> Any:
        return function(arrays["x"].astype(kind)).astype(np.float64).reshape(-1, 1)

    ((found,),) = differences(
        forward, {"x": at}, {"x": np.array([math.nan if claim is None else claim])}, dtype
    ).values()
    return found


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


BENIGN: list[tuple[str, Function, Callable[[float], float]]] = [
    ("x**2", lambda x: x**2, lambda x: 2 * x),
    ("x**3 - x", lambda x: x**3 - x, lambda x: 3 * x * x - 1),
    ("x**7", lambda x: x**7, lambda x: 7 * x**6),
    ("1/x", lambda x: 1 / x, lambda x: -1 / x**2),
    ("sqrt", np.sqrt, lambda x: 0.5 / math.sqrt(x)),
    ("cbrt", np.cbrt, lambda x: math.cbrt(x) / (3 * x)),
    ("exp", np.exp, math.exp),
    ("log", np.log, lambda x: 1 / x),
    ("log1p", np.log1p, lambda x: 1 / (1 + x)),
    ("expm1", np.expm1, math.exp),
    ("sin", np.sin, math.cos),
    ("cos 2x", lambda x: np.cos(2 * x), lambda x: -2 * math.sin(2 * x)),
    ("tan x/5", lambda x: np.tan(x / 5), lambda x: 0.2 / math.cos(x / 5) ** 2),
    ("atan", np.arctan, lambda x: 1 / (1 + x * x)),
    ("sinh", np.sinh, math.cosh),
    ("cosh", np.cosh, math.sinh),
    ("tanh", np.tanh, lambda x: 1 / math.cosh(x) ** 2),
    ("asinh", np.arcsinh, lambda x: 1 / math.sqrt(1 + x * x)),
    ("sigmoid", sigmoid, lambda x: 1 / (4 * math.cosh(x / 2) ** 2)),
    ("softplus", lambda x: np.log1p(np.exp(x)), lambda x: 1 / (1 + math.exp(-x))),
    ("x exp(-x)", lambda x: x * np.exp(-x) + x, lambda x: (1 - x) * math.exp(-x) + 1),
    ("gauss", lambda x: np.exp(-x * x / 8), lambda x: -x / 4 * math.exp(-x * x / 8)),
    ("x log x", lambda x: x * np.log(x), lambda x: math.log(x) + 1),
    ("x**x", lambda x: x**x, lambda x: x**x * (math.log(x) + 1)),
    ("rational", lambda x: (x + 3) / (x * x + 1), lambda x: (1 - 6 * x - x * x) / (x * x + 1) ** 2),
    ("sin of square", lambda x: np.sin(x * x) + 3 * x, lambda x: 2 * x * math.cos(x * x) + 3),
    ("line", lambda x: 3 * x - 7, lambda _: 3.0),
    ("2**x", np.exp2, lambda x: 2**x * math.log(2)),
]
BENIGN_POINTS = (0.37, 1.0, 1.7, 3.3)
CASES = [(f"{name} at {x}", function, x, slope(x)) for name, function, slope in BENIGN for x in BENIGN_POINTS]


@pytest.mark.parametrize(("function", "x", "slope"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@pytest.mark.parametrize("factor", [1.0, 1.1, 0.0, -3.0])
def test_the_bar_covers_whatever_was_claimed(function: Function, x: float, slope: float, factor: float) -> None:
    """112 benign cases: the closed form lies within the bar, and the bar is narrow, also where the claim is wrong."""
    found = difference(function, x, slope * factor)
    assert found.regime == "smooth"
    assert abs(found.value - slope) <= found.bar + 1e-15 * abs(slope)
    assert found.bar < 1e-6 * max(abs(slope), 1e-3)


@pytest.mark.parametrize("claim", [None, math.nan, math.inf, -math.inf, 0.0, 1e300])
def test_a_claim_that_is_no_number_or_absurd_does_not_bias_the_difference(claim: float | None) -> None:
    found = difference(np.sin, 1.0, claim)
    assert abs(found.value - math.cos(1)) <= max(found.bar, 1e-15)


@pytest.mark.parametrize("x", BENIGN_POINTS)
@pytest.mark.parametrize(("function", "slope"), [case[1:] for case in BENIGN], ids=[case[0] for case in BENIGN])
def test_the_bar_covers_in_float32(function: Function, slope: Callable[[float], float], x: float) -> None:
    """The point is a float32 and so is the arithmetic; the bar is wider, but never useless."""
    at = float(np.float32(x))
    found = difference(function, at, slope(at), "float32")
    assert found.regime == "smooth"
    assert abs(found.value - slope(at)) <= found.bar
    assert found.bar < 0.02 * max(abs(slope(at)), 0.3)


def coarse(function: Function, at: float, claim: float, dtype: str) -> Difference:
    """The Difference of a function of x alone that is run in float32 and rounded to ``dtype`` once, at the end."""

    def forward(arrays: Any) -> Any:
        x = arrays["x"]
        assert [rounded(float(number), dtype) for number in x] == x.tolist()
        values = np.asarray(function(x.astype(np.float32)), dtype=np.float64)
        return np.array([[rounded(float(value), dtype)] for value in values])

    ((found,),) = differences(forward, {"x": at}, {"x": np.array([claim])}, dtype).values()
    return found


@pytest.mark.parametrize(("dtype", "useful"), [("float16", 0.3), ("bfloat16", 1.5)])
@pytest.mark.parametrize("factor", [1.0, 0.0, -3.0])
def test_in_16_bits_a_bar_is_wide_and_covers(dtype: str, useful: float, factor: float) -> None:
    """112 benign cases, whatever was claimed: no bar or one that covers, and the half of them are of some use."""
    bars = []
    for name, function, slope in BENIGN:
        for x in BENIGN_POINTS:
            at = rounded(x, dtype)
            found = coarse(function, at, slope(at) * factor, dtype)
            if math.isfinite(found.bar):
                assert abs(found.value - slope(at)) <= found.bar, (name, x)
                bars.append(found.bar / abs(slope(at)))
    assert len(bars) > 100
    assert sorted(bars)[len(bars) // 2] < useful


def test_noise_as_large_as_the_function_leaves_no_difference() -> None:
    """Neighbours of 24864 in float16 are 16 apart: a sine has more than two periods between them."""
    found = coarse(np.sin, 24864.0, math.cos(24864.0), "float16")
    assert math.isnan(found.value)
    assert not math.isfinite(found.bar)


SHARP: list[tuple[str, Function, float, str, float, float]] = [
    ("abs", np.abs, 0.0, "kink", -1, 1),
    ("relu", lambda x: np.maximum(x, 0), 0.0, "kink", 0, 1),
    ("max(x, x**2)", lambda x: np.maximum(x, x * x), 1.0, "kink", 1, 2),
    ("abs(x - 3) + x**2", lambda x: np.abs(x - 3) + x * x, 3.0, "kink", 5, 7),
    ("leaky", lambda x: np.where(x > 0, x, 0.01 * x), 0.0, "kink", 0.01, 1),
    ("hinge", lambda x: np.clip(x, -1, 1), 1.0, "kink", 1, 0),
    ("exp(-abs(x))", lambda x: np.exp(-np.abs(x)), 0.0, "kink", 1, -1),
    ("floor", np.floor, 2.0, "jump", math.nan, 0),
    ("sign", np.sign, 0.0, "jump", math.nan, math.nan),
    ("step", lambda x: np.where(x < 1, x, x + 5), 1.0, "jump", math.nan, 1),
    ("cbrt", np.cbrt, 0.0, "steep", math.nan, math.nan),
    ("sqrt(abs(x))", lambda x: np.sqrt(np.abs(x)), 0.0, "steep", math.nan, math.nan),
    ("abs(x)**0.7", lambda x: np.abs(x) ** 0.7, 0.0, "steep", math.nan, math.nan),
    ("sqrt(abs(x - 2))", lambda x: np.sqrt(np.abs(x - 2)), 2.0, "steep", math.nan, math.nan),
    ("x**1.5", lambda x: x**1.5, 0.0, "one_sided", math.nan, 0),
    ("x log(x) + 1 from 1", lambda x: np.where(x >= 1, x * np.log(x), math.nan), 1.0, "one_sided", math.nan, 1),
    ("asin", np.arcsin, 1.0, "one_sided", math.nan, math.nan),
    ("log", np.log, 0.0, "unclear", math.nan, math.nan),
    ("nan", lambda x: x * math.nan, 1.0, "unclear", math.nan, math.nan),
]


@pytest.mark.parametrize("claim", [None, 0.5, 1.0])
@pytest.mark.parametrize(
    ("function", "x", "regime", "left", "right"), [c[1:] for c in SHARP], ids=[c[0] for c in SHARP]
)
def test_a_point_without_a_derivative_is_recognised_with_its_slopes(
    function: Function, x: float, regime: str, left: float, right: float, claim: float | None
) -> None:
    """No value is given there; where a side has a slope, that side's bar covers it (nan: nothing to check)."""
    found = difference(function, x, claim)
    assert found.regime == regime
    assert not math.isfinite(found.bar)
    assert math.isnan(found.value)
    for slope, got, bar in ((left, found.left, found.left_bar), (right, found.right, found.right_bar)):
        if not math.isnan(slope):
            assert abs(got - slope) <= bar + 1e-15
            assert bar < 1e-3


ROUGH: list[tuple[str, Function, float, float]] = [
    ("(1-cos x)/x^2", lambda x: (1 - np.cos(x)) / x**2, 1e-4, -1e-4 / 12),
    ("(exp(x)-1)/x", lambda x: (np.exp(x) - 1) / x, 1e-5, 0.5 + 1e-5 / 3),
    ("x + 1e8 - 1e8", lambda x: (x + 1e8) - 1e8, 0.3, 1.0),
    ("sqrt(x+1)-sqrt(x)", lambda x: np.sqrt(x + 1) - np.sqrt(x), 1e10, -2.5e-16 + 1.875e-26),
    ("sin(1e6 x)", lambda x: np.sin(1e6 * x), 0.3, 1e6 * math.cos(3e5)),
    ("quantised", lambda x: np.round(x * 1e9) / 1e9, 0.123456, 1.0),
    ("float32 inside", lambda x: np.exp(x).astype(np.float32).astype(np.float64), 0.5, math.exp(0.5)),
]


@pytest.mark.parametrize(("function", "x", "slope"), [c[1:] for c in ROUGH], ids=[c[0] for c in ROUGH])
def test_where_the_function_is_rough_the_bar_grows_to_cover_it(function: Function, x: float, slope: float) -> None:
    """Cancellation, stairs, wild oscillation: a wide bar or none, but never a confident wrong number."""
    found = difference(function, x, slope)
    assert not math.isfinite(found.bar) or abs(found.value - slope) <= found.bar
    wrong = difference(function, x, slope * 1.5 + 1)
    assert not math.isfinite(wrong.bar) or abs(wrong.value - slope) <= wrong.bar


@pytest.mark.parametrize("at", [1e-300, 1e-30, 1e-3, 1e3, 1e30, 1e150, -1e8])
def test_the_step_follows_the_size_of_the_coordinate(at: float) -> None:
    """x**2 has slope 2 x at every magnitude; an absolute step would vanish or dwarf the point."""
    found = difference(lambda x: x * (x / abs(at)), at, None)
    assert found.regime == "smooth"
    assert found.value == pytest.approx(math.copysign(2, at), rel=1e-9)


def test_each_variable_is_moved_alone_and_in_one_call() -> None:
    """x*y**2 and 7 times it: the slopes are y**2 and 2 x y; the forward function runs once, on arrays of one length."""
    lengths = []

    def forward(arrays: Any) -> Any:
        lengths.append({len(array) for array in arrays.values()})
        product = arrays["x"] * arrays["y"] ** 2 + 0 * arrays["z"]
        return np.stack([product, 7 * product], axis=1)

    claims = {"y": np.array([30.0, 210.0]), "x": np.array([math.nan, 0.0])}
    rows = differences(forward, {"x": 3.0, "y": 5.0, "z": 1.0}, claims, "float64")
    assert list(rows) == ["y", "x"]
    found = [first for first, _ in rows.values()]
    assert [record.value for record in found] == pytest.approx([30, 25], rel=1e-9)
    assert [second.value for _, second in rows.values()] == pytest.approx([210, 175], rel=1e-9)
    assert len(lengths) == 1
    assert len(lengths[0]) == 1
    assert lengths[0] == {1 + sum(record.evaluations for record in found)}
