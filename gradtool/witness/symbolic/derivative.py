"""The exact derivative at a point: enough digits, one-sided limits at kinks, and how good any gradient could be.

The walk (``exact.py``) is repeated until its own error bound leaves 30 digits standing. Where it touched a kink or a
singular derivative, it is repeated beside the point, at two distances on each side, and the limits are read off.
"""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mpmath import mp

from gradtool.evidence import Exact, ExactEntry, Link, Place, Request
from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.exact import MAX_MAGNITUDE, Walk
from gradtool.witness.symbolic.node import BeyondError, UndefinedError
from gradtool.witness.walk import Step, compile_tree

__all__ = ["derive"]

START_DIGITS, MAX_DIGITS = 50, 800
NEGLIGIBLE = 400
"""Anything below 10^-400 is nothing in every dtype."""

MAX_SIDE_DIGITS = 2600
"""Beside a point at 0, a distance of 10^-400 is cubed and more: (x - sin(x))/x**3."""

BEYOND_DECIMAL = 1 << 50
"""Binary exponents that decimal text can't carry any more."""

SIDE, CLOSER = 40, 10
"""Distances of the one-sided walks: 10^-40 of the point (10^-400 at 0), then 10^-10 of that."""


def derive(request: Request) -> Exact:
    """Value and derivatives of ``request.expression`` as decimal strings, with bounds; see ``evidence.Exact``."""
    began = time.perf_counter()
    steps = compile_tree(parse(request.expression, request.point).tree, request.framework)
    task = _Task(steps, request)
    try:
        walk, digits = task.settled()
    except UndefinedError as error:
        return task.undefined(error, time.perf_counter() - began)
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
        sensitivity = task.sensitivity(walk)
        entries = [task.entry(walk, name, sensitivity[name]) for name in request.wrt]
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


@dataclass(frozen=True, slots=True)
class _Side:
    """What a one-sided walk found: the limit of the slope, infinite where it grows without bound, None if none."""

    slope: Any
    continuous: bool


