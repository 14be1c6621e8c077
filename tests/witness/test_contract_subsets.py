"""A backward pass that is right while every input needs a gradient, and not when some are frozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from gradtool.evidence import Breach, CallableRequest
from gradtool.witness.callable.subject import Origin
from gradtool.witness.pytorch.callable.contract import breaches
from gradtool.witness.pytorch.callable.subject import subject_of

torch.set_num_threads(1)
Gradients = tuple[torch.Tensor | None, ...]


def found(function: Callable[..., Any], count: int) -> list[Breach]:
    draw = torch.Generator().manual_seed(4)
    given = [torch.randn(3, generator=draw, dtype=torch.float64) for _ in range(count)]
    names = [f"x{place}" for place in range(count)]
    subject = subject_of(function, given, {}, names, Origin("f", "autograd function"), 3)
    return breaches(subject, CallableRequest(1, "ops.py", seed=3), "given")


def product(needed: Callable[[Any, list[torch.Tensor]], Gradients]) -> Callable[..., Any]:
    """The product of its inputs; ``needed`` hands out their gradients, which are right."""

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *factors: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*factors)
            return torch.stack(factors).prod(0)

        @staticmethod
        def backward(ctx: Any, *upstream: torch.Tensor) -> Gradients:
            factors = list(ctx.saved_tensors)
            others = [factors[:place] + factors[place + 1 :] for place in range(len(factors))]
            return needed(ctx, [upstream[0] * torch.stack(rest).prod(0) for rest in others])

    return Product.apply


def each(ctx: Any, right: list[torch.Tensor]) -> Gradients:
    return tuple(one if needed else None for one, needed in zip(right, ctx.needs_input_grad, strict=True))


def swapped(ctx: Any, right: list[torch.Tensor]) -> Gradients:
    return tuple(right) if all(ctx.needs_input_grad) else tuple(right[::-1])


def none_unless_all(ctx: Any, right: list[torch.Tensor]) -> Gradients:
    return tuple(right) if all(ctx.needs_input_grad) else tuple(None for _ in right)


def raises_without_first(ctx: Any, right: list[torch.Tensor]) -> Gradients:
    scale = right[0] if ctx.needs_input_grad[0] else None
    return tuple(one + 0 * scale for one in right)  # type: ignore[operator]


def doubled_without_third(ctx: Any, right: list[torch.Tensor]) -> Gradients:
    frozen = not ctx.needs_input_grad[2] and sum(ctx.needs_input_grad) > 1
    return tuple(2 * one if frozen else one for one in right)


FAULTS = {
    "swapped": (swapped, 2, {"x0", "x1"}, "with x0 alone differentiated the gradient is"),
    "none unless all": (none_unless_all, 3, {"x0", "x1", "x2"}, "with x0 alone differentiated the gradient is None"),
    "raises": (raises_without_first, 2, {"x1"}, "with x1 alone differentiated the backward pass raises TypeError"),
    "all but one": (doubled_without_third, 5, {"x0", "x1", "x3", "x4"}, "with all but x2 differentiated the gradient"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_gradient_that_other_inputs_change_is_told(name: str) -> None:
    fault, count, accused, words = FAULTS[name]
    told = found(product(fault), count)
    assert {(breach.kind, breach.variable) for breach in told} == {("subset", one) for one in accused}
    assert told[0].told.startswith(words)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_one_that_decides_for_each_input_by_itself_is_not(count: int) -> None:
    assert found(product(each), count) == []
    assert found(product(lambda _, right: tuple(right)), count) == []


def test_a_function_that_differentiates_by_an_input_itself_may_refuse_without_it() -> None:
    inner = product(each)

    def slope(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        (found,) = torch.autograd.grad((inner(x, x) * y).sum(), x, create_graph=True)
        return inner(found, y)  # type: ignore[no-any-return]

    assert found(slope, 2) == []


def test_it_costs_eight_more_gradients_at_most() -> None:
    calls = []

    def counting(ctx: Any, right: list[torch.Tensor]) -> Gradients:
        calls.append(tuple(ctx.needs_input_grad))
        return each(ctx, right)

    found(product(counting), 6)
    frozen = [needs for needs in calls if not all(needs)]
    assert len(frozen) == len(set(frozen)) == 8
