"""Gradients computed in 16 bits: right ones are not accused, factors and signs are seen, the printed power is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gradtool.evidence import Survey
from gradtool.target.dtype import rounded
from gradtool.witness.directional.survey import surveyed
from gradtool.witness.rounding import nearest

torch.set_num_threads(1)
DTYPES = ("bfloat16", "float16")
Function = Callable[[torch.Tensor], torch.Tensor]
FUNCTIONS: dict[str, Function] = {
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
    "square": lambda x: x * x + x,
    "gelu": torch.nn.functional.gelu,
    "product": lambda x: x.reshape(10, -1) @ x.reshape(10, -1).T,
    "layer norm": lambda x: torch.nn.functional.layer_norm(x, x.shape),
    "sum": torch.sum,
    "exp": torch.exp,
    "relu": torch.relu,
    "logsumexp": lambda x: torch.logsumexp(x, 0),
}


def told(function: Function, dtype: str, seed: int, factor: float) -> Survey:
    """The survey of 400 entries, with the outputs weighed by a random upstream of the dtype."""
    kind, draw = getattr(torch, dtype), np.random.default_rng(seed)
    start = torch.from_numpy(draw.normal(size=400)).to(kind)
    upstream = torch.from_numpy(np.array(draw.choice([-1.0, 1.0], function(start).shape))).to(kind)

    def both(at: Any) -> Any:
        leaf = torch.from_numpy(at["x"]).to(kind).requires_grad_()
        assert torch.equal(leaf.double(), torch.from_numpy(at["x"]))
        output = function(leaf)
        (gradient,) = torch.autograd.grad(output, leaf, upstream)
        return float((output.detach().double() * upstream.double()).sum()), {"x": factor * gradient.double().numpy()}

    point = {"x": start.double().numpy()}
    return surveyed(lambda at: both(at)[0], lambda at: both(at)[1], both(point)[1], point, dtype, seed, both)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_right_gradient_is_not_accused_in_16_bits(name: str, dtype: str) -> None:
    for seed in range(6):
        found = told(FUNCTIONS[name], dtype, seed, 1.0)
        assert found.agree
        assert found.power < (0.2 if dtype == "bfloat16" else 0.1) or name == "logsumexp"
        assert found.gradients <= 100


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [2.0, -1.0, 0.0])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "logsumexp"])
def test_factors_and_signs_are_seen_in_16_bits(name: str, factor: float, dtype: str) -> None:
    """Wherever what is printed for the right gradient says that an error of this size would be."""
    seen = 0
    for seed in range(4):
        right = told(FUNCTIONS[name], dtype, seed, 1.0)
        if abs(factor - 1) > min(4 * bar / abs(difference) for difference, _, bar in right.segments):
            assert not told(FUNCTIONS[name], dtype, seed, factor).agree
            seen += 1
    assert seen >= 2


def test_the_power_says_where_16_bits_are_too_few() -> None:
    """The logarithm of a sum of 400: its value of about 6.5 moves by less than it is rounded by."""
    assert told(FUNCTIONS["logsumexp"], "bfloat16", 0, 1.0).power > 1
    assert told(FUNCTIONS["logsumexp"], "bfloat16", 0, 2.0).agree


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_arrays_are_rounded_as_numbers_are(dtype: str) -> None:
    draw = np.random.default_rng(2)
    values = draw.normal(size=300) * 10.0 ** draw.integers(-9, 5, size=300)
    with np.errstate(over="ignore"):
        assert nearest(values, dtype).tolist() == [rounded(value, dtype) for value in values.tolist()]
