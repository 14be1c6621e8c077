"""Figures of many tensors in few passes over memory.

Chosen by measurement at 110 million parameters: ``_foreach_norm`` for all norms at once, one ``aminmax`` and one
``count_nonzero`` for each tensor; NaN and Inf are counted only where a norm is not finite. Together about 2.5 % of one
forward and backward pass over 512 tokens, where six naive statistics take 21 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gradtool.evidence import Halves, Statistics, Weights
from gradtool.witness.model.conventions import LOST, RARE, SUBNORMAL

__all__ = ["halves", "norms", "statistics", "weights"]

FEW, NEAR = 16, 1e-3
"""Numbers that are looked at first, and how near to each other sizes count as one."""


def norms(tensors: Sequence[torch.Tensor]) -> list[float]:
    """The l2 norm of each tensor, summed in float32 or wider."""
    if not tensors:
        return []
    wide = [t if t.dtype in (torch.float32, torch.float64) else t.to(torch.float32) for t in tensors]
    found: list[float] = []
    first = torch._foreach_norm(wide, 2)  # noqa: SLF001  # what clip_grad_norm_ itself uses
    for tensor, norm in zip(wide, torch.stack([one.double() for one in first]).tolist(), strict=True):
        found.append(norm if norm < float("inf") else torch.linalg.vector_norm(tensor, dtype=torch.float64).item())
    return found


def statistics(tensors: Sequence[torch.Tensor], *, moments: bool = False) -> list[Statistics]:
    """The figures of each tensor; of a sparse one those of its values, with the rows that are missing as zeros."""
    dense = [_values(tensor) for tensor in tensors]
    found = norms(dense)
    return [
        _statistics(tensor, values, norm, moments=moments)
        for tensor, values, norm in zip(tensors, dense, found, strict=True)
    ]


def weights(tensors: Sequence[torch.Tensor]) -> list[Weights]:
    """What is looked at in the weights: one pass over memory for the norms, and a look at the first few numbers."""
    found = norms([tensor.detach() for tensor in tensors])
    return [
        Weights(
            tensor.numel(),
            norm,
            norm > 0 and _equal(tensor.detach(), norm),
            float(tensor.detach().mean(dtype=torch.float32)) if tensor.ndim == 1 and tensor.numel() else None,
        )
        for tensor, norm in zip(tensors, found, strict=True)
    ]


def _equal(tensor: torch.Tensor, norm: float) -> bool:
    """Whether all numbers have the size of their root mean square; the first few differ almost always."""
    flat, size = tensor.reshape(-1), norm / tensor.numel() ** 0.5
    return all(bool(((part.abs() - size).abs() <= NEAR * size).all()) for part in (flat[:FEW], flat))


def _values(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.coalesce().values() if tensor.is_sparse else tensor.detach()


def _statistics(tensor: torch.Tensor, values: torch.Tensor, norm: float, *, moments: bool) -> Statistics:
    count = tensor.numel()
    if not values.numel():
        return Statistics(count, 0.0, 0.0, count)
    least, largest = (float(one) for one in torch.aminmax(values))
    zeros = count - int(torch.count_nonzero(values))
    nan = inf = 0
    if norm - norm != 0:
        nan, inf = int(torch.isnan(values).sum()), int(torch.isinf(values).sum())
    if not moments:
        return Statistics(count, norm, max(-least, largest), zeros, nan, inf)
    total, size = float(values.sum(dtype=torch.float64)), float(values.abs().sum(dtype=torch.float64))
    mean = total / count
    deviation = max(norm * norm / count - mean * mean, 0.0) ** 0.5
    return Statistics(count, norm, max(-least, largest), zeros, nan, inf, mean, size / count, deviation)


def halves(tensor: torch.Tensor) -> Halves:
    """What float16 would do to these numbers."""
    sizes = _values(tensor).abs().to(torch.float32).ravel()
    sizes = sizes[sizes > 0]
    if not sizes.numel():
        return Halves(tensor.numel(), 0, 0, 0.0, 0.0)
    rank = max(1, sizes.numel() // RARE)
    least = float(sizes.kthvalue(rank).values)
    lost, subnormal = int((sizes < LOST).sum()), int((sizes < SUBNORMAL).sum())
    return Halves(tensor.numel(), lost, subnormal, float(sizes.max()), least)
