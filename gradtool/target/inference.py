"""The shape of an expression at a point, and the shape errors in it, each with its place in the text."""

from __future__ import annotations

from collections.abc import Mapping

from gradtool.problem import Problem, ProblemError
from gradtool.target.expression import Expression
from gradtool.target.operations import OPERATIONS
from gradtool.target.shapes import ShapeError, result_shape
from gradtool.target.tree import Call, Tree, Variable, calls
from gradtool.values import Shape, Value, flat, shape_of

__all__ = ["label_variables", "output_shape"]


def output_shape(expression: Expression, point: Mapping[str, Value]) -> Shape:
    """The shape of the value. Raises ProblemError where two shapes do not fit, or labels are no classes."""
    return _shape(expression, expression.tree, point)


def label_variables(expression: Expression) -> set[str]:
    """The variables that hold class labels: whole numbers, nothing to differentiate by. Raises ProblemError."""
    found: set[str] = set()
    for call in calls(expression.tree):
        if "labels" in OPERATIONS[call.operation].parameters:
            labels = call.arguments[1]
            if not isinstance(labels, Variable):
                raise ProblemError(
                    _problem(expression, labels, "labels must be a variable of its own", "give it by --at")
                )
            found.add(labels.name)
    for call in calls(expression.tree):
        for parameter, argument in zip(OPERATIONS[call.operation].parameters, call.arguments, strict=False):
            if isinstance(argument, Variable) and argument.name in found and parameter != "labels":
                told = f"{argument.name} holds class labels, which are no numbers to calculate with"
                raise ProblemError(_problem(expression, argument, told, "use another variable here"))
    return found


def _shape(expression: Expression, tree: Tree, point: Mapping[str, Value]) -> Shape:
    if not isinstance(tree, Call):
        return shape_of(point.get(tree.name, 0.0)) if isinstance(tree, Variable) else ()
    shapes = [_shape(expression, argument, point) for argument in tree.arguments]
    row = OPERATIONS[tree.operation]
    try:
        shape, _ = result_shape(row, shapes, dict(tree.options))
    except ShapeError as error:
        raise ProblemError(_problem(expression, tree, error.message, error.hint)) from None
    if "labels" in row.parameters and (labels := point.get(getattr(tree.arguments[1], "name", ""))) is not None:
        _look_at_labels(expression, tree.arguments[1], labels, shapes[0][-1])
    return shape


def _look_at_labels(expression: Expression, node: Tree, labels: Value, classes: int) -> None:
    for label in flat(labels):
        if label != int(label) or not 0 <= label < classes:
            told = f"{label:g} is no class label"
            raise ProblemError(_problem(expression, node, told, f"labels are whole numbers from 0 to {classes - 1}"))


def _problem(expression: Expression, node: Tree, message: str, hint: str) -> Problem:
    return Problem("shape", message, expression.text, node.span, hint=hint)