class _Task:
    """One expression at one point."""

    def __init__(self, steps: Sequence[Step], request: Request) -> None:
        self.steps, self.request = steps, request

    def walk(self, values: Mapping[str, Any], *, bounds: bool = False) -> Walk:
        request = self.request
        return Walk(self.steps, request.framework, request.dtype, values, request.wrt, bounds=bounds)

    def point(self) -> dict[str, Any]:
        return {name: mp.mpf(value) for name, value in self.request.point.items()}

    def settled(
        self, offsets: Mapping[str, Any] = MappingProxyType({}), start: int = START_DIGITS, most: int = MAX_DIGITS
    ) -> tuple[Walk, int]:
        """The walk at the point plus ``offsets`` with as many digits as leave 30 standing, and their number."""
        digits = start
        while True:
            with mp.workdps(digits):
                try:
                    walk = self.walk(self.moved(offsets), bounds=True)
                    missing = self._missing_digits(walk, digits, most)
                except UndefinedError as error:
                    if digits > start or error.certain:
                        raise
                    walk, missing = None, NEGLIGIBLE  # an argument rounded itself may be noise at the domain's edge
            if walk and (missing <= 0 or digits >= most):
                return walk, digits
            digits = min(digits + missing + 10, most)

    def moved(self, offsets: Mapping[str, Any]) -> dict[str, Any]:
        """The point with ``offsets`` added."""
        return {name: value + offsets.get(name, 0) for name, value in self.point().items()}

    def _missing_digits(self, walk: Walk, digits: int, most: int) -> int:
        missing = 500 if walk.thin else 0
        results = [walk.gradient(name)[:2] for name in self.request.wrt]
        floor = -4 * NEGLIGIBLE if most == MAX_DIGITS else -4 * most  # in bits: what is less than that is nothing
        for value, units in [*results, (walk.root.value, walk.root.units)]:
            if mp.isinf(units):  # a slope that jumps at this distance; closer by it may not
                missing = max(missing, 200)
            elif units and mp.isfinite(value):
                wanted = max(mp.mag(value), floor) if value else floor
                missing = max(missing, min(mp.mag(units) - wanted, 1 << 20) * 30103 // 100000 + 33 - digits)
        return int(missing)

    def sensitivity(self, walk: Walk) -> dict[str, Any]:
        """Largest change of each derivative when every coordinate moves by one rounding unit, three draws."""
        draw = random.Random(self.request.seed)  # noqa: S311  # not a secret, but a repeatable choice of signs
        worst = dict.fromkeys(self.request.wrt, mp.mpf(0))
        for _ in range(3):
            moved = {name: value * (1 + draw.choice((-1, 1)) * walk.unit) for name, value in self.point().items()}
            try:
                other = self.walk(moved)
            except (UndefinedError, BeyondError):
                continue
            for name in worst:
                worst[name] = max(worst[name], abs(other.gradient(name)[0] - walk.gradient(name)[0]))
        return worst

    def entry(self, walk: Walk, name: str, sensitivity: Any) -> ExactEntry:
        """The testimony about the derivative by ``name``."""
        derivative, units, excess = walk.gradient(name)
        if mp.isfinite(units) and abs(derivative) <= units * mp.eps:
            derivative = mp.mpf(0)
        kind, left, right = "smooth", None, None
        if walk.touched:
            kind, derivative, left, right = self._sided(name, derivative)
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

    # ---- one-sided

    def _sided(self, name: str, derivative: Any) -> tuple[str, Any, Any, Any]:
        """(kind, derivative, left, right) at a point that stands on a kink or on a singular derivative."""
        left, right = self._side(name, -1), self._side(name, 1)
        if left is None and right is None:
            return "isolated", None, None, None
        if left is None or right is None:
            side = left or right
            assert side is not None  # noqa: S101  # one of them is there
            infinite = side.slope is not None and mp.isinf(side.slope)
            kind = "vertical" if infinite else "one_sided" if side.continuous else "jump"
            return kind, None, left and left.slope, right and right.slope
        slopes = (left.slope, right.slope)
        if not (left.continuous and right.continuous):
            return "jump", None, *slopes
        if left.slope is None or right.slope is None:
            return "unknown", None, *slopes
        if mp.isinf(left.slope) or mp.isinf(right.slope):
            return "vertical", None, *slopes
        apart = abs(left.slope - right.slope)
        if apart > mp.mpf(10) ** -12 * max(abs(left.slope), abs(right.slope)):
            return "kink", None, *slopes
        if mp.isfinite(derivative) and abs(derivative - right.slope) <= mp.mpf(10) ** -12 * abs(right.slope):
            return "smooth", derivative, None, None
        return "smooth", right.slope, None, None

    def _side(self, name: str, sign: int) -> _Side | None:
        """The limit from one side; None where the expression has no value there.

        The limit of the derivative decides; where it has none (x**2*sin(1/x)), that of the difference quotient does.
        """
        slopes, quotients, gaps = [], [], []
        for step, start in self._steps([name]):
            try:
                beside, digits = self.settled({name: sign * step}, start, MAX_SIDE_DIGITS)
                with mp.workdps(digits):
                    centre = self.walk(self.point()).root.value
            except UndefinedError:
                return None
            except BeyondError:
                return _Side(None, continuous=False)
            with mp.workdps(digits):
                gaps.append(beside.root.value - centre)
                slopes.append(beside.gradient(name)[0])
                quotients.append(sign * gaps[-1] / step)
        continuous = bool(abs(gaps[2]) <= abs(gaps[1]) * mp.mpf("0.999") or gaps[2] == 0)
        for sequence in (slopes, quotients) if continuous else (slopes,):
            if (limit := _limit(sequence)) is not None:
                return _Side(limit, continuous)
        first, second, third = (abs(quotient) for quotient in quotients)
        grows = third - second >= mp.mpf("0.9") * (second - first) > 0
        return _Side(mp.sign(quotients[2]) * mp.inf if grows else None, continuous)

    def _steps(self, names: Sequence[str]) -> list[tuple[Any, int]]:
        """Three distances from the point, ever closer, each with the digits that tell it from the point."""
        sizes = [abs(self.request.point[name]) for name in names]
        steps = []
        for closer in (0, CLOSER, 2 * CLOSER):
            digits = SIDE + closer if all(sizes) else NEGLIGIBLE + closer
            extra = max(int(math.log10(size)) for size in [*sizes, 1] if size and math.isfinite(size))
            with mp.workdps(START_DIGITS):
                scale = min([1, *sizes]) if all(sizes) else 1
                steps.append((mp.mpf(10) ** -digits * scale, 2 * digits + extra + START_DIGITS))
        return steps

    # ---- no value

    def undefined(self, error: UndefinedError, seconds: float) -> Exact:
        """The testimony where an operation is outside its domain: which, and whether the hole can be filled."""
        row = OPERATIONS[error.step.operation]
        operands = dict(zip(row.parameters, self._operands(error.step), strict=True))
        needs = re.sub(r"\b[a-z]\w*\b", lambda word: operands.get(word.group(), word.group()), row.domain)
        shown = ", ".join(
            f"{operand} = {_shown(value)}"
            for operand, value in zip(operands.values(), error.arguments, strict=True)
            if operand != _shown(value)
        )
        name = f"{row.operator} ({row.name})" if row.operator else row.name
        needs = needs or "finite arguments"
        limit = self._filling()
        return Exact(
            self.request.key,
            "undefined",
            None,
            [ExactEntry(name, "isolated", None) for name in self.request.wrt],
            reason=f"{name} needs {needs}" + (f", and here {shown}" if shown else ""),
            where=_place(error.step),
            limit=None if limit is None else _text(limit),
            seconds=seconds,
        )

    def _operands(self, step: Step) -> list[str]:
        """The user's own words for the arguments of ``step``; inside a row's formula, the row's parameters."""
        text, row = self.request.expression, OPERATIONS[step.operation]
        if step.inlined:
            return list(row.parameters)
        return [text[slice(*self.steps[index].span)].strip() for index in step.arguments]

    def _filling(self) -> Any:
        """The common limit of the values along every axis and two diagonals, from both sides; None if there is none."""
        names = list(self.request.point)
        directions = [{name: 1} for name in names]
        if len(names) > 1:
            directions += [dict.fromkeys(names, 1), {name: (-1) ** place for place, name in enumerate(names)}]
        limits = []
        for direction in directions:
            for sign in (-1, 1):
                try:
                    values = [
                        self.settled(
                            {name: sign * way * step for name, way in direction.items()}, start, MAX_SIDE_DIGITS
                        )[0].root.value
                        for step, start in self._steps(list(direction))
                    ]
                except BeyondError:
                    return None
                except UndefinedError:
                    if len(names) == 1:
                        return None
                    continue  # a line on which the function is nowhere defined, such as x = y under x - y
                limits.append(_limit(values))
        if len(limits) < 2 * len(names) or limits[0] is None:
            return None
        if any(limit is None or abs(limit - limits[0]) > mp.mpf(10) ** -9 * abs(limits[0]) for limit in limits):
            return None
        return limits[0]


def _limit(sequence: Sequence[Any]) -> Any:
    """The number that three values at ever smaller distances stand at or fall to (0); None if they do neither."""
    first, second, third = sequence
    if max(abs(third - second), abs(second - first)) <= mp.mpf(10) ** -9 * max(abs(second), abs(third)):
        return third
    falling = abs(third) <= mp.mpf("0.9") * abs(second) and abs(second) <= mp.mpf("0.9") * abs(first)
    return mp.mpf(0) if falling else None


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
