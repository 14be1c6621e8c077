"""A node of the exact walk, with its error bounds; what can be wrong with it; and small arithmetic of bounds.

A bound is a pair: ``units``, to be multiplied by the unit roundoff of whatever arithmetic, and ``excess``, an amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mpmath import mp

from gradtool.witness.walk import Step

__all__ = [
    "BeyondError",
    "Loss",
    "Node",
    "Stake",
    "UndefinedError",
    "is_exactly",
    "left_over",
    "relative_error",
    "scaled",
    "slope_of",
    "worst_of",
]


class UndefinedError(ArithmeticError):
    """The expression has no value: ``step`` is the operation that is outside its domain, at ``arguments``.

    ``certain`` is False where the arguments are rounded themselves, and more digits might say otherwise.
    """

    def __init__(self, step: Step, arguments: Sequence[Node]) -> None:
        super().__init__(step.operation)
        self.step = step
        self.arguments = [argument.value for argument in arguments]
        self.certain = not any(argument.units for argument in arguments)


class BeyondError(ArithmeticError):
    """A number on the way is beyond 2^MAX_MAGNITUDE."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.operation)
        self.step = step


@dataclass(frozen=True, slots=True)
class Loss:
    """Where digits go: the node that multiplies the relative error most, and how."""

    factor: Any = 100
    step: Step | None = None
    cause: str = ""

    def offered(self, factor: Any, step: Step, cause: str) -> Loss:
        """The worse of this loss and another; an edge tells more than a branch."""
        return Loss(factor, step, cause) if self._yields(factor, cause) else self

    def worse(self, other: Loss) -> Loss:
        """The worse of two losses."""
        return other if other is not self and self._yields(other.factor, other.cause) else self

    def _yields(self, factor: Any, cause: str) -> bool:
        return bool(factor > self.factor) or (cause == "edge" and self.cause == "branch")


NO_LOSS = Loss()

CONTINUOUS = ("abs", "relu", "leaky_relu", "selu", "hardtanh", "max", "min", "clip", "amax", "amin")
"""Operations with kinks but without jumps."""


def worst_of(nodes: Sequence[Node]) -> Loss:
    """The worst loss of digits in the values of ``nodes``."""
    worst = NO_LOSS
    for node in nodes:
        if node.loss is not NO_LOSS:
            worst = worst.worse(node.loss)
    return worst


@dataclass(slots=True, eq=False)
class Node:
    """A value of the walk with its error bound, its local derivatives and, later, its adjoint.

    ``loss`` is where most digits of the value are lost, ``blame`` where those of the adjoint are. ``touched`` is the
    kink or singular derivative, ``flat`` the step of slope 0 on the way to the value; ``doubtful`` says that rounding
    decides a condition there.
    """

    step: Step
    arguments: tuple[Node, ...]
    value: Any
    active: bool
    units: Any = 0
    excess: Any = 0
    locals: list[Any] = field(default_factory=list)
    adjoint: Any = 0
    adjoint_units: Any = 0
    adjoint_excess: Any = 0
    best_relative: Any = 0
    loss: Loss = NO_LOSS
    blame: Loss = NO_LOSS
    touched: Step | None = None
    flat: Step | None = None
    doubtful: bool = False

    @property
    def matters(self) -> bool:
        """Whether a kink of this node matters to first order: not where it is continuous and its adjoint is 0."""
        known = bool(self.adjoint or self.adjoint_units or self.adjoint_excess)
        return known or self.step.operation not in CONTINUOUS

    def offer(self, factor: Any, cause: str) -> None:
        """Take this loss of digits in the value if it is worse than the worst so far."""
        self.loss = self.loss.offered(factor, self.step, cause)


@dataclass(frozen=True, slots=True)
class Stake:
    """The point stands on a kink of ``node``, or its derivative is ``singular``, by the arguments at ``places``."""

    node: Node
    places: tuple[int, ...]
    singular: bool


def is_exactly(operation: str, value: Any, x: Any, y: Any = 0) -> bool:
    """Whether ``value`` is the result of the operation on x and y to the last bit, checked by exact arithmetic."""
    if not all(map(mp.isfinite, (value, x, y))):
        return False
    if x and y and abs(mp.mag(x) - mp.mag(y)) > 4 * mp.prec:  # the exact sum would have that many bits
        return False
    match operation:
        case "add":
            return bool(mp.fadd(x, y, exact=True) == value)
        case "subtract":
            return bool(mp.fsub(x, y, exact=True) == value)
        case "multiply":
            return bool(mp.fmul(x, y, exact=True) == value)
        case "divide":
            return bool(mp.fmul(value, y, exact=True) == x)
        case "sqrt":
            return bool(mp.fmul(value, value, exact=True) == x)
        case "pow" if y == 2:  # a square
            return bool(mp.fmul(x, x, exact=True) == value)
    return not value and not x  # such as sin(0)


def relative_error(unit: Any, units: Any, excess: Any, value: Any) -> Any:
    """The bound as a share of the value; 0 for a value of 0."""
    return (unit * units + excess) / abs(value) if value else mp.mpf(0)


def scaled(factor: Any, error: Any) -> Any:
    """A product in which nothing times infinity is nothing."""
    return factor * error if factor and error else mp.mpf(0)


def slope_of(function: Any, values: Sequence[Any], place: int) -> Any:
    """Magnitude of the derivative of ``function`` by one argument, to half the digits; infinite where it jumps."""
    step = mp.ldexp(abs(values[place]) or mp.mpf(1), -mp.prec // 2)
    for way in (step, -step):  # the edge of a domain may be on one side
        moved = list(values)
        moved[place] = values[place] + way
        try:
            change = function(*moved) - function(*values)
        except (ArithmeticError, ValueError):
            continue
        if not isinstance(change, mp.mpc):
            return abs(change / way)
    return mp.inf


def left_over(function: Any, values: Sequence[Any], place: int, reach: Any, slope: Any) -> Any:
    """How much more than ``slope`` times the distance ``function`` changes while an argument moves within ``reach``.

    What the first order leaves out. Infinite where the function ends within that reach.
    """
    if not reach:
        return mp.mpf(0)
    if not (mp.isfinite(reach) and mp.isfinite(slope)):
        return mp.inf
    worst = mp.mpf(0)
    for share in (-1, mp.mpf("-0.6"), mp.mpf("0.6"), 1):
        moved = list(values)
        moved[place] = values[place] + share * reach
        try:
            change = function(*moved) - function(*values)
        except (ArithmeticError, ValueError):
            return mp.inf
        if isinstance(change, mp.mpc) or not mp.isfinite(change):
            return mp.inf
        worst = max(worst, abs(change) - slope * abs(share) * reach)
    return worst
