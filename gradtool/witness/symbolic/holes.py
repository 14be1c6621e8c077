"""The testimony at points where the expression has no value, or one beyond any computer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mpmath import mp

from gradtool.evidence import Exact, ExactEntry
from gradtool.target.operations import OPERATIONS
from gradtool.values import Index
from gradtool.witness.symbolic.digits import Task
from gradtool.witness.symbolic.forward import MAX_MAGNITUDE
from gradtool.witness.symbolic.limits import filling
from gradtool.witness.symbolic.node import BeyondError, UndefinedError
from gradtool.witness.symbolic.told import place_of, text_if
from gradtool.witness.walk import Step

__all__ = ["beyond", "undefined"]


def beyond(task: Task, error: BeyondError) -> Exact:
    """The testimony where a number arises that is too large for any computer."""
    value = "Infinity" if error.step is task.steps[task.root] else None
    reason = f"a number beyond 2^{MAX_MAGNITUDE} arises in {error.step.operation}"
    return Exact(task.request.key, "beyond", value, [], reason=reason, where=place_of(error.step))


def undefined(task: Task, names: Mapping[str, tuple[str, Index]], error: UndefinedError) -> Exact:
    """The testimony where an operation is outside its domain: which, and whether the hole can be filled.

    ``names`` are the variables and indices of the entries, by what they are called.
    """
    row = OPERATIONS[error.step.operation]
    operands = dict(zip(row.parameters, _operands(task, error.step), strict=False))
    needs = re.sub(r"\b[a-z]\w*\b", lambda word: operands.get(word.group(), word.group()), row.domain)
    known = zip(operands.values(), map(_shown, error.arguments), strict=False)
    shown = ", ".join(dict.fromkeys(f"{operand} = {value}" for operand, value in known if operand != value))
    needs = needs or "finite arguments"
    limit = filling(task)
    entries = [ExactEntry(name, "isolated", None, index=index) for name, index in names.values()]
    return Exact(
        task.request.key,
        "undefined",
        None,
        entries,
        reason=f"{row.label} needs {needs}" + (f", and here {shown}" if shown else ""),
        where=place_of(error.step),
        limit=text_if(limit),
    )


def _operands(task: Task, step: Step) -> list[str]:
    """The user's own words for the arguments of ``step``; inside a row's formula, the row's parameters."""
    text, row = task.request.expression, OPERATIONS[step.operation]
    if step.inlined:
        return list(row.parameters)
    return [text[slice(*task.steps[index].span)].strip() for index in step.arguments]


def _shown(value: Any) -> str:
    """A number for people: as a float reads where it is one, else to 20 digits."""
    return f"{float(value):.17g}".removesuffix(".0") if float(value) == value else str(mp.nstr(value, 20))
