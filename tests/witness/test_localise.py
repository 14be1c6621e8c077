"""Localisation: planted errors are named with bars that hold, and nothing else is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from smooth import FUNCTIONS, Tensors, gradient_in, point, value_in

from gradtool.witness.directional.localise import Localisation, localise
from gradtool.witness.directional.path_integral import path_integral

torch.set_num_threads(1)
DTYPES = ("float64", "float32")
SMOOTH = ("waves", "log_sum_exp", "quadratic", "cross_entropy", "logarithms", "offset")


def claims_of(name: str, seed: int, dtype: str = "float64") -> Tensors:
    return gradient_in(name, dtype)(point(name, seed, dtype))


def found_in(name: str, claims: Tensors, seed: int, dtype: str = "float64", **options: Any) -> Localisation:
    return localise(value_in(name, dtype), claims, point(name, seed, dtype), dtype, seed, **options)


def spoilt(claims: Tensors, variable: str, index: Any, change: Any) -> Tensors:
    copy = claims[variable].copy()
    copy[index] = change(copy[index])
    return {**claims, variable: copy}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_is_found_in_a_right_gradient(name: str, dtype: str) -> None:
    for seed in range(6):
        found = found_in(name, claims_of(name, seed, dtype), seed, dtype)
        assert (found.entries, found.scaled) == ((), ())
        assert found.evaluations < 350


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SMOOTH)
def test_one_wrong_entry_is_named_with_the_truth_inside_its_bar(name: str, dtype: str) -> None:
    """Wrong by half of itself; the largest entry of a tensor drawn at random."""
    for seed in range(3):
        claims = claims_of(name, seed, dtype)
        variable = list(claims)[seed % len(claims)]
        index = np.unravel_index(np.argmax(np.abs(claims[variable])), claims[variable].shape)
        found = found_in(name, spoilt(claims, variable, index, lambda g: 1.5 * g), seed, dtype)
        (entry,), truth = found.entries, claims[variable][index]
        assert (entry.variable, entry.index) == (variable, index)
        assert entry.claimed == 1.5 * truth
        assert abs(entry.estimated - truth) <= entry.bar < abs(truth) / 5
        assert found.complete
        assert not found.scaled


@pytest.mark.parametrize("name", SMOOTH)
def test_what_the_path_integral_just_sees_is_named(name: str) -> None:
    """Ten times the smallest error of one entry that it would have seen: about 1e-11."""
    for seed in range(2):
        value, gradient, at = value_in(name, "float64"), gradient_in(name, "float64"), point(name, seed)
        smallest = path_integral(value, gradient, at, "float64", seed).entries
        for variable in at:
            index = np.unravel_index(seed, at[variable].shape)
            claims = spoilt(gradient(at), variable, index, lambda g, error=10 * smallest[variable]: g + error)
            found = localise(value, claims, at, "float64", seed)
            assert [(entry.variable, entry.index) for entry in found.entries] == [(variable, index)]


@pytest.mark.parametrize("size", [10**5, 10**6])
def test_one_entry_in_a_million_wrong_by_one_per_cent_is_named_in_300_evaluations(size: int) -> None:
    draw = np.random.default_rng(size)
    at = {"x": draw.normal(size=size)}
    claims = FUNCTIONS["log_sum_exp"][1](at)
    index = int(draw.integers(size))
    found = localise(
        lambda x: float(FUNCTIONS["log_sum_exp"][0](x)),
        spoilt(claims, "x", index, lambda g: 1.01 * g),
        at,
        "float64",
        max_evaluations=300,
    )
    assert [entry.index for entry in found.entries] == [(index,)]
    assert abs(found.entries[0].estimated - claims["x"][index]) <= found.entries[0].bar
    assert found.complete
    assert found.evaluations < 300


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [2, 0.5, -1, 0, 24, 1 / 24, 1.1])
def test_a_factor_of_the_whole_gradient_is_told(factor: float, dtype: str) -> None:
    for name in ("waves", "quadratic", "cross_entropy"):
        claims = {key: factor * g for key, g in claims_of(name, 1, dtype).items()}
        found = found_in(name, claims, 1, dtype)
        (scaled,) = found.scaled
        assert scaled.variable is None
        assert abs(scaled.factor - factor) <= scaled.bar + 1e-6 * abs(factor)
        assert scaled.bar < 0.02 * max(abs(factor), 1e-9)
        assert not found.entries
        assert found.complete
        assert found.evaluations < 100


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [2, 0, -1])
def test_a_factor_of_one_tensor_is_told(factor: float, dtype: str) -> None:
    for name, variable in (("cross_entropy", "b"), ("cross_entropy", "W"), ("quadratic", "x"), ("logarithms", "y")):
        claims = claims_of(name, 2, dtype)
        found = found_in(name, {**claims, variable: factor * claims[variable]}, 2, dtype)
        assert [(scaled.variable, round(scaled.factor, 2)) for scaled in found.scaled] == [(variable, factor)]
        assert not found.entries
        assert found.complete


def test_several_wrong_entries_are_named_up_to_the_limit() -> None:
    claims = claims_of("waves", 4)
    places = np.argsort(-np.abs(claims["x"]))[:5]
    for sign in (-1, 0, 3):
        found = found_in("waves", spoilt(claims, "x", places, lambda g, sign=sign: sign * g), 4)
        assert {entry.index[0] for entry in found.entries} == set(places.tolist())
        assert found.complete
    few = found_in("waves", spoilt(claims, "x", places, np.negative), 4, limit=2)
    assert len(few.entries) == 2
    assert {entry.index[0] for entry in few.entries} < set(places.tolist())
    assert not few.complete


def test_the_work_is_bounded() -> None:
    claims = spoilt(claims_of("waves", 4), "x", slice(None), np.flip)
    for most in (0, 1, 20, 60, 150):
        found = found_in("waves", claims, 4, max_evaluations=most)
        assert found.evaluations <= most
        assert not found.complete
    assert len(found_in("waves", claims, 4).entries) == 8


def test_entries_that_are_no_numbers_come_first() -> None:
    claims = claims_of("quadratic", 0)
    wrong = spoilt(spoilt(claims, "A", (3, 4), lambda _: math.nan), "b", 2, lambda _: -math.inf)
    found = found_in("quadratic", wrong, 0)
    assert [(entry.variable, entry.index) for entry in found.entries] == [("A", (3, 4)), ("b", (2,))]
    for entry in found.entries:
        assert abs(entry.estimated - claims[entry.variable][entry.index]) <= entry.bar


def test_an_entry_on_which_the_function_does_not_depend() -> None:
    """The largest of all: every other entry's gradient is 0, and one is claimed to be 1e-6."""
    at = {"x": np.random.default_rng(3).normal(size=1000)}
    claims = {"x": 1.0 * (at["x"] == np.max(at["x"]))}
    found = localise(lambda x: float(np.max(x["x"])), spoilt(claims, "x", 17, lambda _: 1e-6), at, "float64")
    assert [entry.index for entry in found.entries] == [(17,)]
    found = localise(lambda x: float(np.max(x["x"])), spoilt(claims, "x", 17, lambda _: math.inf), at, "float64")
    assert [(entry.index, entry.claimed, entry.estimated) for entry in found.entries] == [((17,), math.inf, 0)]
    many = localise(lambda x: float(np.max(x["x"])), {"x": np.full(1000, math.nan)}, at, "float64")
    assert len(many.entries) == 8
    assert not many.complete


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_claim_between_the_slopes_of_both_sides_is_not_named(dtype: str) -> None:
    """Half of the entries stand on the kink of relu with claims of 0, 0.5 and 1; another one is wrong."""
    at = {"x": np.array([0.0] * 6 + [1.0, -2.0, 3.0, -1.0, 0.5, 2.0])}
    truth = {"x": np.array([0, 0.5, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1])}

    def relu(x: Tensors) -> float:
        return float(np.sum(np.maximum(x["x"].astype(dtype), 0)))

    assert localise(relu, truth, at, dtype).entries == ()
    found = localise(relu, spoilt(truth, "x", 3, lambda _: 1.5), at, dtype)
    assert {entry.index for entry in found.entries} <= {(3,)}
    assert localise(relu, spoilt(truth, "x", 8, lambda _: 40.0), at, dtype).entries[0].index == (8,)


