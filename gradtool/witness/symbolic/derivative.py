"""The exact derivative at a point: enough digits, one-sided limits at kinks, and how good any gradient could be.

The walk (``exact.py``) is repeated until its own error bound leaves 30 digits standing (``digits.py``). Where it
touched a kink or a singular derivative, limits from both sides decide (``limits.py``).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from typing import Any

from mpmath import mp

from gradtool.evidence import Exact, ExactEntry, Link, Place, Request
from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.digits import Task
from gradtool.witness.symbolic.exact import MAX_MAGNITUDE, Walk
from gradtool.witness.symbolic.limits import filling, sided
from gradtool.witness.symbolic.node import BeyondError, UndefinedError
from gradtool.witness.walk import Step, compile_tree

__all__ = ["derive"]

BEYOND_DECIMAL = 1 << 50
"""Binary exponents that decimal text can't carry any more."""


def derive(request: Request) -> Exact:
    """Value and derivatives of ``request.expression`` as decimal strings, with bounds; see ``evidence.Exact``."""
    began = time.perf_counter()
    steps = compile_tree(parse(request.expression, request.point).tree, request.framework)
    task = Task(steps, request)
    try:
        walk, digits = task.settled()
    except UndefinedError as error:
        return _undefined(task, error, time.perf_counter() - began)
    except BeyondError as error:
        reason = f"a number beyond 2^{MAX_MAGNITUDE} arises in {error.step.operation}"
        value = "Infinity" if error.step is steps[-1] else None
        return Exact(
            request.key,
            "beyond",
            value,
            [],
            reason=reason,
            where=_place(error.step),
            seconds=time.perf_counter() - began,
        )
    with mp.workdps(digits):
        sensitivity = _sensitivity(task, walk)
        entries = [_entry(task, walk, name, sensitivity[name]) for name in request.wrt]
        value_bound = walk.root.units * walk.unit + walk.root.excess
        return Exact(
            request.key,
            "defined",
            _text(0 if abs(walk.root.value) <= walk.root.units * mp.eps else walk.root.value),
            entries,
            value_bound=_text(value_bound),
            digits=digits,
            seconds=time.perf_counter() - began,
        )


def _sensitivity(task: Task, walk: Walk) -> dict[str, Any]:
    """Largest change of each derivative when every coordinate moves by one rounding unit, three draws."""
    draw = random.Random(task.request.seed)  # noqa: S311  # not a secret, but a repeatable choice of signs
    worst = dict.fromkeys(task.request.wrt, mp.mpf(0))
    for _ in range(3):
        moved = {name: value * (1 + draw.choice((-1, 1)) * walk.unit) for name, value in task.point().items()}
        try:
            other = task.walk(moved)
        except (UndefinedError, BeyondError):
            continue
        for name in worst:
            worst[name] = max(worst[name], abs(other.gradient(name)[0] - walk.gradient(name)[0]))
    return worst


def _entry(task: Task, walk: Walk, name: str, sensitivity: Any) -> ExactEntry:
    """The testimony about the derivative by ``name``."""
    derivative, units, excess = walk.gradient(name)
    if mp.isfinite(units) and abs(derivative) <= units * mp.eps:
        derivative = mp.mpf(0)
    kind, left, right = "smooth", None, None
    if walk.touched:
        kind, derivative, left, right = sided(task, name, derivative)
    shrinking, growing = _links(walk)
    return ExactEntry(
        name,
        kind,
        None if derivative is None else _text(derivative),
        bound=_text(units * walk.unit + excess),
        sensitivity=_text(sensitivity),
        left=None if left is None else _text(left),
        right=None if right is None else _text(right),
        loss=_place(walk.loss.step) if walk.loss.step else None,
        cause=walk.loss.cause,
        touched=_first(walk.touched),
        doubtful=bool(walk.near),
        flat=None if derivative or walk.touched else _first(walk.flat),
        absorbing=_first(walk.absorbing),
        shrinking=shrinking,
        growing=growing,
    )


def _undefined(task: Task, error: UndefinedError, seconds: float) -> Exact:
    """The testimony where an operation is outside its domain: which, and whether the hole can be filled."""
    row = OPERATIONS[error.step.operation]
    operands = dict(zip(row.parameters, _operands(task, error.step), strict=True))
    needs = re.sub(r"\b[a-z]\w*\b", lambda word: operands.get(word.group(), word.group()), row.domain)
    shown = ", ".join(
        f"{operand} = {_shown(value)}"
        for operand, value in zip(operands.values(), error.arguments, strict=True)
        if operand != _shown(value)
    )
    needs = needs or "finite arguments"
    limit = filling(task)
    return Exact(
        task.request.key,
        "undefined",
        None,
        [ExactEntry(name, "isolated", None) for name in task.request.wrt],
        reason=f"{row.label} needs {needs}" + (f", and here {shown}" if shown else ""),
        where=_place(error.step),
        limit=None if limit is None else _text(limit),
        seconds=seconds,
    )


def _operands(task: Task, step: Step) -> list[str]:
    """The user's own words for the arguments of ``step``; inside a row's formula, the row's parameters."""
    text, row = task.request.expression, OPERATIONS[step.operation]
    if step.inlined:
        return list(row.parameters)
    return [text[slice(*task.steps[index].span)].strip() for index in step.arguments]


def _links(walk: Walk) -> tuple[Link | None, Link | None]:
    """The links of the chain that shrink and that grow the gradient most."""
    links = [(factor, step) for factor, step in walk.links if mp.isfinite(factor)]
    if not links:
        return None, None
    low, high = min(links, key=lambda link: link[0]), max(links, key=lambda link: link[0])
    return (
        Link(_place(low[1]), _text(low[0])) if low[0] < 1 else None,
        Link(_place(high[1]), _text(high[0])) if high[0] > 1 else None,
    )


def _first(steps: Sequence[Step]) -> Place | None:
    return _place(steps[0]) if steps else None


def _place(step: Step) -> Place:
    return Place(step.caller or step.operation, step.span)


def _shown(value: Any) -> str:
    """A number for people: as a float reads where it is one, else to 20 digits."""
    return f"{float(value):.17g}".removesuffix(".0") if float(value) == value else str(mp.nstr(value, 20))


def _text(number: Any) -> str:
    """A high-precision number as decimal text that Decimal reads back: 40 digits, ``Infinity`` or ``-Infinity``."""
    if mp.isinf(number) or (number and mp.mag(number) > BEYOND_DECIMAL):
        return "Infinity" if number > 0 else "-Infinity"
    if number and mp.mag(number) < -BEYOND_DECIMAL:
        return "0"
    return str(mp.nstr(mp.mpf(number), 40, strip_zeros=False, min_fixed=0, max_fixed=0)) if number else "0"
