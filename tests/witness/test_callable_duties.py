"""Planted breaches of the corpus of callables that show in one framework alone, or in each in its own way."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import CORPUS

Cases = Callable[[str, str], list[Any]]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Cases:
    """broken(framework, duty): the cases that break it."""
    monkeypatch.setattr(sys, "path", [str(CORPUS), *sys.path])

    def found(framework: str, duty: str) -> list[Any]:
        cases = importlib.import_module(f"callables_{framework}").CASES.values()
        return [case for case in cases if case.where == duty]

    return found


def test_every_duty_is_broken_somewhere(broken: Cases) -> None:
    duties = importlib.import_module("callables_case").DUTIES
    assert [duty for duty in duties if not broken("torch", duty)] == []
    lacking = [duty for duty in duties if not broken("tensorflow", duty)]
    assert lacking == ["modifies_upstream", "forward_mode", "batched"]


def test_pytorch_sums_a_larger_gradient_and_refuses_a_smaller_one(broken: Cases) -> None:
    from derived_torch import derived  # noqa: PLC0415  # PyTorch takes seconds, and few tests need it

    larger, smaller = broken("torch", "shape")
    function, inputs = larger.build()
    assert np.array_equal(derived(function, inputs)["x"], 3 * derived(larger.plain(), inputs)["x"])
    with pytest.raises(RuntimeError, match="invalid gradient at index 0"):
        derived(*smaller.build())


def test_tensorflow_hands_out_a_gradient_of_another_shape_or_dtype(broken: Cases) -> None:
    from derived_tensorflow import raw  # noqa: PLC0415

    cases = broken("tensorflow", "shape")
    shapes = {case.name: [list(one.shape) for one in raw(*case.build()).values()] for case in cases}
    assert shapes == {"larger_shape": [[3, 4]], "smaller_shape": [[]], "bias_not_summed": [[2, 2], [2, 2]]}
    (case,) = broken("tensorflow", "dtype")
    assert raw(*case.build())["x"].dtype.name == "float32"


def test_the_upstream_gradient_is_modified(broken: Cases) -> None:
    import torch  # noqa: PLC0415

    (case,) = broken("torch", "modifies_upstream")
    function, inputs = case.build()
    x, upstream = inputs["x"].clone().requires_grad_(), torch.ones(4, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(function(x), x, upstream)
    assert torch.equal(gradient, 2 * x)
    assert torch.equal(upstream, 2 * x)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own, at its first dual number
def test_forward_mode_disagrees(broken: Cases) -> None:
    import torch  # noqa: PLC0415

    (case,) = broken("torch", "forward_mode")
    function, inputs = case.build()
    along = torch.ones(4, dtype=torch.float64)
    with torch.autograd.forward_ad.dual_level():
        x = torch.autograd.forward_ad.make_dual(inputs["x"], along)
        slope = torch.autograd.forward_ad.unpack_dual(function(x)).tangent
    assert torch.equal(slope, inputs["x"])


def test_a_batch_of_gradients_disagrees_with_one_at_a_time(broken: Cases) -> None:
    import torch  # noqa: PLC0415

    (case,) = broken("torch", "batched")
    function, inputs = case.build()
    _, pulled = torch.func.vjp(function, inputs["x"])
    rows = torch.eye(4, dtype=torch.float64)
    single = torch.stack([pulled(row)[0] for row in rows])
    assert torch.equal(single, torch.diag(2 * inputs["x"]))
    assert torch.equal(torch.func.vmap(pulled)(rows)[0], 2 * inputs["x"] * rows.roll(1, 0))
