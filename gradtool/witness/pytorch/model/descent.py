"""One small step along -g: does the loss go down as the gradient says?"""

from __future__ import annotations

import torch

from gradtool.evidence import Descent, ModelEvidence
from gradtool.witness.model.conventions import SHORT, SHRINK, TRIES
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["descent"]


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
    kept = [tensor.clone() for tensor in moved]  # what is added can't be taken away again to the last bit
    for _ in range(TRIES):
        torch._foreach_add_(moved, gradients, alpha=-step * unit)
        torch.manual_seed(seed + 1)
        try:
            after = float(one.loss().detach())
        finally:
            torch._foreach_copy_(moved, kept)
        found = Descent(step, before, after, step * square)
        if after < before:
            return found
        step /= SHRINK
    return found
