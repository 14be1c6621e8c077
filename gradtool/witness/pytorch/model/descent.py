"""One small step along -g, and one by the optimizer: does the loss go down?"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gradtool.evidence import Descent, ModelEvidence, Stepped
from gradtool.witness.model.conventions import SHORT, SHRINK, TRIES
from gradtool.witness.model.steps import first_steps
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["descent", "stepped"]


def descent(seed: int, one: Subject, rows: list[Named], evidence: ModelEvidence) -> Descent | None:
    """One small step along -g. The random numbers are those of the first run, so dropout drops the same units."""
    before, square = evidence.loss.value, evidence.norm * evidence.norm
    if not 0 < square < float("inf") or before - before != 0:
        return None
    moved = [row.tensor.detach() for row in rows if row.tensor.grad is not None]
    gradients = [row.tensor.grad.to_dense() for row in rows if row.tensor.grad is not None]
    step, unit = SHORT * max(abs(before), 1e-12) / square, 1.0
    room = min(torch.finfo(tensor.dtype).max for tensor in moved)
    if step > room:  # no such factor in this dtype
        gradients, unit = [gradient / evidence.norm for gradient in gradients], evidence.norm
    if step * unit > room:
        return None
    for _ in range(TRIES):
        after = _loss_at(seed, one, moved, gradients, [step * unit] * len(moved))
        found = Descent(step, before, after, step * square)
        if after < before:
            return found
        step /= SHRINK
    return found


def stepped(seed: int, one: Subject, rows: list[Named], evidence: ModelEvidence) -> Stepped | None:
    """The first step of the optimizer, by its formula, and the loss behind it on the same batch."""
    factors = first_steps(evidence)
    held = [row for row in rows if row.name in factors and row.tensor.grad is not None]
    if not held or evidence.optimizer is None:
        return None
    gradients = [row.tensor.grad.to_dense() for row in held if row.tensor.grad is not None]
    if evidence.optimizer.adaptive:
        gradients = [gradient.sgn() for gradient in gradients]
    moved, sizes = [row.tensor.detach() for row in held], [factors[row.name] for row in held]
    return Stepped(evidence.loss.value, _loss_at(seed, one, moved, gradients, sizes), same=True)


def _loss_at(
    seed: int, one: Subject, moved: list[torch.Tensor], gradients: list[torch.Tensor], sizes: Sequence[float]
) -> float:
    """The loss where each tensor is moved by a factor times its gradient, downwards; they are put back afterwards."""
    kept = [tensor.clone() for tensor in moved]  # what is added can't be taken away again to the last bit
    for tensor, gradient, size in zip(moved, gradients, sizes, strict=True):
        tensor.add_(gradient, alpha=-size)
    torch.manual_seed(seed + 1)
    try:
        return float(one.loss().detach())
    finally:
        torch._foreach_copy_(moved, kept)
