"""How the entries of large arrays are moved, stretched and collected, for arrays of anything: values, bounds, marks.

``view`` and ``unview`` serve the steps that only move entries; ``lines``, ``stretched`` and ``collected`` those that
make one entry of many, and the way back from broadcasting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.values import Shape
from gradtool.witness.symbolic.gathered import SURE
from gradtool.witness.symbolic.large.cell import Losses, unstretched
from gradtool.witness.symbolic.large.numbers import Floats, boxed
from gradtool.witness.walk import Step

__all__ = [
    "REDUCTIONS",
    "VIEWS",
    "collected",
    "collected_losses",
    "expanded_products",
    "lines",
    "no_losses",
    "rounding_of_sums",
    "stretched",
    "unview",
    "view",
    "worst_of_lines",
]

Anything = NDArray[Any]

VIEWS = ("transpose", "reshape", "index", "stack", "_pick")
REDUCTIONS = ("sum", "amax", "amin", "_top")


def view(step: Step, arrays: Sequence[Anything], labels: Sequence[int]) -> Anything:
    """The entries that ``step`` takes from the arrays of its arguments."""
    options: dict[str, Any] = dict(step.options)
    first = arrays[0]
    match step.operation:
        case "transpose":
            return np.transpose(first, options["axes"])
        case "reshape":
            return first.reshape(step.shape)
        case "index":
            return boxed(first[options["key"]])  # type: ignore[no-any-return]
        case "_pick":
            return first.reshape(len(labels), -1)[range(len(labels)), labels].reshape(step.shape)
    return np.stack(arrays)


def unview(step: Step, array: Anything, shapes: Sequence[Shape], empty: Any, labels: Sequence[int]) -> list[Anything]:
    """What ``array``, shaped as the result of ``step``, gives back to each argument; ``empty`` where nothing is."""
    options: dict[str, Any] = dict(step.options)
    match step.operation:
        case "transpose":
            return [np.transpose(array, np.argsort(options["axes"]))]
        case "reshape":
            return [array.reshape(shapes[0])]
        case "stack":
            return [boxed(array[place]) for place in range(len(shapes))]
    back = np.full(shapes[0], empty, dtype=array.dtype)
    if step.operation == "index":
        back[options["key"]] = array if array.ndim else array[()]  # an array of objects would hold the array itself
    else:
        back.reshape(len(labels), -1)[range(len(labels)), labels] = array.ravel()
    return [back, *(np.full(shape, empty, dtype=array.dtype) for shape in shapes[1:])]


def lines(array: Anything, axes: Sequence[int]) -> Anything:
    """The entries along ``axes`` as the last axis, all other axes before it."""
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    count = math.prod(array.shape[axis] for axis in axes)
    return np.transpose(array, (*kept, *axes)).reshape(*(array.shape[axis] for axis in kept), count)


def stretched(array: Anything, axes: Sequence[int], shape: Shape) -> Anything:
    """The result of a reduction along ``axes``, stretched again to the ``shape`` of the argument."""
    ones = tuple(1 if axis in axes else length for axis, length in enumerate(shape))
    return np.broadcast_to(array.reshape(ones), shape)


def collected(array: Anything, shape: Shape, together: Callable[..., Any]) -> Anything:
    """``array`` brought back to ``shape``, from which it was stretched, by the reduction ``together``."""
    axes = unstretched(array.shape, shape)
    return array if not axes else boxed(together(array, axis=axes)).reshape(shape)


def worst_of_lines(losses: Losses | None, axes: Sequence[int], whole: Shape, shape: Shape) -> Losses | None:
    """The worst loss of each line of an array of shape ``whole``; the result has ``shape``."""
    if losses is None or not math.prod(whole):
        return None
    losses = losses.lined(whole)
    factor, codes = lines(losses.factor, axes), lines(losses.codes, axes)
    worst = factor.argmax(axis=-1, keepdims=True)
    chosen = (np.take_along_axis(part, worst, -1).reshape(shape) for part in (factor, codes))
    return Losses(*chosen)


def collected_losses(losses: Losses | None, shape: Shape) -> Losses | None:
    """The worst of what comes back to an array of ``shape`` that was stretched."""
    if losses is None:
        return None
    return worst_of_lines(losses, unstretched(losses.factor.shape, shape), losses.factor.shape, shape)


def rounding_of_sums(count: Any, total: Floats) -> Floats:
    """What summing ``count`` terms rounds, in units, whose magnitudes add to ``total``: ``gathered.sum_units``."""
    count = np.asarray(count, dtype=np.float64)
    factor = np.where(count <= SURE, np.maximum(count - 1, 0), 16 * np.sqrt(count))
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(factor == 0, 0.0, factor * total)


def no_losses(shape: Shape) -> Losses:
    """Nothing lost anywhere."""
    return Losses(np.zeros(shape), np.zeros(shape, dtype=np.int32))


def expanded_products(steps: Sequence[Step]) -> list[Step]:
    """The steps with every ``prod`` written as multiplications of halves with halves.

    A product of n numbers rounds n - 1 times in any order, and each rounding counts alike for the whole.
    """
    made: list[Step] = []
    places: list[int] = []
    for step in steps:
        moved = replace(step, arguments=tuple(places[place] for place in step.arguments))
        if step.operation == "prod" and made[moved.arguments[0]].shape:
            _multiplied(made, moved)
        elif step.operation == "prod":
            places.append(moved.arguments[0])
            continue
        else:
            made.append(moved)
        places.append(len(made) - 1)
    return made


def _multiplied(made: list[Step], step: Step) -> None:
    axis = int(dict(step.options)["axis"])
    place = step.arguments[0]
    length = made[place].shape[axis]
    rest = None
    while length > 1:
        half = length // 2
        parts = [_part(made, step, place, axis, slice(k * half, (k + 1) * half)) for k in range(2)]
        odd = _part(made, step, place, axis, slice(2 * half, None)) if length % 2 else None
        place, length = _times(made, step, *parts), half
        if odd is not None:
            rest = odd if rest is None else _times(made, step, rest, odd)
    if rest is not None:
        place = _times(made, step, place, rest)
    made.append(replace(step, operation="reshape", arguments=(place,), options=(("shape", step.shape),)))


def _part(made: list[Step], step: Step, place: int, axis: int, part: slice) -> int:
    shape = list(made[place].shape)
    key = tuple(part if other == axis else slice(None) for other in range(len(shape)))
    shape[axis] = len(range(*part.indices(shape[axis])))
    options = (("key", key),)
    made.append(replace(step, operation="index", arguments=(place,), options=options, shape=tuple(shape)))
    return len(made) - 1


def _times(made: list[Step], step: Step, left: int, right: int) -> int:
    shape, caller = made[left].shape, step.caller or step.operation
    made.append(replace(step, operation="multiply", arguments=(left, right), options=(), shape=shape, caller=caller))
    return len(made) - 1
