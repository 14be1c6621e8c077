"""A tree as the Python of one framework: operators as operators, functions by the templates of the operation table.

What a framework has no function for is written as the row's formula. Numbers stay Python's wherever the framework
takes them beside a tensor; parts without a variable are calculated by Python where that gives a finite number. So
single roundings may differ from those of the witnesses, which hand every number over as a tensor.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradtool.report.programs.literal import constant
from gradtool.report.programs.names import Names
from gradtool.report.programs.piece import Piece, calculated, joined, wrapped
from gradtool.target.expression import parse_row_text
from gradtool.target.operation import Operation
from gradtool.target.operations import OPERATIONS
from gradtool.target.shapes import result_shape
from gradtool.target.tree import Call, Number, Passed, Tree, calls
from gradtool.values import Shape

__all__ = ["Dialect", "Writer"]

LONGEST = 72
"""A longer expression is taken apart: its longest arguments get names of their own."""

_NEEDS_DIM = frozenset({"torch.logsumexp"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one framework writes otherwise than the other: the name of its column, how a number becomes a tensor.

    ``scalars`` are the functions that take Python's numbers beside a tensor.
    """

    framework: str
    tensor: str
    scalars: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Row:
    """Inside a row's formula: what its parameters and its options stand for."""

    pieces: Mapping[str, Piece]
    options: Mapping[str, Any]


