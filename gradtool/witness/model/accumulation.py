"""Micro-batches against the full batch: the gradient that accumulation leaves, and why it differs where it does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gradtool.evidence import Accumulated
from gradtool.witness.model.figures import Numbers, norm
from gradtool.witness.model.user_file import UserFileError

__all__ = ["accumulation", "batch_of", "micro_batches", "sizes_of"]

SUMMED = 1e-3
"""How near K times the accumulated gradient comes to the whole one where a loss is a sum over the samples."""


def batch_of(batch: Any) -> int:
    """The number of samples: the length of the first array of a batch; 0 if there is none."""
    if hasattr(batch, "shape"):
        return int(batch.shape[0] or 0) if len(batch.shape) else 0
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, list | tuple) else ()
    return next((found for part in parts if (found := batch_of(part))), 0)


def sizes_of(batch: Any, parts: int) -> list[int]:
    """How many samples each of ``parts`` micro-batches gets; the first ones get those that are left over."""
    size = batch_of(batch)
    if size < parts:
        hint = "give a larger one with --input, or a smaller K"
        raise UserFileError(f"a batch of {size} can't be cut into {parts}", hint)
    return [size // parts + (place < size % parts) for place in range(parts)]


def micro_batches(values: Sequence[Any], sizes: Sequence[int]) -> Iterator[list[Any]]:
    """``values`` (inputs, targets, weights) cut alike, one micro-batch after the other."""
    start = 0
    for length in sizes:
        yield [_cut(value, start, length, sum(sizes)) for value in values]
        start += length


def _cut(value: Any, start: int, length: int, size: int) -> Any:
    """The samples from ``start`` on; what is not as long as the batch belongs to every part."""
    if isinstance(value, Mapping):
        return {name: _cut(part, start, length, size) for name, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [_cut(part, start, length, size) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    if not hasattr(value, "shape") or not len(value.shape) or value.shape[0] != size:
        return value
    return value[start : start + length]


def accumulation(
    sizes: Sequence[int],
    gradients: Mapping[str, tuple[Numbers, Numbers]],
    norm_layers: Sequence[str],
    dropout_layers: Sequence[str],
    *more: str,
) -> Accumulated:
    """The gradient of each parameter, accumulated and of the full batch, as evidence.

    The accumulated one is the sum over the micro-batches of the gradient of loss / K. The layers are those that are
    known to make the two differ.
    """
    apart = {name: norm(summed - full) for name, (summed, full) in gradients.items()}
    whole = {name: norm(full) for name, (_, full) in gradients.items()}
    shares = {name: apart[name] / whole[name] if whole[name] else 0.0 for name in gradients}
    worst = max(shares, key=lambda name: shares[name])
    reasons = [*_reasons(sizes, norm_layers, dropout_layers), *more]
    if _is_sum(len(sizes), gradients, math.hypot(*whole.values())):
        told = "the loss is a sum over the samples, so that of a micro-batch must not be divided by K"
        reasons = [told, *reasons]
    return Accumulated(
        len(sizes),
        list(sizes),
        math.hypot(*whole.values()),
        math.hypot(*(norm(summed) for summed, _ in gradients.values())),
        math.hypot(*apart.values()),
        worst,
        shares[worst],
        reasons,
    )


def _is_sum(parts: int, gradients: Mapping[str, tuple[Numbers, Numbers]], whole: float) -> bool:
    """Whether K times the accumulated gradient is the whole one."""
    return math.hypot(*(norm(parts * summed - full) for summed, full in gradients.values())) < SUMMED * whole


def _reasons(sizes: Sequence[int], norm_layers: Sequence[str], dropout_layers: Sequence[str]) -> list[str]:
    found = []
    if norm_layers:
        found.append(f"BatchNorm takes its mean and variance from each micro-batch: {', '.join(norm_layers[:3])}")
    if len(set(sizes)) > 1:
        least, most = min(sizes), max(sizes)
        found.append(f"the micro-batches are unequal ({least} and {most} samples), and each mean counts alike")
    if dropout_layers:
        found.append(f"Dropout draws anew for each micro-batch: {', '.join(dropout_layers[:3])}")
    return found
