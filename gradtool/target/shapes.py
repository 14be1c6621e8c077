"""The shape of every result, and the settings of operations in their full form: NumPy's rules, without NumPy.

``RULES`` holds one rule for each word in the ``shape`` cell of the operation table. A rule takes the row, the shapes
of the arguments and the options, and gives the shape of the result and the options as frameworks want them (an axis
counted from the front, a reshape without -1). It raises ShapeError where the shapes do not fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType, MappingProxyType
from typing import Any

from gradtool.target.operation import Operation
from gradtool.values import Shape

__all__ = ["MAX_ENTRIES", "RULES", "ShapeError", "broadcast", "result_shape"]

MAX_ENTRIES = 4_000_000
"""Most entries that a value on the way may have."""

Options = dict[str, Any]
Rule = Callable[[Operation, Sequence[Shape], Options], tuple[Shape, Options]]


class ShapeError(ValueError):
    """Shapes that do not go together: what is wrong, and a ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def result_shape(row: Operation, shapes: Sequence[Shape], options: Mapping[str, Any]) -> tuple[Shape, Options]:
    """The shape of ``row`` applied to arguments of ``shapes``, and its options in full form."""
    shape, complete = RULES[row.shape](row, shapes, {**row.options, **options})
    if 0 in shape:
        raise ShapeError(f"{row.label} gives an empty array, of shape {_shown(shape)}", "widen the slice")
    if math.prod(shape) > MAX_ENTRIES:
        raise ShapeError(f"{row.label} would have {_shown(shape)} entries", f"at most {MAX_ENTRIES} can be followed")
    return shape, complete


def broadcast(row: Operation, shapes: Sequence[Shape]) -> Shape:
    """The common shape to which all of ``shapes`` stretch. Raises ShapeError if there is none."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    common = []
    for lengths in zip(*padded, strict=True):
        wide = {length for length in lengths if length != 1}
        if len(wide) > 1:
            told = " and ".join(_shown(shape) for shape in dict.fromkeys(shapes) if shape)
            hint = "axes are matched from the last one; each pair must be equal, or one of them 1"
            raise ShapeError(f"{row.label} can't stretch {told} to a common shape", hint)
        common.append(wide.pop() if wide else 1)
    return tuple(common)


def _broadcast(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    if row.name != "clip":
        return broadcast(row, shapes), options
    if broadcast(row, shapes) != shapes[0]:
        raise ShapeError(f"clip can't stretch {_shown(shapes[0])} to its limits", "its limits must fit into it")
    return shapes[0], options


def _axes(row: Operation, shape: Shape, axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The axes counted from the front; all of them for None."""
    if axis is None:
        return tuple(range(len(shape)))
    wanted = (axis,) if isinstance(axis, int) else axis
    for one in wanted:
        if not -len(shape) <= one < len(shape):
            has = f"has {len(shape)} ax{'is' if len(shape) == 1 else 'es'}" if shape else "is a single number"
            hint = "; ".join(filter(None, (_axis_hint(shape), row.instead)))
            raise ShapeError(f"{row.name} has no axis {one} to work along: its argument {has}", hint)
    found = tuple(one % len(shape) for one in wanted)
    if len(set(found)) < len(found):
        raise ShapeError(f"{row.name} names an axis twice", _axis_hint(shape))
    return found


def _axis_hint(shape: Shape) -> str:
    if not shape:
        return "give the variable a shape, as in --at x=normal(3)"
    if len(shape) == 1:
        return f"{_shown(shape)} has one axis: 0, or -1 from the end"
    return f"the axes of {_shown(shape)} are 0 to {len(shape) - 1}, or from the end -1 to -{len(shape)}"


