"""Walks an expression tree with one column of the operation table; shared by every witness.

``compile_tree`` unrolls a tree into steps in the order of evaluation. Where a framework has no native cell, the row's
formula is unrolled in its place, so that every witness speaks about the same arithmetic: the one the framework runs.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradtool.target.expression import Number, Tree, Variable, parse_row_text
from gradtool.target.operations import OPERATIONS, Operation

__all__ = ["Step", "bind", "compile_tree", "evaluate"]


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


@dataclass(frozen=True, slots=True)
class _Inside:
    """Where a row's formula is unrolled: its parameters' steps, and the user's call."""

    names: Mapping[str, int]
    span: tuple[int, int]
    caller: str


def compile_tree(tree: Tree, framework: str) -> list[Step]:
    """The steps that ``framework`` runs for ``tree``; the last one is the value. Variables appear once each."""
    steps: list[Step] = []
    places: dict[str, int] = {}

    def add(step: Step) -> int:
        steps.append(step)
        return len(steps) - 1

    def visit(node: Tree, inside: _Inside | None) -> int:
        span = inside.span if inside else node.span
        caller = inside.caller if inside else ""
        if isinstance(node, Number):
            return add(Step(span, name=node.name, value=node.value, inlined=inside is not None))
        if isinstance(node, Variable):
            if inside:
                return inside.names[node.name]
            if node.name not in places:
                places[node.name] = add(Step(span, "variable", name=node.name))
            return places[node.name]
        arguments = tuple(visit(argument, inside) for argument in node.arguments)
        row = OPERATIONS[node.operation]
        if row.cell(framework):
            return add(Step(span, node.operation, arguments, inlined=inside is not None, caller=caller))
        bound = dict(zip(row.parameters, arguments, strict=True))
        return visit(_formula(row.name), _Inside(bound, span, caller or row.name))

    visit(tree, None)
    return steps


@functools.cache
def _formula(name: str) -> Tree:
    row = OPERATIONS[name]
    return parse_row_text(row.formula, row.parameters)


def evaluate(
    steps: Sequence[Step],
    column: Callable[[str], Callable[..., Any]],
    variables: Mapping[str, Any],
    number: Callable[[float], Any],
) -> Any:
    """The value of ``steps``, with ``column(operation)`` as the functions and ``number`` making constants."""
    values: list[Any] = []
    for step in steps:
        if step.operation == "variable":
            values.append(variables[step.name])
        elif step.operation:
            values.append(column(step.operation)(*(values[index] for index in step.arguments)))
        else:
            values.append(number(step.value))
    return values[-1]


def bind(row: Operation, framework: str, module: object) -> Callable[..., Any]:
    """The callable that the template of ``row`` describes, taking the row's parameters by position.

    The template is looked up name by name under ``module``, whose own name in the template is the first part; nothing
    of it is evaluated. Raises AttributeError where the framework has no such function.
    """
    template = re.sub(r"\{(\w+)\}", r"\1", row.cell(framework))
    call = ast.parse(template, mode="eval").body
    return _bound(call, {name: index for index, name in enumerate(row.parameters)}, module)


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
