"""The gradient as a program of its own: reverse mode on steps, so that it can be walked and differentiated again.

Each local derivative is the form that the framework computes where the operation table states one (the ``backward``
cell), else the row's derivative; so the rounding of higher derivatives is bounded in the framework's own terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gradtool.target.expression import Call, Number, Tree, parse_row_text
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.program import MAX_STEPS, TooLargeError
from gradtool.witness.walk import Step

__all__ = ["UnknownDerivativeError", "gradient_program"]


class UnknownDerivativeError(ArithmeticError):
    """The table has no derivative for an operation, such as that of trigamma."""


def gradient_program(
    steps: Sequence[Step], root: int, wrt: Iterable[str], framework: str
) -> tuple[list[Step], dict[str, int]]:
    """``steps`` and what computes the gradient of the one at ``root``: for each name in ``wrt`` the place of its entry.

    Names on which the root does not depend are left out. Raises TooLargeError or UnknownDerivativeError.
    """
    return _Reverse(steps, framework).gradient(root, frozenset(wrt))


@dataclass(frozen=True, slots=True)
class _Adjoint:
    """The step that computes an adjoint, which counts only where certain branches are taken.

    The branches are carried along instead of a product with 0: what is not taken may have no derivative.
    """

    place: int
    branches: tuple[tuple[int, bool], ...] = ()

    def within(self, condition: int, *, taken: bool) -> _Adjoint:
        """The adjoint inside one branch of a choice."""
        return _Adjoint(self.place, (*self.branches, (condition, taken)))


class _Reverse:
    def __init__(self, steps: Sequence[Step], framework: str) -> None:
        self.steps = list(steps)
        self.framework = framework
        self.known: dict[Step, int] = {}

    def gradient(self, root: int, wrt: frozenset[str]) -> tuple[list[Step], dict[str, int]]:
        """One backward sweep from ``root``."""
        active = self._active(root, wrt)
        one = self._number(1.0, self.steps[root])
        adjoints: dict[int, _Adjoint] = {root: _Adjoint(one)}
        found: dict[str, int] = {}
        for place in range(root, -1, -1):
            adjoint, step = adjoints.get(place), self.steps[place]
            if adjoint is None or not active[place]:
                continue
            if step.operation == "variable":
                found[step.name] = self._unmasked(adjoint, step)
            for position, argument in enumerate(step.arguments):
                if active[argument] and (part := self._handed(step, place, position, adjoint)) is not None:
                    before = adjoints.get(argument)
                    adjoints[argument] = part if before is None else self._added(step, before, part)
        return self.steps, found

    def _added(self, step: Step, first: _Adjoint, second: _Adjoint) -> _Adjoint:
        """The sum of two contributions."""
        if first.branches == second.branches:
            return _Adjoint(self._made(step, "add", first.place, second.place), first.branches)
        return _Adjoint(self._made(step, "add", self._unmasked(first, step), self._unmasked(second, step)))

    def _unmasked(self, adjoint: _Adjoint, step: Step) -> int:
        """The step that is the adjoint where its branches are taken, and 0 elsewhere."""
        place, zero = adjoint.place, self._number(0.0, step)
        for condition, taken in reversed(adjoint.branches):
            place = self._made(step, "where", condition, *((place, zero) if taken else (zero, place)))
        return place

    def _active(self, root: int, wrt: frozenset[str]) -> list[bool]:
        active: list[bool] = []
        for step in self.steps[: root + 1]:
            logical = step.operation in OPERATIONS and OPERATIONS[step.operation].logical
            depends = any(active[argument] for argument in step.arguments) and step.operation != "_top"
            active.append(step.name in wrt if step.operation == "variable" else depends and not logical)
        return active

    def _handed(self, step: Step, place: int, position: int, adjoint: _Adjoint) -> _Adjoint | None:
        """The part of ``adjoint`` that goes to one argument; None for a derivative of 0."""
        if step.operation == "sum":
            return adjoint
        if step.operation in ("amax", "amin"):
            chosen = self._made(step, "equal", step.arguments[position], place)
            return adjoint.within(chosen, taken=True)
        if step.operation == "where":
            return adjoint.within(step.arguments[0], taken=position == 1) if position else None
        row = OPERATIONS[step.operation]
        cells = row.backward.get(self.framework) or row.derivatives
        if not cells:
            raise UnknownDerivativeError(f"the derivative of {row.label} has no name in the table")
        tree = parse_row_text(cells[position], (*row.parameters, "out"))
        if isinstance(tree, Number) and tree.value in (0.0, 1.0) and not tree.name:
            return adjoint if tree.value else None
        if isinstance(tree, Call) and tree.operation == "negative" and _is_one(tree.arguments[0]):
            return replace(adjoint, place=self._made(step, "negative", adjoint.place))
        names = {**dict(zip(row.parameters, step.arguments, strict=True)), "out": place}
        local = self._unrolled(tree, names, step)
        upstream = self.steps[adjoint.place]
        if upstream.operation == "" and upstream.value == 1.0:
            return replace(adjoint, place=local)
        return replace(adjoint, place=self._made(step, "multiply", adjoint.place, local))

    def _unrolled(self, tree: Tree, names: Mapping[str, int], step: Step) -> int:
        if isinstance(tree, Number):
            return self._number(tree.value, step, tree.name)
        if not isinstance(tree, Call):
            return names[tree.name]
        arguments = [self._unrolled(argument, names, step) for argument in tree.arguments]
        row = OPERATIONS[tree.operation]
        if row.cell(self.framework) or not row.formula:
            return self._made(step, tree.operation, *arguments)
        inner = dict(zip(row.parameters, arguments, strict=True))
        return self._unrolled(parse_row_text(row.formula, row.parameters), inner, step)

    def _number(self, value: float, step: Step, name: str = "") -> int:
        return self._kept(Step(step.span, name=name, value=value, inlined=True, caller=step.caller or step.operation))

    def _made(self, step: Step, operation: str, *arguments: int) -> int:
        caller = step.caller or step.operation
        return self._kept(replace(step, operation=operation, arguments=arguments, inlined=True, caller=caller))

    def _kept(self, step: Step) -> int:
        """The place of ``step``, which is made once only."""
        key = replace(step, span=(0, 0), caller="")
        if key not in self.known:
            if len(self.steps) >= 4 * MAX_STEPS:
                raise TooLargeError
            self.steps.append(step)
            self.known[key] = len(self.steps) - 1
        return self.known[key]


def _is_one(tree: Tree) -> bool:
    return isinstance(tree, Number) and tree.value == 1.0
