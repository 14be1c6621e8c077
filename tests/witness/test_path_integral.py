"""The path integral: healthy gradients are not accused, planted errors are seen, and the printed power is true."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from smooth import FUNCTIONS, Gradient, Tensors, gradient_in, plus, point, times, value_in

from gradtool.witness.directional.flat_function import FlatFunction
from gradtool.witness.directional.path_integral import PathIntegral, path_integral
from gradtool.witness.directional.segment import GAUSS, KRONROD, NODES, PRIMITIVE

torch.set_num_threads(1)
DTYPES = ("float64", "float32")


def asked(name: str, gradient: Gradient, seed: int, dtype: str = "float64", directions: int = 3) -> PathIntegral:
    return path_integral(value_in(name, dtype), gradient, point(name, seed, dtype), dtype, seed + 100, directions)


@pytest.mark.parametrize("degree", range(23))
def test_the_quadrature_is_exact_for_polynomials(degree: int) -> None:
    """Gauss to degree 13, Kronrod to degree 22; digits that were mistyped would show."""
    exact = 2 / (degree + 1) if degree % 2 == 0 else 0.0
    assert np.dot(KRONROD, NODES**degree) == pytest.approx(exact, abs=1e-15)
    if degree < 14:
        assert np.dot(GAUSS, NODES[1::2] ** degree) == pytest.approx(exact, abs=1e-15)


@pytest.mark.parametrize("degree", range(15))
def test_the_primitive_is_that_of_a_polynomial(degree: int) -> None:
    places = np.array([-1, *NODES, 1])
    exact = (places ** (degree + 1) - (-1.0) ** (degree + 1)) / (degree + 1)
    assert PRIMITIVE @ NODES**degree == pytest.approx(exact, abs=3e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_right_gradient_is_not_accused(name: str, dtype: str) -> None:
    """Eight points, three directions each; and the test is not blind: an error of 2 per cent would be seen."""
    for seed in range(8):
        found = asked(name, gradient_in(name, dtype), seed, dtype)
        assert found.agree, (seed, found)
        assert found.power < (1e-9 if dtype == "float64" else 0.1), (seed, found)


@pytest.mark.parametrize("error", [1e-3, 1e-5, 1e-7, 1e-9, 1e-10, 1e-11])
@pytest.mark.parametrize("name", ["waves", "log_sum_exp", "quadratic", "cross_entropy", "logarithms"])
def test_a_relative_error_of_the_whole_gradient_is_seen(name: str, error: float) -> None:
    for seed in range(2):
        found = asked(name, times(gradient_in(name, "float64"), 1 + error), seed)
        assert not found.agree or found.whole > error / 2
        assert error < 1e-10 or not found.agree


@pytest.mark.parametrize("name", ["waves", "log_sum_exp", "quadratic", "cross_entropy", "logarithms", "offset"])
def test_an_error_of_two_per_cent_is_seen_in_float32(name: str) -> None:
    assert not any(asked(name, times(gradient_in(name, "float32"), 1.02), seed, "float32").agree for seed in range(6))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [-1, 0, 2, 0.5, 24, 1 / 24])
def test_signs_factors_and_detached_gradients_are_seen(factor: float, dtype: str) -> None:
    assert not asked("cross_entropy", times(gradient_in("cross_entropy", dtype), factor), 0, dtype).agree
    assert not asked("quadratic", times(gradient_in("quadratic", dtype), factor, only="b"), 0, dtype).agree


def test_a_tensor_left_out_counts_as_zero() -> None:
    gradient = gradient_in("cross_entropy", "float64")
    assert not asked("cross_entropy", lambda x: {"W": gradient(x)["W"]}, 0).agree
    with_nothing: Any = lambda x: {"W": gradient(x)["W"], "b": None}  # noqa: E731
    assert not asked("cross_entropy", with_nothing, 0).agree


def test_two_entries_swapped_do_not_cancel() -> None:
    """Random signs alone would miss them in every other direction."""

    def swapped(x: Tensors) -> Tensors:
        gradient = FUNCTIONS["waves"][1](x)["x"]
        return {"x": np.concatenate([gradient[[1, 0]], gradient[2:]])}

    assert not any(asked("waves", swapped, seed, directions=1).agree for seed in range(20))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_error_just_above_the_printed_power_is_seen(name: str, sign: int, dtype: str) -> None:
    """The error is spread over all entries so that it adds power times |g| . |v| to the slope, up or down."""
    gradient = gradient_in(name, dtype)
    for seed in range(2):
        power = asked(name, gradient, seed, dtype, directions=1).power
        function = FlatFunction(value_in(name, dtype), point(name, seed, dtype), dtype)
        signs = function.tensors(np.sign(function.direction(np.random.default_rng(seed + 100))))

        def spoilt(x: Tensors, signs: Tensors = signs, error: float = 1.05 * sign * power) -> Tensors:
            return {key: g + error * np.abs(g) * signs[key] for key, g in gradient(x).items()}

        assert not asked(name, spoilt, seed, dtype, directions=1).agree


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_error_just_above_the_printed_figures_is_seen(name: str, dtype: str) -> None:
    """Likewise for the whole gradient by one factor, and for one entry of each tensor, however small it is."""
    gradient = gradient_in(name, dtype)
    for seed in range(2):
        found = asked(name, gradient, seed, dtype)
        assert not asked(name, times(gradient, 1 + 1.05 * found.whole), seed, dtype).agree
        for variable, error in found.entries.items():
            index = np.unravel_index(seed, FUNCTIONS[name][2][variable])
            assert not asked(name, plus(gradient, variable, index, 1.05 * error), seed, dtype).agree


def test_a_tiny_entry_is_seen_or_covered_by_the_printed_figure() -> None:
    """One gradient is 1e-12 and all others about 1: it is wrong by 10, 1e3, 1e6 times itself."""

    def tiny(x: Tensors) -> Any:
        return np.sum(np.sin(x["x"][1:])) + 1e-12 * x["x"][0]

    def tiny_gradient(x: Tensors) -> Tensors:
        return {"x": np.concatenate([[1e-12], np.cos(x["x"][1:])])}

    at = {"x": np.random.default_rng(0).normal(size=40)}
    for factor in (1e1, 1e2, 1e3, 1e4, 1e6):
        error = 1e-12 * factor
        found = path_integral(tiny, plus(tiny_gradient, "x", 0, error), at, "float64")
        assert not found.agree or found.entries["x"] > error
        assert not found.agree or factor < 1e3


@pytest.mark.parametrize("dtype", DTYPES)
def test_kinks_and_jumps_beside_the_point_are_no_errors(dtype: str) -> None:
    """A sum of absolute values, and a staircase with a slope of its own."""
    for seed in range(6):
        at = {"x": np.random.default_rng(seed).normal(size=50).astype(dtype).astype(np.float64)}
        kinks = path_integral(
            lambda x: float(np.sum(np.abs(x["x"].astype(dtype)))), lambda x: {"x": np.sign(x["x"])}, at, dtype, seed
        )
        jumps = path_integral(
            lambda x: float(np.sum(np.floor(x["x"].astype(dtype)) + x["x"].astype(dtype))),
            lambda _: {"x": np.ones(50)},
            at,
            dtype,
            seed,
        )
        assert kinks.agree
        assert jumps.agree
        assert max(kinks.power, jumps.power) < 0.1


def test_at_a_kink_the_power_says_that_nothing_is_known() -> None:
    at = {"x": np.zeros(9)}
    found = path_integral(
        lambda x: float(np.sum(np.maximum(x["x"], 0))), lambda x: {"x": 1.0 * (x["x"] > 0)}, at, "float64"
    )
    assert found.agree
    assert found.power > 0.5


def test_stairs_made_by_rounding_are_no_errors() -> None:
    """x + 1e6 in float32 moves in steps of 1/16; locally it seems to stand still."""
    million = np.float32(1e6)
    for seed in range(10):
        at = {"x": np.random.default_rng(seed).normal(size=5).astype(np.float32).astype(np.float64)}
        found = path_integral(
            lambda x: float(np.sum((x["x"].astype(np.float32) + million) - million)),
            lambda _: {"x": np.ones(5)},
            at,
            "float32",
            seed,
        )
        assert found.agree


@pytest.mark.parametrize("answer", [math.nan, math.inf])
def test_what_is_not_finite_tells_nothing(answer: float) -> None:
    at = {"x": np.ones(3)}
    for value, slope in ((lambda _: answer, 1.0), (lambda x: float(np.sum(x["x"])), answer)):
        found = path_integral(value, lambda _, slope=slope: {"x": np.full(3, slope)}, at, "float64")
        assert found.agree
        assert found.power == found.whole == found.entries["x"] == math.inf


def test_the_segment_shrinks_into_the_domain() -> None:
    """Logarithms of numbers of both signs of scale, one of them 1e-6 from the edge."""
    at = {"x": np.array([1e-6, 1.0, 3.0, -2.0])}

    def value(x: Tensors) -> float:
        return float(np.sum(np.log(x["x"][:3])) + x["x"][3])

    found = path_integral(value, lambda x: {"x": np.array([*(1 / x["x"][:3]), 1.0])}, at, "float64")
    assert found.agree
    assert found.power < 1e-8
    assert not path_integral(value, lambda x: {"x": np.array([*(1 / x["x"][:3]), 1.01])}, at, "float64").agree


def test_evaluations_are_counted_and_few() -> None:
    """17 values and 15 gradients; in one call, once it is known how long a segment may be."""
    calls = []

    def value(x: Tensors) -> float:
        calls.append("value")
        return value_in("quadratic", "float64")(x)

    def gradient(x: Tensors) -> Tensors:
        calls.append("gradient")
        return gradient_in("quadratic", "float64")(x)

    def both(x: Tensors) -> tuple[float, Tensors]:
        calls.append("both")
        return value_in("quadratic", "float64")(x), gradient_in("quadratic", "float64")(x)

    found = path_integral(value, gradient, point("quadratic", 0), "float64")
    assert (found.evaluations, found.gradients) == (len(calls), calls.count("gradient")) == (3 * 32, 3 * 15)
    calls.clear()
    found = path_integral(value, gradient, point("quadratic", 0), "float64", both=both)
    assert found.evaluations == len(calls) == 32 + 2 * 17
    assert found.gradients == calls.count("gradient") + calls.count("both") == 3 * 15


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_right_gradient_takes_less_than_a_hundred_gradients(name: str, dtype: str) -> None:
    asked_for = [asked(name, gradient_in(name, dtype), seed, dtype).gradients for seed in range(8)]
    assert max(asked_for) <= 90
    assert sorted(asked_for)[4] <= 60 or (name, dtype) == ("shifted", "float32")  # which is nearly all noise


def test_one_direction_that_disagrees_is_enough() -> None:
    found = asked("waves", times(gradient_in("waves", "float64"), 1.01), 0)
    assert len(found.segments) == 1
    assert not found.agree
    assert found.gradients == 30


def test_a_fine_staircase_whose_gradient_is_zero_is_no_error() -> None:
    """Decimals cut off: flat wherever it has a slope at all, and along a long segment it goes up."""
    at = {"x": np.random.default_rng(0).normal(size=20)}
    found = path_integral(lambda x: float(np.sum(np.round(x["x"], 3))), lambda _: {"x": np.zeros(20)}, at, "float64")
    assert found.agree


def test_the_same_seed_gives_the_same_answer() -> None:
    gradient = gradient_in("waves", "float64")
    assert asked("waves", gradient, 3) == asked("waves", gradient, 3)


def test_a_function_that_writes_to_its_argument_does_no_harm() -> None:
    def value(x: Tensors) -> float:
        x["x"] *= 2
        return float(np.sum(x["x"]))

    assert path_integral(value, lambda _: {"x": np.full(4, 2.0)}, {"x": np.arange(1.0, 5)}, "float64").agree


class _Scaled(torch.autograd.Function):
    """Softplus whose backward is off by a factor."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, factor: float) -> torch.Tensor:
        context.save_for_backward(x)
        context.factor = factor
        return torch.nn.functional.softplus(x)

    @staticmethod
    def backward(context: Any, *upstream: torch.Tensor) -> Any:
        (x,) = context.saved_tensors
        return upstream[0] * torch.sigmoid(x) * context.factor, None


