"""Arrays on their way between processes: .npz files in the parent's folder, since they are too many for a record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "read_arrays", "write_arrays"]

Arrays = dict[str, NDArray[Any]]
"""By their names, in an order that stays."""


def read_arrays(path: Path) -> Arrays:
    """The arrays of an .npz file by their names, in the order in which they were written."""
    with np.load(path, allow_pickle=False) as held:
        return {_plain(key): held[key] for key in held.files}


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """The same, the other way."""
    with path.open("wb") as out:
        np.savez(out, **{_escaped(key): value for key, value in arrays.items()})  # type: ignore[arg-type]


def _escaped(key: str) -> str:
    """A name that is safe as a member of a zip file, and never the name of an argument."""
    return "=" + key.replace("%", "%25").replace("/", "%2F")


def _plain(key: str) -> str:
    return key[1:].replace("%2F", "/").replace("%25", "%")
