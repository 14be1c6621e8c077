"""Words for changes of shape that the table has in another word: all of them are reshape, transpose or index."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.witness.callable.recorder import Recorder, Untraceable

__all__ = ["chunks", "concatenated", "flattened", "linear", "normalised", "one_hot", "pieces", "rows", "squeezed",
           "stacked", "stretched", "swapped", "unsqueezed"]  # fmt: skip


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


def stretched(x: Any, shape: Any) -> Any:
    """Repeated to a larger shape, in which -1 stands for a length as it is: times an array of ones."""
    lengths, own = x.recorder.setting(shape), x.part.shape
    lengths = lengths if isinstance(lengths, tuple) else (lengths,)
    missing = len(lengths) - len(own)
    wanted = tuple(own[place - missing] if one == -1 and place >= missing else one
                   for place, one in enumerate(lengths))  # fmt: skip
    return x if wanted == own else x.recorder.record("multiply", x, np.ones(wanted))


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


def concatenated(items: Any, axis: Any = 0) -> Any:
    """Arrays one after the other along ``axis``: the list of all of their parts."""
    recorder = _recorder(items)
    arrays = [recorder.lifted(item) for item in items]
    places = {_place(recorder.setting(axis), len(array.part.shape)) for array in arrays}
    if len(places) > 1:
        raise Untraceable("joins arrays of different ranks")
    (place,) = places
    parts = [part for array in arrays for part in rows(array, place)]
    return stacked(parts, place)


def stacked(items: Any, axis: Any = 0) -> Any:
    """Arrays of one shape along a new axis."""
    recorder = _recorder(items)
    made = recorder.record("stack", *items)
    rank = len(made.part.shape)
    place = _place(recorder.setting(axis), rank)
    order = (*range(1, place + 1), 0, *range(place + 1, rank))
    return recorder.record("transpose", made, axes=order) if place else made


def rows(x: Any, axis: Any = 0) -> tuple[Any, ...]:
    """The parts along ``axis``, each without it."""
    place = _place(x.recorder.setting(axis), len(x.part.shape))
    return tuple(x[(*(slice(None),) * place, one)] for one in range(x.part.shape[place]))


def pieces(x: Any, sizes: Any, axis: Any = 0) -> tuple[Any, ...]:
    """Slices along ``axis``: of these sizes, or all of one size, the last one of what is left."""
    shape = x.part.shape
    place = _place(x.recorder.setting(axis), len(shape))
    sizes = x.recorder.setting(sizes)
    if isinstance(sizes, int):
        sizes = tuple(min(sizes, shape[place] - start) for start in range(0, shape[place], max(sizes, 1)))
    if sum(sizes) != shape[place]:
        raise Untraceable(f"splits an axis of length {shape[place]} into {sizes}")
    ends = np.cumsum((0, *sizes)).tolist()
    before = (...,) if place == len(shape) - 1 and place else (slice(None),) * place
    return tuple(x[(*before, slice(start, stop))] for start, stop in itertools.pairwise(ends))


def chunks(x: Any, count: Any, axis: Any = 0) -> tuple[Any, ...]:
    """That many slices along ``axis``, as nearly alike as whole numbers are."""
    place = _place(x.recorder.setting(axis), len(x.part.shape))
    return pieces(x, -(-x.part.shape[place] // count), place)


def normalised(x: Any, lengths: Any, weight: Any, bias: Any, eps: Any) -> Any:
    """Layer normalisation over the last axes, as many as ``lengths`` has."""
    recorder = _recorder((x, weight, bias))
    x = recorder.lifted(x)
    axes = tuple(range(-len(recorder.setting(lengths)), 0))
    centred = x - recorder.record("mean", x, axis=axes, keepdims=True)
    made = centred / recorder.record("sqrt", recorder.record("var", x, axis=axes, keepdims=True) + eps)
    made = made if weight is None else made * weight
    return made if bias is None else made + bias


def linear(x: Any, weight: Any, bias: Any) -> Any:
    """``x @ weight.T + bias``."""
    recorder = _recorder((x, weight, bias))
    made = recorder.record("matmul", x, recorder.record("transpose", weight))
    return made if bias is None else made + bias


def _recorder(values: Any) -> Recorder:
    found: Recorder = next(value.recorder for value in values if hasattr(value, "recorder"))
    return found


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
