"""What is tried on a model beside its one forward and backward pass, in an order in which nothing disturbs the next.

Training comes last: it is the only one that leaves the weights changed.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import torch

from gradtool.evidence import Clipped, Descent, ModelEvidence, ModelRequest, Progress, Record
from gradtool.witness.model.conventions import LARGE, SHORT, SHRINK, TRIES
from gradtool.witness.pytorch.model.accumulation import accumulated
from gradtool.witness.pytorch.model.clipping import clip
from gradtool.witness.pytorch.model.parameters import Named, global_norm
from gradtool.witness.pytorch.model.subject import Subject
from gradtool.witness.pytorch.model.training import trained
from gradtool.witness.pytorch.model.verification import verified

__all__ = ["clipped", "descent", "experiments"]


def experiments(
    request: ModelRequest, one: Subject, rows: list[Named], optimizer: Any, evidence: ModelEvidence
) -> Generator[Record, None, ModelEvidence]:
    """The evidence with everything that was asked for; progress on the way."""
    if request.clip is not None:
        evidence = replace(evidence, clipped=clipped(rows, request.clip, evidence.norm))
    if sum(row.tensor.numel() for row in rows) <= LARGE:
        evidence = replace(evidence, descent=descent(request.seed, one, rows, evidence))
    else:
        told = f"no step along -g was tried, since the model has more than {LARGE:,} numbers; --verify tests more"
        evidence = replace(evidence, notes=[*evidence.notes, told])
    if request.accumulate > 1:
        yield Progress(request.key, f"{request.accumulate} micro-batches against the full batch")
        evidence = replace(evidence, accumulated=accumulated(request, one, rows))
    if request.verify:
        yield Progress(request.key, "integrating the gradient along random directions")
        evidence = replace(evidence, verified=verified(request.seed, one, rows))
    if request.training is not None:
        steps, after = yield from trained(request, one, rows, optimizer)
        evidence = replace(evidence, steps=steps, after=after)
    return evidence


def clipped(rows: list[Named], limit: float, before: float) -> Clipped:
    """What ``clip_grad_norm_`` does: by its own description (the norm plus 1e-6), and what it leaves."""
    own = [row.tensor for row in rows if row.tensor.grad is not None]
    kept = [tensor.grad.clone() for tensor in own if tensor.grad is not None]
    clip(rows, limit)
    after = global_norm(rows)
    for tensor, gradient in zip(own, kept, strict=True):
        tensor.grad = gradient
    return Clipped(limit, before, before * min(1.0, limit / (before + 1e-6)), after)


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
