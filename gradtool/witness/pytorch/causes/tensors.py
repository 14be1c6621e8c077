"""A tensor as the finders see it: the memory that holds it, how bad its numbers are, and its numbers as an array."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from gradtool.witness.causes.operands import FINITE, INFINITE, NAN, Array, Given, number

__all__ = ["dtype_of", "given_of", "has_level", "is_whole", "key_of", "level", "operands_of", "stored"]

FEW = 64
"""Where much is NaN, the first numbers tell."""
WIDE = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
"""In which the numbers of a type with a small range are summed."""


def has_level(tensor: torch.Tensor) -> bool:
    """Whether it has numbers of its own that may not be finite."""
    return bool(tensor.is_floating_point() or tensor.is_complex()) and tensor.device.type != "meta"


def stored(tensor: torch.Tensor) -> torch.Tensor:
    """The stored numbers of a sparse tensor; any other as it is."""
    if tensor.layout == torch.strided:
        return tensor
    return tensor._values() if tensor.layout == torch.sparse_coo else tensor.values()  # noqa: SLF001


def key_of(tensor: torch.Tensor) -> int:
    """The memory that holds it."""
    return int(stored(tensor).untyped_storage()._cdata)  # noqa: SLF001  # has no public name


def is_whole(tensor: torch.Tensor) -> bool:
    """Whether it is all of its memory, which a slice is not."""
    plain = stored(tensor)
    return bool(plain.numel() * plain.element_size() >= plain.untyped_storage().nbytes())


def level(tensor: torch.Tensor) -> int:
    """FINITE, INFINITE or NAN; one pass where all is finite."""
    tensor = stored(tensor)
    if tensor.numel() == 0:
        return FINITE
    with torch.no_grad():
        total = abs(tensor.sum(dtype=WIDE.get(tensor.dtype)).item())
        if math.isfinite(total):
            return FINITE
        real = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
        if math.isnan(total) and real.is_contiguous() and real.view(-1)[:FEW].isnan().any():
            return NAN
        bounds = [bound.item() for bound in real.aminmax()]  # NaN where one of the numbers is
        if math.isnan(bounds[0]):
            return NAN
        return INFINITE if any(map(math.isinf, bounds)) else FINITE


def operands_of(value: Any, known: Mapping[int, int], *, plain: bool) -> Iterator[Given]:
    """A tensor or a plain number as an operand; what is neither is none."""
    if isinstance(value, torch.Tensor):
        told = known.get(key_of(value)) if known and has_level(value) else None
        yield given_of(value, (level(value) if has_level(value) else FINITE) if told is None else told)
    elif plain and isinstance(value, float | int) and not isinstance(value, bool):
        yield number(value)
    elif isinstance(value, list | tuple) and all(isinstance(one, torch.Tensor) for one in value):
        for one in value:
            yield from operands_of(one, known, plain=plain)


def given_of(tensor: torch.Tensor, bad: int = FINITE) -> Given:
    """A tensor as an operand; ``bad`` is its level."""
    return Given(key_of(tensor), bad, functools.partial(array_of, tensor), dtype_of(tensor), tuple(tensor.shape))


def dtype_of(tensor: torch.Tensor) -> str:
    """As in float32."""
    return str(tensor.dtype).removeprefix("torch.")


def array_of(tensor: torch.Tensor) -> Array:
    plain = stored(tensor.detach())
    wide = plain.float() if plain.dtype == torch.bfloat16 else plain
    return wide.resolve_conj().resolve_neg().cpu().numpy()  # type: ignore[no-any-return]
