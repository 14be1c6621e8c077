"""Micro-batches against the full batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from gradtool.evidence import Accumulated, ModelRequest
from gradtool.witness.model.accumulation import accumulation, micro_batches, sizes_of
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.statistics import numbers
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["accumulated"]


def accumulated(request: ModelRequest, one: Subject, rows: Sequence[Named]) -> Accumulated:
    """The sum of the gradients of each micro-batch's loss over their number, beside the gradient of the whole batch."""
    sizes = sizes_of(one.batch, request.accumulate)
    held = [row for row in rows if row.tensor.grad is not None]
    full = [row.tensor.grad for row in held]
    for row in held:
        row.tensor.grad = None
    for batch, targets in micro_batches([one.batch, one.targets], sizes):
        torch.manual_seed(request.seed + 1)
        (one.loss_of(batch, targets) / len(sizes)).backward()
    pairs = {}
    for row, gradient in zip(held, full, strict=True):
        summed = torch.zeros_like(row.tensor) if row.tensor.grad is None else row.tensor.grad
        if gradient is not None:
            pairs[row.name] = (numbers(summed.to_dense()), numbers(gradient.to_dense()))
        row.tensor.grad = gradient
    ignored = _has_ignored(one.targets)
    more = ["ignored targets (-100) are unevenly spread, and each micro-batch's mean leaves out its own"] * ignored
    return accumulation(sizes, pairs, list(_active(one.model, "BatchNorm")), list(_active(one.model, "Dropout")), *more)


def _active(model: nn.Module, kind: str) -> Iterator[str]:
    """The names of the layers of a kind that make a difference now."""
    for name, part in model.named_modules():
        if kind in type(part).__name__ and part.training and getattr(part, "p", 1):
            yield name


def _has_ignored(targets: object) -> bool:
    """Whether cross-entropy leaves some of the targets out."""
    return isinstance(targets, torch.Tensor) and not targets.is_floating_point() and bool((targets == -100).any())
