"""What is tried on a model beside its one forward and backward pass. Each leaves the weights as they were."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import torch

from gradtool.evidence import Clipped, Descent, ModelEvidence, ModelRequest, Record
from gradtool.witness.pytorch.model.parameters import Named, global_norm
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["experiments"]

SHORT = 1e-3
"""The first step along -g promises to lower the loss by this part of it ..."""
SHRINK, TRIES = 16.0, 4
"""... and is made shorter so often, where the loss curves."""


def experiments(
    request: ModelRequest, one: Subject, rows: list[Named], _optimizer: Any, evidence: ModelEvidence
) -> Generator[Record, None, ModelEvidence]:
    """The evidence with what was asked for; progress on the way."""
    yield from ()
    if request.clip is not None:
        evidence = replace(evidence, clipped=_clipped(rows, request.clip, evidence.norm))
    return replace(evidence, descent=_descent(request, one, rows, evidence))


def _clipped(rows: list[Named], limit: float, before: float) -> Clipped:
    """What ``clip_grad_norm_`` does, by our own arithmetic and by its own."""
    own = [row.tensor for row in rows if row.tensor.grad is not None]
    kept = [None if tensor.grad is None else tensor.grad.clone() for tensor in own]
    torch.nn.utils.clip_grad_norm_(own, limit)
    after = global_norm(rows)
    for tensor, gradient in zip(own, kept, strict=True):
        tensor.grad = gradient
    return Clipped(limit, before, before * min(1.0, limit / (before + 1e-6)), after)


def _descent(request: ModelRequest, one: Subject, rows: list[Named], evidence: ModelEvidence) -> Descent | None:
    """One small step along -g. The random numbers are those of the first run, so dropout drops the same units."""
    before, square = evidence.loss.value, evidence.norm**2
    if not 0 < square < float("inf") or before - before != 0:
        return None
    moved = [row.tensor.detach() for row in rows if row.tensor.grad is not None]
    gradients = [row.tensor.grad for row in rows if row.tensor.grad is not None]
    step = SHORT * max(abs(before), 1e-12) / square
    for _ in range(TRIES):
        torch._foreach_add_(moved, gradients, alpha=-step)  # one pass over memory
        torch.manual_seed(request.seed + 1)
        after = float(one.loss().detach())
        torch._foreach_add_(moved, gradients, alpha=step)
        found = Descent(step, before, after, step * square)
        if after < before:
            return found
        step /= SHRINK
    return found
