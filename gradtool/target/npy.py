"""Arrays from files that ``numpy.save`` wrote."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from gradtool.target.shapes import MAX_ENTRIES
from gradtool.values import Array, Value

__all__ = ["read_npy"]


def read_npy(path: str) -> Value:
    """The numbers in the file as float64. Raises OSError, or ValueError where it holds no plain real numbers."""
    with Path(path).open("rb") as stream:
        found = np.lib.format.open_memmap(stream.name, mode="r") if _is_npy(stream.read(6)) else None
    if found is None:
        raise ValueError("it is not a .npy file")
    if found.dtype.kind not in "biuf":
        raise ValueError(f"it holds {found.dtype}, not real numbers")
    if math.prod(found.shape) > MAX_ENTRIES:
        raise ValueError(f"it holds {math.prod(found.shape)} numbers; at most {MAX_ENTRIES} can be followed")
    numbers = np.asarray(found, dtype=np.float64)
    return Array.of(found.shape, numbers.ravel().tolist()) if found.shape else float(numbers)


def _is_npy(magic: bytes) -> bool:
    return magic == b"\x93NUMPY"
