"""A tensor as the finders see it: the memory that holds it, and its numbers as an array."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch

from gradtool.witness.causes.operands import FINITE, Array, Given, number

__all__ = ["dtype_of", "given_of", "has_level", "in_memory", "is_whole", "key_of", "operands_of", "stored"]


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
    """Whether it is all of its memory, which a slice is not, nor one that repeats its numbers."""
    plain = stored(tensor)
    return plain.numel() * plain.element_size() == plain.untyped_storage().nbytes() and 0 not in plain.stride()


def in_memory(tensor: torch.Tensor) -> torch.Tensor:
    """Its real numbers: in one row as they lie in memory, if it is all of its memory, else as they are."""
    plain = stored(tensor)
    if plain.is_conj() or plain.is_neg() or not is_whole(plain):
        plain = plain.resolve_conj().resolve_neg()
        return torch.view_as_real(plain) if plain.is_complex() else plain
    row = plain.as_strided((plain.numel(),), (1,), 0)
    return torch.view_as_real(row).view(-1) if row.is_complex() else row


def operands_of(value: Any, bad: Callable[[torch.Tensor], int], *, plain: bool) -> Iterator[Given]:
    """A tensor, as ``bad`` as that says, or a plain number as an operand; what is neither is none."""
    if isinstance(value, torch.Tensor):
        yield given_of(value, bad(value))
    elif plain and isinstance(value, float | int) and not isinstance(value, bool):
        yield number(value)
    elif isinstance(value, list | tuple) and all(isinstance(one, torch.Tensor) for one in value):
        for one in value:
            yield from operands_of(one, bad, plain=plain)


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
