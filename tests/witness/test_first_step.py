"""The first step that is reported of an optimizer is the step that PyTorch takes."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

RATE = 1e-3


def first_steps(kind: str, size: float, options: dict[str, Any]) -> tuple[Any, float]:
    """The record, and the root mean square of the step on a gradient of this size, in units of the rate."""
    from gradtool.witness.pytorch.model.parameters import Named, optimizer_record  # noqa: PLC0415

    weights = torch.ones(4, 4, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, kind)([weights], lr=RATE, **options)
    record = optimizer_record(optimizer, [Named("weight", weights, "", "Linear")])
    weights.grad = torch.full_like(weights, size)
    optimizer.step()
    return record, float((1 - weights).square().mean().sqrt().detach()) / RATE


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("Adam", {}),
        ("AdamW", {"weight_decay": 0.0}),
        ("Adamax", {}),
        ("NAdam", {}),
        ("Adagrad", {}),
        ("RMSprop", {}),
        ("RMSprop", {"alpha": 0.9, "centered": True}),
    ],
)
@pytest.mark.parametrize("size", [1e-3, 10.0])
def test_an_adaptive_first_step_has_the_size_that_is_told(kind: str, options: dict[str, Any], size: float) -> None:
    record, step = first_steps(kind, size, options)
    assert record.adaptive
    assert record.first == pytest.approx(step, rel=0.1)


@pytest.mark.parametrize(
    ("kind", "options"), [("Adadelta", {}), ("Rprop", {}), ("RAdam", {}), ("Adagrad", {"initial_accumulator_value": 1})]
)
def test_a_first_step_that_is_neither_the_rate_nor_the_gradient_is_not_told(kind: str, options: dict[str, Any]) -> None:
    record, _ = first_steps(kind, 1.0, options)
    assert (record.adaptive, record.first) == (True, None)


@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.5}, {"momentum": 0.9, "nesterov": True}],
)
def test_a_plain_step_is_the_gradient_and_nesterovs_goes_further(options: dict[str, Any]) -> None:
    record, step = first_steps("SGD", 10.0, options)
    assert not record.adaptive
    assert record.first * 10.0 == pytest.approx(step)
