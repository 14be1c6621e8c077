"""A second opinion on single entries: a planted error is seen along its own axis, and nothing else is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from smooth import FUNCTIONS, Tensors, gradient_in, plus, point, value_in

from gradtool.witness.directional.entries import entry_opinions

DTYPES = ("float64", "float32")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_right_entries_are_not_accused_and_an_error_above_the_printed_power_is(name: str, dtype: str) -> None:
    value, gradient, at = value_in(name, dtype), gradient_in(name, dtype), point(name, 1, dtype)
    for variable, tensor in at.items():
        index = tuple(int(i) for i in np.unravel_index(2, tensor.shape))
        (found,) = entry_opinions(value, gradient, at, [(variable, index)], dtype)
        assert found.agrees, found
        assert math.isfinite(found.bar)
        (wrong,) = entry_opinions(
            value, plus(gradient, variable, index, 4.2 * found.bar), at, [(variable, index)], dtype
        )
        assert not wrong.agrees
        other = tuple(int(i) for i in np.unravel_index(3, tensor.shape))
        (innocent,) = entry_opinions(value, plus(gradient, variable, index, 1e3), at, [(variable, other)], dtype)
        assert innocent.agrees


def test_the_slope_along_the_axis_is_that_of_the_function() -> None:
    """Of the square, whose mean slope on a segment around 3 is 6; one of two entries, and a number by itself."""
    at = {"x": np.array([3.0, -1.0]), "y": np.array(2.0)}

    def value(x: Tensors) -> float:
        return float(np.sum(x["x"] ** 2) + 5 * x["y"])

    opinions = entry_opinions(value, lambda x: {"x": 2.1 * x["x"]}, at, [("x", (0,)), ("y", ())], "float64")
    assert [one.slope for one in opinions] == pytest.approx([6, 5], rel=1e-12)
    assert [one.claimed for one in opinions] == pytest.approx([6.3, 0], rel=1e-12)
    assert not any(one.agrees for one in opinions)
    assert [(one.variable, one.index) for one in opinions] == [("x", (0,)), ("y", ())]


def test_a_kink_on_the_axis_is_no_error() -> None:
    at = {"x": np.array([1e-3, 0.0, 1.0])}
    entries = [("x", (n,)) for n in range(3)]
    opinions = entry_opinions(
        lambda x: float(np.sum(np.abs(x["x"]))), lambda x: {"x": np.sign(x["x"])}, at, entries, "float64"
    )
    assert all(one.agrees for one in opinions)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("leak", [1e-3, 0.01, 0.3])
def test_flat_ground_beside_a_kink_is_no_stair(leak: float, dtype: str) -> None:
    """A long segment crosses the kink and agrees to anything; a short one shows a slope where the function has none."""
    at = {"x": np.array([-2.1, -0.7, 0.4, 1.3, 2.6], dtype)}

    def opinions(slope: float) -> list[bool]:
        heard = entry_opinions(
            lambda x: float(np.sum(np.maximum(x["x"], 0), dtype=np.float64)),
            lambda x: {"x": np.where(x["x"] > 0, 1, slope)},
            at,
            [("x", (n,)) for n in range(5)],
            dtype,
        )
        return [one.agrees for one in heard]

    assert opinions(0.0) == [True] * 5
    assert opinions(leak) == [False, False, True, True, True]


def test_ground_that_is_flat_by_rounding_is_no_error() -> None:
    """log(1 + exp(x)) at -400 is 0 in float64 and its slope e-174; further along the axis it is seen what rounds."""
    (found,) = entry_opinions(
        lambda x: float(np.log(1 + np.exp(x["x"][0]))),
        lambda x: {"x": 1 / (1 + np.exp(-x["x"]))},
        {"x": np.array([-400.0])},
        [("x", (0,))],
        "float64",
    )
    assert found.agrees


def test_where_nothing_is_finite_nothing_is_told() -> None:
    (found,) = entry_opinions(
        lambda _: math.nan, lambda _: {"x": np.ones(1)}, {"x": np.ones(1)}, [("x", (0,))], "float64"
    )
    assert found.agrees
    assert found.bar == found.power == math.inf


def test_a_function_that_rounds_to_bfloat16_inside_is_not_accused() -> None:
    """A ladder of float64 steps sees a stair of 16 bits as flat ground: slope 0, and it is sure of it."""
    torch = pytest.importorskip("torch")
    (found,) = entry_opinions(
        lambda x: float(torch.from_numpy(x["x"]).bfloat16().double().sum()),
        lambda x: {"x": np.ones_like(x["x"])},
        {"x": np.array([-4.826984902407649])},
        [("x", (0,))],
        "float64",
    )
    assert found.agrees
