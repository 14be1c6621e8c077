"""What may stand after ``name=`` in ``--at``: a number, nested lists, a sweep, a random or constant array, a file."""

from __future__ import annotations

import ast
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gradtool.problem import Problem
from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.shapes import MAX_ENTRIES
from gradtool.target.tree import CONSTANTS
from gradtool.values import Array, Shape, Value, flat

__all__ = ["FORMS", "MAX_SWEEP", "Sweep", "read_value"]

MAX_SWEEP = 20_000
"""Most points of a sweep, over all swept variables together."""

FORMS = "a number, a list [1, 2], a sweep -3:3:101, normal(2,3), uniform(0,1,3), zeros(3), ones(3) or @file.npy"


@dataclass(frozen=True, slots=True)
class Sweep:
    """Many numbers for one variable, each a point of its own."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _RefusedError(Exception):
    """``hint`` empty: what may be written."""

    message: str
    hint: str = ""
    why: str = ""


def read_value(name: str, text: str, dtype: str, seed: int, forms: str = FORMS) -> Value | Sweep | Problem:
    """The value that ``text`` gives to variable ``name``, each number rounded to ``dtype``; or what is wrong with it.

    Random arrays follow from ``seed`` and the name of the variable alone. ``forms`` says what may be written.
    """
    source, start = f"{name}={text}", len(name) + 1
    try:
        value = _read(name, text.strip(), seed)
        if isinstance(value, Sweep):
            return Sweep(tuple(_fitting(name, number, dtype) for number in value.values))
        if isinstance(value, Array):
            return Array.of(value.shape, [_fitting(name, number, dtype) for number in value.data])
        form, digits = FORMATS[dtype], re.match(r"[+-]*[\d._]*[1-9]", text.strip())
        if digits and (not value or math.isinf(value)):  # Python reads 1e-400 as 0, and 1e400 as infinity
            limit = f"smallest is {form.smallest:.2g}" if not value else f"largest is {form.largest:.2g}"
            raise _unfit(name, dtype, limit)
        return _fitting(name, value, dtype)
    except _RefusedError as refused:
        span = (start, start + len(text))
        return Problem("point-value", refused.message, source, span, refused.why, refused.hint or f"write {forms}")


def _read(name: str, text: str, seed: int) -> Value | Sweep:
    if text.startswith("@"):
        return _from_file(text[1:])
    if ":" in text and not text.startswith("["):
        return _sweep(name, text)
    if match := re.fullmatch(r"(\w+)\s*(?:\(([^\[\]]*)\))?", text):
        maker = _MAKERS.get(match[1])
        if maker and not (match[2] is None and match[1] in CONSTANTS):
            return maker(_arguments(match[1], match[2] or ""), random.Random(f"{seed}/{name}"))  # noqa: S311
    return _nested(name, _python(name, text)) if text.startswith(("[", "(")) else _single(name, text)


def _python(name: str, text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _RefusedError(f"the value of {name} is not a list of numbers") from None


def _single(name: str, text: str) -> float:
    """A number, or a constant with or without signs."""
    bare = text.lstrip("+-")
    if bare in CONSTANTS:
        return CONSTANTS[bare] * (-1 if text[: -len(bare)].count("-") % 2 else 1)
    try:
        return float(text)
    except ValueError:
        raise _RefusedError(f"the value of {name} is not a number") from None


def _number(name: str, node: ast.expr) -> float:
    """An item of a list: a literal, a constant or either with a sign."""
    sign = 1.0
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign *= -1 if isinstance(node.op, ast.USub) else 1
        node = node.operand
    if isinstance(node, ast.Name) and node.id in CONSTANTS:
        return sign * CONSTANTS[node.id]
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        try:
            return sign * float(node.value)  # type: ignore[arg-type]  # int or float
        except OverflowError:
            return sign * math.inf
    if isinstance(node, ast.Name) and node.id == "nan":
        return math.nan
    raise _RefusedError(f"the value of {name} is not a number")


def _nested(name: str, node: ast.expr) -> Value:
    try:
        shape, numbers = _rows(name, node)
    except RecursionError:
        raise _RefusedError(f"the value of {name} is nested too deep", "use fewer axes") from None
    if not shape:
        return numbers[0]
    if not numbers:
        raise _RefusedError(f"the value of {name} is an empty array", "an empty array has no gradient")
    return Array.of(shape, numbers)


def _rows(name: str, node: ast.expr) -> tuple[Shape, list[float]]:
    if not isinstance(node, ast.List | ast.Tuple):
        return (), [_number(name, node)]
    rows = [_rows(name, part) for part in node.elts]
    if len({shape for shape, _ in rows}) > 1:
        raise _RefusedError(f"the rows of {name} have different lengths", "give every row the same number of entries")
    inner = rows[0][0] if rows else ()
    return (len(rows), *inner), [number for _, numbers in rows for number in numbers]


def _sweep(name: str, text: str) -> Sweep:
    parts = text.split(":")
    hint = "write start:stop:points, as -3:3:101"
    if len(parts) != 3:
        raise _RefusedError(f"the sweep of {name} needs a start, a stop and a number of points", hint)
    try:
        start, stop, number = (_single(name, part.strip()) for part in parts)
    except _RefusedError:
        raise _RefusedError(f"the sweep of {name} is not made of numbers", hint) from None
    bounds = f"a sweep has 2 to {MAX_SWEEP} points"
    if not number.is_integer():
        told = f"{parts[2].strip()} is no whole number of points for the sweep of {name}"
        raise _RefusedError(told, f"{hint}; {bounds}")
    if not 2 <= number <= MAX_SWEEP:
        raise _RefusedError(f"the sweep of {name} has {parts[2].strip()} points", bounds)
    count = int(number)
    if not (math.isfinite(start) and math.isfinite(stop)) or start == stop:
        raise _RefusedError(f"the sweep of {name} must run between two different finite numbers", hint)
    # Weighted ends, not repeated steps: both ends are hit exactly, and a symmetric sweep hits 0.
    last = count - 1
    return Sweep(tuple((start * (last - i) + stop * i) / last for i in range(count)))


def _arguments(maker: str, text: str) -> list[float]:
    if not text.strip():
        return []
    try:
        node = ast.parse(f"[{text}]", mode="eval").body
        parts = node.elts if isinstance(node, ast.List) else []
        spread = [p for part in parts for p in (part.elts if isinstance(part, ast.Tuple | ast.List) else [part])]
        return [_number(maker, part) for part in spread]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _RefusedError(
            f"the arguments of {maker} are not numbers", "as in normal(5,3) or uniform(0,1,5,3)"
        ) from None


def _shape(maker: str, numbers: Sequence[float]) -> Shape:
    if any(number != int(number) or number < 1 for number in numbers if math.isfinite(number)) or math.inf in numbers:
        raise _RefusedError(f"the shape given to {maker} is not made of whole lengths", f"as in {maker}(5,3)")
    shape = tuple(map(int, numbers))
    if math.prod(shape) > MAX_ENTRIES:
        raise _RefusedError(f"{maker} would make {math.prod(shape)} numbers", f"at most {MAX_ENTRIES} can be followed")
    return shape


Maker = Callable[[list[float], random.Random], Value]


def _filled(shape: Shape, numbers: Iterator[float]) -> Value:
    return Array.of(shape, (next(numbers) for _ in range(math.prod(shape)))) if shape else next(numbers)


def _normal(numbers: list[float], draw: random.Random) -> Value:
    return _filled(_shape("normal", numbers), iter(lambda: draw.gauss(0, 1), None))


def _uniform(numbers: list[float], draw: random.Random) -> Value:
    if len(numbers) == 1 or (len(numbers) > 1 and not numbers[0] < numbers[1]):
        hint = "uniform(0, 1) is a number between 0 and 1, uniform(0, 1, 5, 3) a 5x3 array"
        raise _RefusedError("uniform needs a lower and an upper end, then the shape", hint)
    low, high = numbers[:2] or (0.0, 1.0)
    return _filled(_shape("uniform", numbers[2:]), iter(lambda: draw.uniform(low, high), None))


def _constant(number: float) -> Maker:
    name = "ones" if number else "zeros"
    return lambda numbers, _: _filled(_shape(name, numbers), iter(lambda: number, None))


_MAKERS: Mapping[str, Maker] = {
    "normal": _normal,
    "uniform": _uniform,
    "zeros": _constant(0.0),
    "ones": _constant(1.0),
}


def _from_file(path: str) -> Value:
    from gradtool.target.npy import beside, read_npy  # noqa: PLC0415  # NumPy only where a file is read

    try:
        value = read_npy(path)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or " ".join(str(error).split())
        hint = beside(path) if isinstance(error, FileNotFoundError) else ""
        raise _RefusedError(
            f"{path} can't be read: {told}", hint or "numpy.save writes such files; save plain numbers"
        ) from None
    if not len(flat(value)):
        raise _RefusedError(f"{path} holds an empty array", "an empty array has no gradient")
    return value


def _fitting(name: str, number: float, dtype: str) -> float:
    """``number`` rounded to ``dtype``. Raises _RefusedError where it is not finite, or does not fit."""
    if math.isnan(number) or math.isinf(number):
        what = "not a number" if math.isnan(number) else "infinite"
        raise _RefusedError(f"the value of {name} is {what}", "give finite numbers: a derivative needs them")
    form, kept = FORMATS[dtype], rounded(number, dtype)
    if math.isinf(kept) or (number and not kept):
        raise _unfit(name, dtype, f"largest is {form.largest:.2g}" if kept else f"smallest is {form.smallest:.2g}")
    return kept


def _unfit(name: str, dtype: str, limit: str) -> _RefusedError:
    hint = "use --dtype float64, or move the point" if dtype != "float64" else "move the point"
    return _RefusedError(f"the value of {name} does not fit {dtype}", hint, f"its {limit}")
