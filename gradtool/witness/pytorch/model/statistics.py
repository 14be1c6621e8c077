"""Figures of many tensors in few passes over memory.

Chosen by measurement at 110 million parameters: ``_foreach_norm`` for all norms at once, one ``aminmax`` for each
tensor, zeros counted by NumPy in blocks that stay in the cache (twice as fast as ``count_nonzero``); NaN and Inf are
counted only where a norm is not finite. A few per cent of the time of one forward and backward pass over 512 tokens,
where six naive statistics take 21 % (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from gradtool.evidence import Halves, Statistics, Weights
from gradtool.witness.model.conventions import LOST, RARE, SUBNORMAL

__all__ = ["halves", "norm_of", "norms", "statistics", "weights"]

FEW, NEAR = 16, 1e-3
"""Numbers that are looked at first, and how near to each other sizes count as one."""

BLOCK = 1 << 16
"""Numbers that fit into a cache."""

SMALL = {torch.float32: 1e-15, torch.float64: 1e-150}
"""A root mean square below which squares are lost in a sum of this dtype."""


def norms(tensors: Sequence[torch.Tensor]) -> list[float]:
    """The l2 norm of each tensor, summed in float32 or wider; right where squares leave the dtype."""
    if not tensors:
        return []
    wide = [_wide(tensor) for tensor in tensors]
    first = torch._foreach_norm(wide, 2)  # noqa: SLF001  # what clip_grad_norm_ itself uses
    found = torch.stack([one.double() for one in first]).tolist()
    return [
        norm if _is_safe(norm, tensor) else float(_rescaled(tensor).double())
        for tensor, norm in zip(wide, found, strict=True)
    ]


def norm_of(tensor: torch.Tensor) -> torch.Tensor:
    """The l2 norm as a tensor of one number. Elsewhere than on the CPU nothing waits, and squares may be lost."""
    wide = _wide(_values(tensor).detach())
    found = torch.linalg.vector_norm(wide)
    return found if wide.device.type != "cpu" or _is_safe(float(found), wide) else _rescaled(wide)


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.is_complex():
        return tensor.abs()
    return tensor if tensor.dtype in SMALL else tensor.to(torch.float32)


def _is_safe(norm: float, tensor: torch.Tensor) -> bool:
    """Whether no square left the dtype on the way."""
    least: float = SMALL[tensor.dtype] * tensor.numel() ** 0.5
    return least < norm < float("inf")


def _rescaled(tensor: torch.Tensor) -> torch.Tensor:
    """The norm by way of the largest number, whose square is 1 then."""
    if not tensor.numel():
        return torch.zeros((), dtype=torch.float64)
    largest = torch.linalg.vector_norm(tensor, float("inf"))
    if not 0 < float(largest) < float("inf"):
        return largest
    return largest.double() * torch.linalg.vector_norm(tensor / largest).double()


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
            float(tensor.detach().mean(dtype=torch.float32))
            if tensor.ndim == 1 and tensor.numel() and not tensor.is_complex()
            else None,
        )
        for tensor, norm in zip(tensors, found, strict=True)
    ]


def _equal(tensor: torch.Tensor, norm: float) -> bool:
    """Whether all numbers have the size of their root mean square; the first few differ almost always."""
    flat, size = tensor.reshape(-1), norm / tensor.numel() ** 0.5
    return all(bool(((part.abs() - size).abs() <= NEAR * size).all()) for part in (flat[:FEW], flat))


def _values(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers that are there; of complex ones their sizes."""
    values = tensor.coalesce().values() if tensor.is_sparse else tensor.detach()
    return values.abs() if values.is_complex() else values


def _filled(values: torch.Tensor) -> int:
    """How many numbers are not 0."""
    if values.device.type != "cpu" or values.dtype not in SMALL or not values.is_contiguous():
        return int(torch.count_nonzero(values))
    flat = values.reshape(-1).numpy()
    return sum(int(np.count_nonzero(flat[start : start + BLOCK] != 0)) for start in range(0, flat.size, BLOCK))


def _statistics(tensor: torch.Tensor, values: torch.Tensor, norm: float, *, moments: bool) -> Statistics:
    count = tensor.numel()
    if not values.numel():
        return Statistics(count, 0.0, 0.0, count)
    least, largest = (float(one) for one in torch.aminmax(values))
    zeros = count - _filled(values)
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