def network(dtype: str, activation: Any) -> tuple[Any, Gradient, Tensors]:
    """Value, gradient and point of a small network with a cross entropy."""
    kind, draw = getattr(torch, dtype), np.random.default_rng(5)
    inputs, labels = torch.from_numpy(draw.normal(size=(16, 10))).to(kind), torch.from_numpy(draw.integers(0, 4, 16))
    shapes = {"w": (10, 20), "b": (20,), "v": (20, 4)}
    at = {name: (0.3 * draw.normal(size=shape)).astype(dtype).astype(np.float64) for name, shape in shapes.items()}

    def loss(x: Tensors) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        leaves = {name: torch.from_numpy(array).to(kind).requires_grad_() for name, array in x.items()}
        hidden = activation(inputs @ leaves["w"] + leaves["b"])
        return torch.nn.functional.cross_entropy(hidden @ leaves["v"], labels), leaves

    def gradient(x: Tensors) -> Tensors:
        result, leaves = loss(x)
        found = torch.autograd.grad(result, list(leaves.values()))
        return {name: g.double().numpy() for name, g in zip(leaves, found, strict=True)}

    return lambda x: loss(x)[0].item(), gradient, at


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [torch.tanh, torch.relu, torch.nn.functional.gelu])
def test_a_network_is_not_accused(activation: Any, dtype: str) -> None:
    value, gradient, at = network(dtype, activation)
    for seed in range(3):
        found = path_integral(value, gradient, at, dtype, seed)
        assert found.agree
        assert found.power < (1e-2 if activation is torch.relu else 1e-4)


@pytest.mark.parametrize(("dtype", "factor"), [("float64", 1 + 1e-9), ("float64", 1.01), ("float32", 1.01)])
def test_a_wrong_backward_inside_a_network_is_seen(dtype: str, factor: float) -> None:
    for seed in range(3):
        value, gradient, at = network(dtype, lambda x: _Scaled.apply(x, factor))
        assert not path_integral(value, gradient, at, dtype, seed).agree
        value, gradient, at = network(dtype, lambda x: _Scaled.apply(x, 1.0))
        assert path_integral(value, gradient, at, dtype, seed).agree