class Writer:
    """Writes one expression; ``lines`` are the assignments that have to stand before it."""

    def __init__(self, dialect: Dialect, names: Names, shapes: Mapping[str, Shape]) -> None:
        self.dialect, self.names, self.shapes = dialect, names, shapes
        self.lines: list[str] = []
        self._known: dict[str, Piece] = {}

    def written(self, tree: Tree) -> str:
        """The text of the value of ``tree``: that of a tensor."""
        return self._tensor(self._piece(tree, None)).text

    def _piece(self, tree: Tree, inside: _Row | None) -> Piece:
        if isinstance(tree, Number):
            text = f"math.{tree.name}" if tree.name else constant(tree.value)
            return Piece(text, number=tree.value)
        if not isinstance(tree, Call):
            if inside is None:
                return Piece(self.names.variables[tree.name], shape=self.shapes.get(tree.name, ()))
            known = inside.pieces.get(tree.name)
            number = float(inside.options[tree.name]) if known is None else 0.0
            return known or Piece(constant(number), number=number)
        parts = [self._piece(argument, inside) for argument in tree.arguments]
        given = dict(tree.options)
        if inside is not None:
            given = {k: inside.options[v.name] if isinstance(v, Passed) else v for k, v in given.items()}
        return self._call(OPERATIONS[tree.operation], parts, given, own=inside is None)

    def _call(self, row: Operation, parts: list[Piece], given: dict[str, Any], *, own: bool) -> Piece:
        if (known := calculated(row, parts, own=own)) is not None:
            return known
        shape, full = result_shape(row, [part.shape for part in parts], given)
        if not row.cell(self.dialect.framework) and row.formula:
            return self._formula(row, parts, full)
        made = self._made(row, parts, given, full, shape)
        while len(made.text) > LONGEST:
            longest = max(parts, key=lambda part: 0 if part.short else len(part.text))
            if longest.short or len(longest.text) < 12:
                break
            parts[parts.index(longest)] = self._named(longest)
            made = self._made(row, parts, given, full, shape)
        return made

    def _named(self, piece: Piece) -> Piece:
        """A name for ``piece``, which is calculated before."""
        if piece.text not in self._known:
            name = self.names.fresh("u", "v", "w")
            self.lines.append(f"{name} = {piece.text}")
            self._known[piece.text] = Piece(name, shape=piece.shape)
        return self._known[piece.text]

    def _formula(self, row: Operation, parts: Sequence[Piece], options: dict[str, Any]) -> Piece:
        """The row's formula in place of a function that the framework does not have."""
        tree = parse_row_text(row.formula, (*row.parameters, *row.options, "count"))
        uses = [name for call in calls(tree) for part in call.arguments if (name := getattr(part, "name", ""))]
        pieces = {
            name: part if part.short or uses.count(name) < 2 else self._named(part)
            for name, part in zip(row.parameters, parts, strict=True)
        }
        shape = parts[0].shape
        axes = options.get("axis")
        axes = range(len(shape)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
        count = math.prod(shape[axis] for axis in axes)
        shown = {**options, "count": count}
        if row.shape == "reduce" and len(axes) == len(shape) and not options["keepdims"]:
            shown["axis"] = None
        return self._piece(tree, _Row(pieces, shown))

    def _made(
        self, row: Operation, parts: Sequence[Piece], given: dict[str, Any], full: dict[str, Any], shape: Shape
    ) -> Piece:
        """The row's own text, of arguments that are written."""
        if row.name == "index":
            return Piece(f"{wrapped(self._tensor(parts[0]))}[{_key(given['key'])}]", shape=shape)
        if row.name == "transpose" and full["axes"] == tuple(reversed(range(len(shape)))):
            if self.dialect.framework == "tensorflow":
                return Piece(f"tf.transpose({self._tensor(parts[0]).text})", shape=shape)
            if len(shape) == 2:
                return Piece(f"{wrapped(self._tensor(parts[0]))}.T", shape=shape)
        vectors = row.name == "matmul" and any(len(part.shape) < 2 for part in parts)
        if row.operator and not (vectors and self.dialect.framework == "tensorflow"):
            return replace(self._operator(row, parts), shape=shape)
        return Piece(self._function(row, parts, given, full, shape), shape=shape)

    def _operator(self, row: Operation, parts: Sequence[Piece]) -> Piece:
        lone = row.name == "remainder" and self.dialect.framework == "torch"  # 2 % x has no derivative there
        if parts[0].number is not None and (lone or all(part.number is not None for part in parts)):
            parts = [self._tensor(parts[0]), *parts[1:]]
        return joined(row, parts)

    def _function(
        self, row: Operation, parts: Sequence[Piece], given: dict[str, Any], full: dict[str, Any], shape: Shape
    ) -> str:
        """The row's template, without the options that have no effect."""
        texts = [part.text for part in self._accepted(row, parts)]
        template = ast.parse(re.sub(r"\{(\w+)\}", r"_\1_", row.cell(self.dialect.framework)), mode="eval").body
        options = dict(full)
        if "axis" in options:
            options["axis"] = self._axis(row, ast.unparse(template).partition("(")[0], given, full)
        flat = row.shape == "along" and options["axis"] is None
        if isinstance(template, ast.Call):
            template.keywords = [word for word in template.keywords if not _idle(word.value, options, flat=flat)]
        filled = {name: repr(value) for name, value in options.items()}
        filled |= {row.parameters[0]: f"[{', '.join(texts)}]"} if row.gather else dict(
            zip(row.parameters, texts, strict=True))  # fmt: skip
        text = re.sub(r"\b_(\w+?)_\b", lambda match: filled[match.group(1)], ast.unparse(template))
        if flat and shape:
            own = "torch" if self.dialect.framework == "torch" else "tf"
            return f"{own}.reshape({text}, {shape})"
        return text

    def _axis(self, row: Operation, function: str, given: Mapping[str, Any], full: Mapping[str, Any]) -> Any:
        """The axis as the user counts it; None where the function goes over all axes by itself."""
        axis = given.get("axis", row.options["axis"])
        if axis is None:
            keeps = full.get("keepdims") and row.shape == "reduce" and self.dialect.framework == "torch"
            axis = full["axis"] if keeps or row.shape == "keep" or function in _NEEDS_DIM else None
        elif row.shape == "along":
            axis = full["axis"]
        return axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis

    def _accepted(self, row: Operation, parts: Sequence[Piece]) -> list[Piece]:
        """The arguments, Python's numbers as tensors where the framework's function takes no others."""
        if row.name not in self.dialect.scalars:
            return [self._tensor(part) for part in parts]
        first = 1 if row.name == "where" else 0
        numbers = [part.number is not None for part in parts[first:]]
        if row.name == "clip":
            mixed = self.dialect.framework == "torch" and any(numbers[1:]) and not all(numbers[1:])
            return [self._tensor(part) if mixed or place == 0 else part for place, part in enumerate(parts)]
        return [self._tensor(part) if all(numbers) and place == first else part for place, part in enumerate(parts)]

    def _tensor(self, piece: Piece) -> Piece:
        return piece if piece.number is None else Piece(self.dialect.tensor.format(piece.text), shape=piece.shape)


def _idle(node: ast.expr, options: Mapping[str, Any], *, flat: bool) -> bool:
    """Whether a keyword says what holds without it: no axis, no axis kept."""
    name = node.id.strip("_") if isinstance(node, ast.Name) else ""
    if name == "keepdims":
        return flat or not options[name]
    return name == "axis" and options[name] is None


def _key(key: tuple[Any, ...]) -> str:
    return ", ".join(_part(part) for part in key)


def _part(part: Any) -> str:
    if isinstance(part, slice):
        start, stop, step = ("" if end is None else str(end) for end in (part.start, part.stop, part.step))
        return f"{start}:{stop}{':' * bool(step)}{step}"
    return "..." if part is Ellipsis else str(part)
