"""Words for changes of shape that the table has in another word: all of them are reshape, transpose or index."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.witness.callable.recorder import Untraceable

__all__ = ["flattened", "linear", "one_hot", "squeezed", "swapped", "unsqueezed"]


def unsqueezed(x: Any, axis: Any) -> Any:
    """A new axis of length 1 before ``axis``."""
    shape = x.part.shape
    place = _place(x.recorder.setting(axis), len(shape) + 1)
    return x.recorder.record("reshape", x, shape=(*shape[:place], 1, *shape[place:]))


def squeezed(x: Any, axis: Any = None) -> Any:
    """Without the axes of length 1, or without those of them that are named."""
    shape, axis = x.part.shape, x.recorder.setting(axis)
    named = range(len(shape)) if axis is None or axis == () else axis if isinstance(axis, tuple) else (axis,)
    gone = {_place(one, len(shape)) for one in named}
    kept = tuple(length for place, length in enumerate(shape) if place not in gone or length != 1)
    return x if kept == shape else x.recorder.record("reshape", x, shape=kept)


def flattened(x: Any, start: Any = 0, stop: Any = -1) -> Any:
    """The axes from ``start`` to ``stop`` as one."""
    shape = x.part.shape
    first, last = _place(start, len(shape)), _place(stop, len(shape))
    size = math.prod(shape[first : last + 1])
    return x.recorder.record("reshape", x, shape=(*shape[:first], size, *shape[last + 1 :]))


def swapped(x: Any, first: Any, second: Any) -> Any:
    """Two axes in each other's place."""
    axes = list(range(len(x.part.shape)))
    one, other = _place(first, len(axes)), _place(second, len(axes))
    axes[one], axes[other] = axes[other], axes[one]
    return x.recorder.record("transpose", x, axes=tuple(axes))


def linear(x: Any, weight: Any, bias: Any) -> Any:
    """``x @ weight.T + bias``."""
    recorder = next(one.recorder for one in (x, weight, bias) if hasattr(one, "recorder"))
    made = recorder.record("matmul", x, recorder.record("transpose", weight))
    return made if bias is None else made + bias


def one_hot(labels: Any, classes: int) -> NDArray[np.float64]:
    """A row for each class label, 1 at its place and 0 elsewhere; labels are constants."""
    known = np.asarray(labels)
    if known.dtype.kind not in "iu" or (known.size and not 0 <= known.min() <= known.max() < classes):
        raise Untraceable(f"has labels that are no whole numbers from 0 to {classes - 1}")
    found: NDArray[np.float64] = np.eye(classes)[known]
    return found


def _place(axis: Any, rank: int) -> int:
    if not isinstance(axis, int) or not -max(rank, 1) <= axis < max(rank, 1):
        raise Untraceable(f"names the axis {axis} of an array that has {rank}")
    return axis % max(rank, 1)
