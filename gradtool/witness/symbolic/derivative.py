"""The exact derivative at a point: enough digits, one-sided limits at kinks, and how good any gradient could be.

The walk (``exact.py``) is repeated until its own error bound leaves 30 digits standing (``digits.py``). Where it
touched a kink or a singular derivative, limits from both sides decide (``limits.py``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mpmath import mp

from gradtool.evidence import Exact, ExactEntry, Link, Request
from gradtool.target.expression import parse
from gradtool.values import Index, coordinates, indices, labels, shape_of
from gradtool.witness.symbolic.digits import Task
from gradtool.witness.symbolic.exact import Walk
from gradtool.witness.symbolic.holes import beyond, undefined
from gradtool.witness.symbolic.limits import sided
from gradtool.witness.symbolic.node import NO_LOSS, BeyondError, UndefinedError
from gradtool.witness.symbolic.program import MAX_STEPS, Program, TooLargeError, scalar_program, weighed
from gradtool.witness.symbolic.reverse import UnknownDerivativeError, gradient_program
from gradtool.witness.symbolic.told import place_if, place_of, text_if, text_of
from gradtool.witness.walk import VAST, Step, compile_tree, is_vast

__all__ = ["derive"]

MOST_GIVEN_UP = 4
"""After so many searches for limits that took too long, those by the other variables are not begun."""

MANY = 1000
"""From so many numbers on, expressions of arrays are walked array by array."""


def derive(request: Request) -> Exact:
    """Value and derivatives of ``request.expression`` as decimal strings, with bounds; see ``evidence.Exact``."""
    began = time.perf_counter()
    shapes = {name: shape_of(value) for name, value in request.point.items()}
    tree = parse(request.expression, request.point).tree
    steps = compile_tree(tree, request.framework, shapes, "stable")
    try:
        found = _of_many(request, steps) or _Derivation(request, scalar_program(steps, request.point)).exact()
    except (TooLargeError, UnknownDerivativeError) as error:
        reason = str(error) or f"more than {MAX_STEPS} single steps, too many to be followed in high precision"
        found = Exact(request.key, "beyond", None, [], reason=reason)
    return replace(found, seconds=time.perf_counter() - began)


def _of_many(request: Request, steps: Sequence[Step]) -> Exact | None:
    """The testimony of the walk on whole arrays; None where there are few, or where it has no answer."""
    if is_vast(steps):
        raise TooLargeError(f"values of more than {VAST} entries are not followed entry by entry")
    entries = sum(math.prod(step.shape) for step in steps)
    if request.mode != "gradient" or entries < MANY:
        return None
    from gradtool.witness.symbolic.large.testimony import UnknownEntriesError, derive_grids  # noqa: PLC0415  # NumPy, flint

    try:
        return derive_grids(request, steps)
    except UnknownEntriesError:
        return None  # number by number, limits are looked at too


@dataclass(frozen=True, slots=True)
class _Row:
    """Derivatives of one step: those before it, the index of the output or entry, and by which variables.

    ``told`` is False where the testimony is not about these, but only about derivatives of them.
    """

    steps: list[Step]
    root: int
    before: tuple[str, ...]
    index: Index
    wrt: Sequence[str]
    told: bool = True


class _Derivation:
    """One request: a program, and the rows of derivatives that are asked for."""

    def __init__(self, request: Request, program: Program) -> None:
        self.request, self.program, self.coordinates = request, program, coordinates(request.point)
        self.names = labels({name: request.point[name] for name in request.wrt})
        self.given_up = 0
        self.found: dict[tuple[str, Index], tuple[str, Any]] = {}

    def exact(self) -> Exact:
        """Every row in turn; the first that has no value ends it."""
        entries: list[ExactEntry] = []
        value, bound, loss, most = None, "0", NO_LOSS, 0
        for row in self._rows():
            task = Task(row.steps, self.request, row.wrt, self.coordinates, row.root)
            lower = self.found.get((",".join(row.before), row.index))
            if lower and lower[1] is None:
                entries += [self._without(row, text, lower[0]) for text in row.wrt]
                continue
            try:
                walk, digits = task.settled()
            except UndefinedError as error:
                if lower is None:
                    return undefined(task, self.names, error)
                entries += [self._beside(task, row, text, error) for text in row.wrt]
                continue
            except BeyondError as error:
                return beyond(task, error)
            most = max(most, digits)
            with mp.workdps(digits):
                sensitivity = _sensitivity(task, walk)
                found = [self._entry(task, walk, row, text, sensitivity[text]) for text in row.wrt]
                entries += found if row.told else []
                if not self.program.shape and row.root == self.program.outputs[0]:
                    noise = walk.root.units * mp.eps
                    value = text_of(0 if abs(walk.root.value) <= noise else walk.root.value)
                    bound = text_of(walk.root.units * walk.unit + walk.root.excess)
                    loss = walk.root.loss
        if any(entry.kind == "jump" for entry in entries) and any(map(_is_negative_zero, self.coordinates.values())):
            value = None  # that of the side from which the zero comes: atan2(-0.0, -1) is -pi
        return Exact(self.request.key, "defined", value, entries, value_bound=bound, digits=most,
                     value_loss=place_if(loss.step),
                     value_cause=loss.cause)  # fmt: skip

    def _rows(self) -> Iterator[_Row]:
        """The steps to be differentiated."""
        steps, outputs, request = self.program.steps, self.program.outputs, self.request
        every = list(self.names)
        match request.mode:
            case "jacobian":
                for index, root in zip(indices(self.program.shape), outputs, strict=True):
                    yield _Row(steps, root, (), index, every)
            case "hessian":
                yield _Row(steps, outputs[0], (), (), every, told=False)
                more, places = gradient_program(steps, outputs[0], self.names, request.framework)
                more.append(Step((0, 0), inlined=True))
                for text, (name, index) in self.names.items():
                    yield _Row(more, places.get(text, len(more) - 1), (name,), index, every)
            case "orders":
                for name in request.wrt:
                    more, root = steps, outputs[0]
                    for order in range(1, request.order + 1):
                        yield _Row(more, root, (name,) * (order - 1), (), [name])
                        more, places = gradient_program(more, root, [name], request.framework)
                        more.append(Step((0, 0), inlined=True))
                        root = places.get(name, len(more) - 1)
            case _:
                more, root = weighed(self.program, self.request.upstream)
                yield _Row(more, root, (), (), every)

    def _entry(self, task: Task, walk: Walk, row: _Row, text: str, sensitivity: Any) -> ExactEntry:
        """The testimony about the derivative by the variable called ``text``."""
        node = walk.variable(text)
        derivative, units = node.adjoint, node.adjoint_units
        if mp.isfinite(units) and abs(derivative) <= units * mp.eps:
            derivative = mp.mpf(0)
        kind, left, right = "smooth", None, None
        if node.touched:
            kind, derivative, left, right = self._sided(task, row, text, derivative)
        shrinking, growing = _links(walk) if text == task.wrt[0] else (None, None)
        blame = node.blame.worse(node.loss)
        variable, index = self._called(row, text)
        self.found[variable, index] = kind, derivative
        return ExactEntry(
            variable,
            kind,
            text_if(derivative),
            bound=text_of(units * walk.unit + node.adjoint_excess),
            sensitivity=text_of(sensitivity),
            left=text_if(left),
            right=text_if(right),
            loss=place_if(blame.step),
            cause=blame.cause,
            touched=place_if(node.touched),
            doubtful=node.doubtful or text in walk.doubted,
            flat=place_if(None if derivative or node.touched else node.flat),
            absorbing=place_if(next(iter(walk.absorbing), None)),
            shrinking=shrinking,
            growing=growing,
            index=index,
        )

    def _called(self, row: _Row, text: str) -> tuple[str, Index]:
        """What the derivative of a row by the variable called ``text`` is called in the testimony."""
        name, index = self.names[text]
        return ",".join((*row.before, name)), (*row.index, *index)

    def _without(self, row: _Row, text: str, kind: str) -> ExactEntry:
        """The testimony where the derivative below does not exist, for the reason ``kind``, or is not settled."""
        variable, index = self._called(row, text)
        kind = "unsettled" if kind == "unsettled" else "baseless"
        self.found[variable, index] = kind, None
        return ExactEntry(variable, kind, None, index=index)

    def _beside(self, task: Task, row: _Row, text: str, error: UndefinedError) -> ExactEntry:
        """The testimony where the derivative below exists, but its formula has no value at the point."""
        variable, index = self._called(row, text)
        _, task.known = self.found[",".join(row.before), row.index]
        kind, derivative, left, right = self._searched(task, text, mp.nan)
        if kind not in ("smooth", "kink"):  # the value between both sides has 30 digits only: too few for a jump
            kind, derivative, left, right = "unsettled", None, None, None
        self.found[variable, index] = kind, derivative
        told = [text_if(number) for number in (derivative, left, right)]
        place = place_of(error.step)
        return ExactEntry(
            variable, kind, told[0], left=told[1], right=told[2], touched=place, doubtful=True, index=index
        )

    def _sided(self, task: Task, row: _Row, text: str, derivative: Any) -> tuple[str, Any, Any, Any]:
        """Limits from both sides; a derivative that exists may jump in its formula only, so that is tried again."""
        found = self._searched(task, text, derivative)
        if found[0] == "jump" and row.before:
            _, task.known = self.found[",".join(row.before), row.index]
            found = self._searched(task, text, derivative)
            task.known = None
            if found[0] == "jump" and self.names[text] == (row.before[-1], row.index):
                return "unsettled", None, None, None  # no derivative jumps along its own variable (Darboux)
        return found

    def _searched(self, task: Task, text: str, derivative: Any) -> tuple[str, Any, Any, Any]:
        """As ``limits.sided``; of the kind ``unsettled`` where that takes too long, or did for other variables."""
        if self.given_up < MOST_GIVEN_UP:
            try:
                return sided(task, text, derivative)
            except TimeoutError:
                self.given_up += 1
        return "unsettled", None, None, None


def _is_negative_zero(number: float) -> bool:
    return number == 0 and math.copysign(1, number) < 0


def _sensitivity(task: Task, walk: Walk) -> dict[str, Any]:
    """Largest change of each derivative when every coordinate moves by one rounding unit, three draws."""
    worst = dict.fromkeys(task.wrt, mp.mpf(0))
    for other in task.beside(walk.unit):
        for name in worst:
            worst[name] = max(worst[name], abs(other.variable(name).adjoint - walk.variable(name).adjoint))
    return worst


def _links(walk: Walk) -> tuple[Link | None, Link | None]:
    """The links of the chain that shrink and that grow the gradient most."""
    links = [(factor, step) for factor, step in walk.links if mp.isfinite(factor)]
    if not links:
        return None, None
    low, high = min(links, key=lambda link: link[0]), max(links, key=lambda link: link[0])
    return (
        Link(place_of(low[1]), text_of(low[0])) if low[0] < 1 else None,
        Link(place_of(high[1]), text_of(high[0])) if high[0] > 1 else None,
    )