def test_a_function_that_is_not_finite_tells_nothing() -> None:
    found = localise(lambda _: math.nan, {"x": np.ones(5)}, {"x": np.ones(5)}, "float64")
    assert (found.entries, found.scaled) == ((), ())


def test_one_entry_alone() -> None:
    at = {"x": np.array(2.0)}
    found = localise(lambda x: float(x["x"] ** 3), {"x": np.array(11.0)}, at, "float64")
    (entry,) = found.entries
    assert entry.index == ()
    assert abs(entry.estimated - 12) <= entry.bar < 1e-8


def test_a_wrong_bias_in_a_network() -> None:
    """The backward of a layer forgets one bias."""
    draw, names = np.random.default_rng(5), {"w": (10, 20), "b": (20,), "v": (20, 4), "c": (4,)}
    inputs, labels = torch.from_numpy(draw.normal(size=(16, 10))), torch.from_numpy(draw.integers(0, 4, 16))
    at = {name: 0.3 * draw.normal(size=shape) for name, shape in names.items()}

    def loss(x: dict[str, torch.Tensor]) -> torch.Tensor:
        hidden = torch.relu(inputs @ x["w"] + x["b"])
        return torch.nn.functional.cross_entropy(hidden @ x["v"] + x["c"], labels)

    leaves = {name: torch.from_numpy(array).requires_grad_() for name, array in at.items()}
    found = torch.autograd.grad(loss(leaves), list(leaves.values()))
    claims: Tensors = {name: g.numpy() for name, g in zip(leaves, found, strict=True)}

    def value(x: Tensors) -> float:
        return loss({name: torch.from_numpy(array) for name, array in x.items()}).item()

    assert localise(value, claims, at, "float64").entries == ()
    wrong = localise(value, {**claims, "c": None}, at, "float64")
    assert [(scaled.variable, scaled.factor) for scaled in wrong.scaled] == [("c", 0)]
    wrong = localise(value, spoilt(claims, "c", 2, lambda g: -g), at, "float64")
    assert [(entry.variable, entry.index) for entry in wrong.entries] == [("c", (2,))]
