"""Numbers of Python's and NumPy's own in the arguments of a function, and tensors."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np
import torch

from gradtool.witness.causes.events import COMMON, LOOKED_AT
from gradtool.witness.model.user_file import is_users

__all__ = ["is_literal", "numbers_in", "tensors_in"]


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor in nested tuples, lists and mappings."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_in(part)


def numbers_in(value: Any, *, whole: bool) -> Iterator[float]:
    """The numbers outside of tensors, ``whole`` ones only where that is asked for; of arrays the first ones."""
    if isinstance(value, float | np.floating):
        yield float(value)
    elif isinstance(value, int | np.integer):
        if whole and not isinstance(value, bool):
            yield float(value)
    elif isinstance(value, np.ndarray):
        if value.dtype.kind in "fiu":
            yield from map(float, itertools.islice(value.flat, LOOKED_AT))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from numbers_in(part, whole=whole)
    elif isinstance(value, list | tuple):
        for part in itertools.islice(value, LOOKED_AT):
            yield from numbers_in(part, whole=whole)


def is_literal(values: Iterable[float], frame: FrameType) -> bool:
    """Whether the program itself writes these numbers, or a library calls with them."""
    if not is_users(frame.f_code.co_filename):
        return True
    known = set(numbers_in(frame.f_code.co_consts, whole=True)) | COMMON
    return all(value in known for value in values)
