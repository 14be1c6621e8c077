"""Arrays from files that ``numpy.save`` wrote."""

from __future__ import annotations

import math
from itertools import islice
from pathlib import Path

import numpy as np

from gradtool.target.shapes import MAX_ENTRIES
from gradtool.target.syntax import suggestion
from gradtool.values import Array, Value

__all__ = ["beside", "read_npy"]

MOST_FILES = 1000
"""So many files of a folder are looked at for one of a similar name."""


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


def beside(path: str) -> str:
    """What may have been meant by ``path``, where there is no such file."""
    folder = Path(path).parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    known = sorted(file.name for file in islice(folder.glob("*.npy"), MOST_FILES))
    near = suggestion(Path(path).name, known)
    if near:
        return f"did you mean {folder / near}?"
    return (
        f"there is {', '.join(known[:5])}" if known else "there is no .npy file in its folder; numpy.save writes them"
    )


def _is_npy(magic: bytes) -> bool:
    return magic == b"\x93NUMPY"
