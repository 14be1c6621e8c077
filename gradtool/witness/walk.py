"""Walks an expression tree with one column of the operation table; shared by every witness.

``compile_tree`` unrolls a tree into steps in the order of evaluation. Where a framework has no native cell, the row's
formula is unrolled in its place, so that every witness speaks about the same arithmetic: the one the framework runs.
"""

from __future__ import annotations

import ast
import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gradtool.target.expression import Call, Number, Tree, Variable, parse_row_text
from gradtool.target.operations import OPERATIONS, Operation
from gradtool.target.shapes import result_shape
from gradtool.target.tree import Passed
from gradtool.values import Shape

__all__ = ["COPY", "VAST", "Step", "bind", "compile_marked", "compile_tree", "evaluate", "evaluate_all", "is_vast"]

COPY = "_copy"
"""The operation of a step that repeats another one's value; no row, and only the exact walk is given such steps."""


@dataclass(frozen=True, slots=True)
class Step:
    """One value: a number, a variable (``name``), or ``operation`` applied to earlier steps.

    ``inlined`` marks steps that come from a row's formula instead of the user's text; ``span`` is then that of the
    user's call, and ``caller`` the operation that it names.
    """

    span: tuple[int, int]
    operation: str = ""
    arguments: tuple[int, ...] = ()
    name: str = ""
    value: float = 0.0
    inlined: bool = False
    caller: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    shape: Shape = ()


@dataclass(frozen=True, slots=True)
class _Inside:
    """Where a row's formula is unrolled: its parameters' steps, its options, and the user's call."""

    names: Mapping[str, int]
    options: Mapping[str, Any]
    span: tuple[int, int]
    caller: str


def compile_tree(
    tree: Tree, framework: str, shapes: Mapping[str, Shape] = MappingProxyType({}), unrolled: str = ""
) -> list[Step]:
    """The steps that ``framework`` runs for ``tree``; the last one is the value. Variables appear once each.

    ``shapes`` are those of the variables that are no single numbers. ``unrolled`` asks for primitive rows only, by
    their ``formula`` or, for ``stable``, as frameworks evaluate them. Raises ShapeError where shapes do not fit.
    """
    return _Compiler(framework, shapes, unrolled).compiled(tree)


def compile_marked(
    tree: Tree, framework: str, shapes: Mapping[str, Shape], unrolled: str = "", *, apart: bool = False
) -> tuple[list[Step], list[int]]:
    """As ``compile_tree``, and for every node of the tree, in the order of evaluation, the place of its value.

    With ``apart`` no two nodes share a step, nor do the uses of a variable: each ends in a ``COPY`` of its own, but
    for numbers and conditions, which have no derivative.
    """
    compiler = _Compiler(framework, shapes, unrolled, apart=apart)
    return compiler.compiled(tree), compiler.marks


