"""The examples of callables show what they say: the right ones are right, their broken twins are not.

What is right comes from formulas on paper, or from differences; no check of gradtool has part in it.
"""

from __future__ import annotations

import importlib
import runpy
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases import FRAMEWORKS

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "callables"
NAMES = {
    "custom_relu": ("MyReLU", "my_relu"),
    "rounding": ("Rounding", "rounding"),
    "straight_through": ("StraightThrough", "straight_through"),
    "multiply": ("Multiply", "multiply"),
    "relu_at_zero": ("ReLUAtZero", "relu_at_zero"),
    "softmax_cross_entropy": ("SoftmaxCrossEntropy", "softmax_cross_entropy"),
    "layer_norm": ("LayerNorm", "layer_norm"),
    "log_sum_exp": ("log_sum_exp", "log_sum_exp"),
    "scaled_linear": ("ScaledLinear", "ScaledLinear"),
}
"""Of every file, what it defines in PyTorch and in TensorFlow."""

SLOPES = {
    "custom_relu": ([0, 0, 1, 1], [1, 1, 1, 1]),
    "rounding": ([0, 0, 0], [1, 1, 1]),
    "straight_through": ([1, 1, 1], None),
    "relu_at_zero": ([0, 1, 1], [0, 2, 1]),
}
"""What the upstream gradient is multiplied by, entry by entry: in the right one and in the broken one."""


@pytest.fixture(params=FRAMEWORKS)
def world(request: pytest.FixtureRequest) -> SimpleNamespace:
    derive = importlib.import_module(f"derived_{request.param}")
    return SimpleNamespace(framework=request.param, **vars(derive))


def opened(world: SimpleNamespace, file: str) -> tuple[Any, Any, Any]:
    """The right one, the broken one, and the inputs of both."""
    told = runpy.run_path(str(FOLDER / world.framework / f"{file}.py"))
    name = NAMES[file][FRAMEWORKS.index(world.framework)]
    broken = f"{name}Broken" if name[0].isupper() else f"{name}_broken"
    inputs = told["gradtool_inputs"]() if "gradtool_inputs" in told else told[f"{name}_inputs"]
    right, wrong = (runnable(told[one]) for one in (name, broken))
    return right, wrong, inputs


def runnable(one: Any) -> Any:
    """A Function is run by its apply, a module class is built."""
    if not isinstance(one, type):
        return one
    return (lambda *values, **named: one.apply(*values, *named.values())) if hasattr(one, "apply") and not hasattr(
        one, "parameters") else one()  # fmt: skip


def upstream(world: SimpleNamespace, function: Any, inputs: Any) -> Any:
    (u,) = world.upstream_of(world.called(function, inputs, world.leaves_of(inputs, wide=False)))
    return np.asarray(u)


def by_differences(world: SimpleNamespace, function: Any, inputs: Any, name: str) -> Any:
    x = np.asarray(world.arrays(function, inputs)[name])
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = np.array(x), np.array(x)
        up[index] += 1e-5
        down[index] -= 1e-5
        above, below = (world.value(function, world.replaced(inputs, name, moved)) for moved in (up, down))
        gradient[index] = (above - below) / 2e-5
    return gradient


def test_every_file_has_a_partner_in_the_other_framework() -> None:
    for framework in FRAMEWORKS:
        assert {path.stem for path in (FOLDER / framework).glob("*.py")} == set(NAMES)


@pytest.mark.parametrize("file", SLOPES)
def test_the_slopes_are_those_on_paper(world: SimpleNamespace, file: str) -> None:
    right, wrong, inputs = opened(world, file)
    expected, broken = SLOPES[file]
    u = upstream(world, right, inputs)
    (found,), (false,) = world.derived(right, inputs).values(), world.derived(wrong, inputs).values()
    assert np.array_equal(found, np.array(expected) * u)
    assert np.array_equal(false, np.ones(len(u)) if broken is None else np.array(broken) * u)


def test_multiply_swaps(world: SimpleNamespace) -> None:
    right, wrong, inputs = opened(world, "multiply")
    u = float(upstream(world, right, inputs))
    assert world.derived(right, inputs) == {"x": 4 * u, "y": 3 * u}
    assert world.derived(wrong, inputs) == {"x": 3 * u, "y": 4 * u}


@pytest.mark.parametrize("file", ["softmax_cross_entropy", "layer_norm", "log_sum_exp", "scaled_linear"])
def test_the_right_one_agrees_with_differences_and_its_twin_does_not(world: SimpleNamespace, file: str) -> None:
    right, wrong, inputs = opened(world, file)
    names = [name for name in world.arrays(right, inputs) if name.isdigit() or isinstance(inputs, Mapping)]
    true = {name: by_differences(world, right, inputs, name) for name in names}
    found, false = world.derived(right, inputs), world.derived(wrong, inputs)
    for name in names:
        assert found[name] == pytest.approx(true[name], abs=1e-7)
    if file == "scaled_linear":
        assert [name for name, one in false.items() if one is None] == ["scale"]
        assert np.abs(found["scale"]) > 0.1
        return
    assert np.abs(false[names[0]] - true[names[0]]).max() > 0.05
    assert all(false[name] == pytest.approx(true[name], abs=1e-7) for name in names[1:])
    if file == "softmax_cross_entropy":
        assert false["logits"] == pytest.approx(4 * true["logits"], abs=1e-7)


def test_inputs_are_told_apart(world: SimpleNamespace) -> None:
    """Both ways of the convention occur: a tuple, and a dict by name."""
    kinds = {isinstance(opened(world, file)[2], Mapping) for file in NAMES}
    assert kinds == {True, False}
