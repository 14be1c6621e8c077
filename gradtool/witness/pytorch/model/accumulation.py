"""Micro-batches against the full batch: the gradient that accumulation leaves, and why it differs where it does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from gradtool.evidence import Accumulated, ModelRequest
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.pytorch.model.head import batch_of
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.statistics import norms
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["accumulated"]


def accumulated(request: ModelRequest, one: Subject, rows: Sequence[Named]) -> Accumulated:
    """The sum of the gradients of each micro-batch's loss over their number, beside the gradient of the whole batch."""
    size, parts = batch_of(one.batch), request.accumulate
    if size < parts:
        raise UserFileError(
            f"a batch of {size} can't be cut into {parts}", "give a larger one with --input, or a smaller K"
        )
    held = [row for row in rows if row.tensor.grad is not None]
    full = [row.tensor.grad for row in held if row.tensor.grad is not None]
    for row in held:
        row.tensor.grad = None
    sizes = [size // parts + (place < size % parts) for place in range(parts)]
    start = 0
    for length in sizes:
        torch.manual_seed(request.seed + 1)
        loss = one.loss_of(_cut(one.batch, start, length, size), _cut(one.targets, start, length, size))
        (loss / parts).backward()
        start += length
    summed = [torch.zeros_like(row.tensor) if row.tensor.grad is None else row.tensor.grad for row in held]
    for row, gradient in zip(held, full, strict=True):
        row.tensor.grad = gradient
    apart = norms([(a - b).to_dense() for a, b in zip(summed, full, strict=True)])
    whole = norms([gradient.to_dense() for gradient in full])
    worst = max(range(len(held)), key=lambda place: apart[place] / whole[place] if whole[place] else 0.0)
    return Accumulated(
        parts,
        sizes,
        math.hypot(*whole),
        math.hypot(*norms([gradient.to_dense() for gradient in summed])),
        math.hypot(*apart),
        held[worst].name,
        apart[worst] / whole[worst] if whole[worst] else 0.0,
        _reasons(one.model, sizes, one.targets),
    )


def _cut(value: Any, start: int, length: int, size: int) -> Any:
    """The samples from ``start`` on; what is not as long as the batch belongs to every part."""
    if isinstance(value, torch.Tensor):
        return value[start : start + length] if value.ndim and value.shape[0] == size else value
    if isinstance(value, Mapping):
        return {name: _cut(part, start, length, size) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_cut(part, start, length, size) for part in value)
    return value


def _reasons(model: nn.Module, sizes: Sequence[int], targets: Any) -> list[str]:
    """What is known to make the two differ."""
    found = []
    norm_layers = [name for name, part in model.named_modules() if "BatchNorm" in type(part).__name__ and part.training]
    if norm_layers:
        found.append(f"BatchNorm takes its mean and variance from each micro-batch: {', '.join(norm_layers[:3])}")
    if len(set(sizes)) > 1:
        found.append(
            f"the micro-batches are unequal ({min(sizes)} and {max(sizes)} samples), and each mean counts alike"
        )
    dropped = [
        name for name, part in model.named_modules() if "Dropout" in type(part).__name__ and part.training and part.p
    ]
    if dropped:
        found.append(f"Dropout draws anew for each micro-batch: {', '.join(dropped[:3])}")
    if isinstance(targets, torch.Tensor) and not targets.is_floating_point() and bool((targets == -100).any()):
        found.append("ignored targets (-100) are unevenly spread, and each micro-batch's mean leaves out its own")
    return found
