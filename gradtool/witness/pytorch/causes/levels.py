"""How bad the numbers of each tensor of a pass are; each tensor is looked through once, when it is made or comes in."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from gradtool.witness.causes.operands import FINITE, INFINITE, NAN
from gradtool.witness.pytorch.causes.tensors import has_level, in_memory, is_whole, key_of, stored

__all__ = ["Levels", "level"]

FEW = 64
"""Where much is NaN, the first numbers tell."""
WIDE = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
"""In which the numbers of a type with a small range are summed."""
KEEPING = frozenset(
    ("copy", "cat", "stack", "roll", "flip", "repeat", "index_select", "gather", "relu", "threshold_backward", "neg",
     "abs", "sigmoid", "tanh", "gelu", "silu", "softmax", "max_pool2d_with_indices")
)  # fmt: skip
"""Operations that make finite numbers of finite ones, as long as the dtype is the same."""


class Levels:
    """FINITE, INFINITE or NAN of each memory that was seen; its address is not given away again while this lives."""

    def __init__(self) -> None:
        self._known: dict[int, int | None] = {}
        self._held: dict[int, StorageWeakRef] = {}

    def of(self, tensor: torch.Tensor) -> int:
        """Of a tensor that an operation is given. A part of what is finite is finite."""
        if not has_level(tensor):
            return FINITE
        known, whole = self._known.get(key_of(tensor)), is_whole(tensor)
        if known is not None and (whole or known == FINITE):
            return known
        found = level(tensor)
        self._note(tensor, found if whole else None)
        return found

    def made(self, word: str, inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> list[int]:
        """Of what an operation, called ``word`` in the patterns, has made of ``inputs``."""
        known = [self._known.get(key_of(tensor)) for tensor in inputs]
        kept = word in KEEPING and all(one == FINITE for one in known)
        found = []
        for tensor in outputs:
            same = kept and all(one.dtype == tensor.dtype for one in inputs)
            now = FINITE if same else NAN if NAN in known and _begins_with_nan(in_memory(tensor)) else level(tensor)
            rest = FINITE if is_whole(tensor) else self._known.get(key_of(tensor))
            self._note(tensor, now if rest == FINITE and (now == FINITE or is_whole(tensor)) else None)
            found.append(now)
        return found

    def _note(self, tensor: torch.Tensor, found: int | None) -> None:
        key = key_of(tensor)
        self._known[key] = found
        if key not in self._held:
            self._held[key] = StorageWeakRef(stored(tensor).untyped_storage())


def level(tensor: torch.Tensor) -> int:
    """FINITE, INFINITE or NAN; one pass where all is finite."""
    numbers = in_memory(tensor)
    if numbers.numel() == 0:
        return FINITE
    with torch.no_grad():
        total = numbers.sum(dtype=WIDE.get(numbers.dtype)).item()
        if math.isfinite(total):
            return FINITE
        if math.isnan(total) and _begins_with_nan(numbers):
            return NAN
        bounds = [bound.item() for bound in numbers.aminmax()]  # NaN where one of the numbers is
        if math.isnan(bounds[0]):
            return NAN
        return INFINITE if any(map(math.isinf, bounds)) else FINITE


def _begins_with_nan(numbers: torch.Tensor) -> bool:
    """Whether there is a NaN among the first in one row; of what is none, nothing is said."""
    return numbers.dim() == 1 and bool(numbers[:FEW].isnan().any())