class _Compiler:
    def __init__(self, framework: str, shapes: Mapping[str, Shape], unrolled: str, *, apart: bool = False) -> None:
        self.framework, self.shapes, self.unrolled, self.apart = framework, shapes, unrolled, apart
        self.steps: list[Step] = []
        self.marks: list[int] = []
        self.places: dict[str, int] = {}

    def compiled(self, tree: Tree) -> list[Step]:
        self.visit(tree, None)
        return self.steps

    def add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def visit(self, node: Tree, inside: _Inside | None) -> int:
        """Add the steps of ``node``, and say at which place its value stands."""
        place = self.added(node, inside)
        if inside is None:
            logical = isinstance(node, Call) and OPERATIONS[node.operation].logical
            if self.apart and not logical and not isinstance(node, Number):
                made = self.steps[place]
                place = self.add(Step(node.span, COPY, (place,), made.name, shape=made.shape))
            self.marks.append(place)
        return place

    def added(self, node: Tree, inside: _Inside | None) -> int:
        """The steps of one node, its arguments' first."""
        span = inside.span if inside else node.span
        if isinstance(node, Number):
            return self.add(Step(span, name=node.name, value=node.value, inlined=inside is not None))
        if isinstance(node, Variable):
            return self._named(node, inside)
        arguments = tuple(self.visit(argument, inside) for argument in node.arguments)
        row = OPERATIONS[node.operation]
        asked = {name: inside.options[value.name] if inside and isinstance(value, Passed) else value
                 for name, value in node.options}  # fmt: skip
        given = [self.steps[place].shape for place in arguments]
        shape, options = result_shape(row, given, asked)
        if row.shape == "along" and options["axis"] is None:
            return self._over_all(row, arguments[0], span, shape)
        composite = row.shape != "broadcast" and bool(row.formula)
        if (row.cell(self.framework) and not (self.unrolled and composite)) or not row.formula:
            caller = inside.caller if inside else ""
            kept = tuple((name, options[name]) for name in row.options)
            return self.add(Step(span, node.operation, arguments, "", 0.0, inside is not None, caller, kept, shape))
        return self._unrolled(row, arguments, options, span, inside)

    def _unrolled(
        self, row: Operation, arguments: tuple[int, ...], options: dict[str, Any], span: tuple[int, int],
        inside: _Inside | None,
    ) -> int:  # fmt: skip
        names = dict(zip(row.parameters, arguments, strict=True))
        texts = _texts(row.name, self.unrolled)
        shape = self.steps[arguments[0]].shape
        axes = options.get("axis")
        axes = range(len(shape)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
        options = {**options, "count": math.prod(shape[axis] for axis in axes)}
        return self.visit(texts, _Inside(names, options, span, (inside.caller if inside else "") or row.name))

    def _over_all(self, row: Operation, argument: int, span: tuple[int, int], shape: Shape) -> int:
        """A row that works along one axis, over all of them: on the entries in a line."""
        size = math.prod(self.steps[argument].shape)
        line = self.add(Step(span, "reshape", (argument,), options=(("shape", (size,)),), shape=(size,)))
        options = (("axis", 0), ("keepdims", False))
        result = self.add(Step(span, row.name, (line,), options=options))
        return self.add(Step(span, "reshape", (result,), options=(("shape", shape),), shape=shape)) if shape else result

    def _named(self, node: Variable, inside: _Inside | None) -> int:
        if inside:
            if node.name in inside.names:
                return inside.names[node.name]
            return self.add(Step(inside.span, value=float(inside.options[node.name]), inlined=True))
        if node.name not in self.places:
            shape = self.shapes.get(node.name, ())
            self.places[node.name] = self.add(Step(node.span, "variable", name=node.name, shape=shape))
        return self.places[node.name]


@functools.cache
def _texts(name: str, unrolled: str) -> Tree:
    row = OPERATIONS[name]
    text = row.stable if unrolled == "stable" and row.stable else row.formula
    return parse_row_text(text, (*row.parameters, *row.options, "count"))


VAST = 250_000
"""A value of more entries is not followed entry by entry: its gradient is tested along random directions."""


def is_vast(steps: Sequence[Step]) -> bool:
    """Whether some value on the way has more than VAST entries."""
    return any(math.prod(step.shape) > VAST for step in steps)


def evaluate(
    steps: Sequence[Step],
    column: Callable[[str], Callable[..., Any]],
    variables: Mapping[str, Any],
    number: Callable[[float], Any],
) -> Any:
    """The value of ``steps``, with ``column(operation)`` as the functions and ``number`` making constants."""
    return evaluate_all(steps, column, variables, number)[-1]


def evaluate_all(
    steps: Sequence[Step],
    column: Callable[[str], Callable[..., Any]],
    variables: Mapping[str, Any],
    number: Callable[[float], Any],
) -> list[Any]:
    """The value of every one of ``steps``."""
    values: list[Any] = []
    for step in steps:
        if step.operation == "variable":
            values.append(variables[step.name])
        elif step.operation:
            function, arguments = column(step.operation), [values[index] for index in step.arguments]
            values.append(function(*arguments, **dict(step.options)) if step.options else function(*arguments))
        else:
            values.append(number(step.value))
    return values


def bind(row: Operation, framework: str, module: object) -> Callable[..., Any]:
    """The callable that the template of ``row`` describes: parameters by position, options by name.

    The template is looked up name by name under ``module``, whose own name in the template is the first part; nothing
    of it is evaluated. Raises AttributeError where the framework has no such function.
    """
    template = re.sub(r"\{(\w+)\}", r"\1", row.cell(framework))
    call = ast.parse(template, mode="eval").body
    function = _bound(call, {name: place for place, name in enumerate((*row.parameters, *row.options))}, module)
    if row.gather:
        return lambda *items: function(items)
    if row.options:
        return lambda *values, **options: function(*values, *(options[name] for name in row.options))
    return function


def _bound(node: ast.expr, places: Mapping[str, int], module: object) -> Callable[..., Any]:
    if isinstance(node, ast.Name):
        place = places[node.id]
        return lambda *values: values[place]
    if isinstance(node, ast.Constant):
        return lambda *_, constant=node.value: constant
    if not isinstance(node, ast.Call):
        raise TypeError(f"a call template can't hold {ast.dump(node)}")
    function: Any = module
    for part in ast.unparse(node.func).split(".")[1:]:
        function = getattr(function, part)
    positional = [_bound(argument, places, module) for argument in node.args]
    named = {keyword.arg or "": _bound(keyword.value, places, module) for keyword in node.keywords}
    if not named and all(isinstance(argument, ast.Name) for argument in node.args):
        order = [places[argument.id] for argument in node.args if isinstance(argument, ast.Name)]
        if order == list(range(len(places))):
            return function  # type: ignore[no-any-return]  # a framework's function, by its dotted name
    return lambda *values: function(
        *(part(*values) for part in positional), **{name: part(*values) for name, part in named.items()}
    )