def _reduce(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    axes = _axes(row, shapes[0], options["axis"])
    keep = options["keepdims"]
    kept = [1 if axis in axes else length for axis, length in enumerate(shapes[0]) if keep or axis not in axes]
    return tuple(kept), {**options, "axis": axes}


def _along(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    axes = _axes(row, shapes[0], options["axis"])
    if len(axes) > 1 and options["axis"] is not None:
        raise ShapeError(f"{row.name} works along one axis, or over all", "name one axis")
    shape, _ = _reduce(row, shapes, options)
    return shape, {**options, "axis": axes[0] if len(axes) == 1 else None}


def _keep(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    if options["axis"] is None and len(shapes[0]) == 1:
        return shapes[0], {**options, "axis": 0}
    if options["axis"] is None or not isinstance(options["axis"], int):
        raise ShapeError(f"{row.name} needs one axis, and its argument is {_shown(shapes[0])}", _axis_hint(shapes[0]))
    return shapes[0], {**options, "axis": _axes(row, shapes[0], options["axis"])[0]}


def _matmul(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    left, right = shapes
    if not left or not right:
        raise ShapeError(f"{row.label} needs arrays on both sides, not {_shown(left)} and {_shown(right)}", "write *")
    inner = right[0] if len(right) == 1 else right[-2]
    if left[-1] != inner:
        told = f"{row.label} can't multiply {_shown(left)} by {_shown(right)}"
        hint = f"the last axis of the first ({left[-1]}) must equal the first axis of the second ({inner})"
        raise ShapeError(told, hint)
    batch = broadcast(row, (left[:-2], right[:-2]))
    return (*batch, *left[-2:-1], *(right[-1:] if len(right) > 1 else ())), options


def _dot(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    if len(shapes[0]) != 1 or shapes[0] != shapes[1]:
        told = f"{row.name} needs two vectors of one length, not {_shown(shapes[0])} and {_shown(shapes[1])}"
        raise ShapeError(told, "a product of matrices is written @")
    return (), options


def _transpose(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    rank = len(shapes[0])
    axes = options["axes"]
    axes = tuple(reversed(range(rank))) if axes in (None, ()) else _axes(row, shapes[0], axes)
    if len(axes) != rank:
        raise ShapeError(f"transpose of {_shown(shapes[0])} must name all of its {rank} axes", _axis_hint(shapes[0]))
    return tuple(shapes[0][axis] for axis in axes), {**options, "axes": axes}


def _reshape(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    wanted = options["shape"] if isinstance(options["shape"], tuple) else (options["shape"],)
    size, known = math.prod(shapes[0]), math.prod(length for length in wanted if length != -1)
    free = wanted.count(-1)
    filled = tuple(size // known if length == -1 and known else length for length in wanted)
    if free > 1 or any(length < 0 for length in filled) or math.prod(filled) != size:
        told = f"{row.name} can't make {_shown(wanted)} out of {_shown(shapes[0])}, which has {size} entries"
        raise ShapeError(told, "the lengths must multiply to that; one of them may be -1")
    return filled, {**options, "shape": filled}


def _index(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    key: list[Any] = list(options["key"])
    wanted = sum(part is not None and not isinstance(part, EllipsisType) for part in key)
    if wanted > len(shapes[0]):
        rank = len(shapes[0])
        what = f"has {rank} ax{'is' if rank == 1 else 'es'}" if rank else "is a single number"
        raise ShapeError(f"there are too many indices: the array {what}", _axis_hint(shapes[0]))
    if Ellipsis in key:
        place = key.index(Ellipsis)
        key[place : place + 1] = [slice(None)] * (len(shapes[0]) - wanted)
    lengths, shape = iter(shapes[0]), []
    for part in key:
        if part is None:
            shape.append(1)
            continue
        length = next(lengths)
        if isinstance(part, slice):
            shape.append(len(range(*part.indices(length))))
        elif not -length <= part < length:
            raise ShapeError(f"index {part} is outside an axis of length {length}", "indices count from 0")
    del row
    return (*shape, *lengths), {**options, "key": tuple(key)}


def _stack(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    del row
    if len(set(shapes)) > 1:
        told = " and ".join(_shown(shape) for shape in dict.fromkeys(shapes))
        raise ShapeError(f"the items of a list must have one shape, not {told}", "index or reshape them")
    return (len(shapes), *shapes[0]), options


def _loss(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    if shapes[0] != shapes[1]:
        told = f"{row.name} compares arrays of one shape, not {_shown(shapes[0])} and {_shown(shapes[1])}"
        raise ShapeError(told, "write the formula out where broadcasting is meant, as in mean((x - y)**2)")
    return (), options


def _cross_entropy(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    _pick(row, shapes, options)
    return (), options


def _pick(row: Operation, shapes: Sequence[Shape], options: Options) -> tuple[Shape, Options]:
    if not shapes[0] or len(shapes[0]) > 2 or shapes[0][:-1] != shapes[1]:
        told = f"{row.name} needs logits (rows x classes) and one label a row, not {_shown(shapes[0])}"
        raise ShapeError(f"{told} and {_shown(shapes[1])}", "as in logits 4x3 with labels [0, 2, 1, 1]")
    return shapes[1], options


def _shown(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})" if shape else "a single number"


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "broadcast": _broadcast, "reduce": _reduce, "along": _along, "keep": _keep, "matmul": _matmul, "dot": _dot,
        "transpose": _transpose, "reshape": _reshape, "index": _index, "stack": _stack, "loss": _loss,
        "cross_entropy": _cross_entropy, "pick": _pick,
    }
)  # fmt: skip
