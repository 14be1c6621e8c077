"""Which derivatives are asked for, checked against the shapes: a gradient, a Jacobian, a Hessian, higher orders."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gradtool.problem import Problem, ProblemError
from gradtool.settings import CheckSettings
from gradtool.target.expression import Expression
from gradtool.target.value_text import Sweep, read_value
from gradtool.values import Array, Shape, Value, shape_of

__all__ = ["MAX_ORDER", "asked_for"]

MAX_ORDER = 5
"""Highest derivative: each nested reverse pass multiplies the work."""

UPSTREAM_FORMS = "finite numbers in the shape of the value: 2, [1, 0], [[1, 2], [3, 4]], normal(2,3) or @file.npy"

MAX_DERIVATIVES = 100_000
"""Most entries of a Jacobian or a Hessian."""


def asked_for(
    settings: CheckSettings, expression: Expression, shape: Shape, wrt: Mapping[str, Shape]
) -> tuple[str, int, Value | None]:
    """Mode, order and upstream gradient for a value of ``shape`` and variables of the shapes in ``wrt``.

    Raises ProblemError where they do not go together.
    """
    if settings.mode in ("hessian", "orders") and shape:
        hint = "wrap it in sum(...), or take the --jacobian"
        raise _problem(expression, f"the value has shape {_text(shape)}, and only a single number has those", hint)
    if settings.mode == "orders":
        _look_at_order(settings, expression, wrt)
    entries = sum(map(math.prod, wrt.values()))
    count = entries**2 if settings.mode == "hessian" else math.prod(shape) * entries
    if settings.mode in ("jacobian", "hessian") and count > MAX_DERIVATIVES:
        hint = "pick variables with --wrt, or check the gradient along an --upstream"
        raise _problem(expression, f"the {settings.mode} has {count} entries; at most {MAX_DERIVATIVES} fit", hint)
    return settings.mode, settings.order, _upstream(settings, expression, shape)


def _look_at_order(settings: CheckSettings, expression: Expression, wrt: Mapping[str, Shape]) -> None:
    if not 1 <= settings.order <= MAX_ORDER:
        raise _problem(expression, f"order {settings.order} can't be checked", f"1 to {MAX_ORDER} can")
    arrays = [name for name, shape in wrt.items() if shape]
    if arrays:
        told = f"{arrays[0]} is an array, and derivatives of higher order are taken by single numbers"
        raise _problem(expression, told, "take the --hessian, or pick a number with --wrt")


def _upstream(settings: CheckSettings, expression: Expression, shape: Shape) -> Value | None:
    if settings.upstream is None:
        return None
    value = read_value("upstream", settings.upstream, settings.dtype, settings.seed, UPSTREAM_FORMS)
    if isinstance(value, Problem):
        raise ProblemError(value)
    if isinstance(value, Sweep):
        raise _problem(expression, "an upstream gradient is one array, no sweep", "as in --upstream [1,1,0]")
    if isinstance(value, Array) and not value.shape:
        value = value.data[0]
    if shape_of(value) != shape:
        told = f"the value has shape {_text(shape)}, the upstream gradient {_text(shape_of(value))}"
        raise _problem(expression, told, "they must be equal: the upstream gradient weighs each entry of the value")
    return value


def _text(shape: Shape) -> str:
    return str(shape) if shape else "() (a single number)"


def _problem(expression: Expression, message: str, hint: str) -> ProblemError:
    return ProblemError(Problem("asked", message, expression.text, (0, len(expression.text)), hint=hint))
