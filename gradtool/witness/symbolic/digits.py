"""The walk with enough digits: repeated until its own error bound leaves 30 of them standing."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from mpmath import mp

from gradtool.evidence import Request
from gradtool.witness.symbolic.exact import Walk
from gradtool.witness.symbolic.node import BeyondError, UndefinedError
from gradtool.witness.walk import Step

__all__ = ["MAX_DIGITS", "NEGLIGIBLE", "START_DIGITS", "Task"]

START_DIGITS, MAX_DIGITS = 50, 800
NEGLIGIBLE = 400
"""Anything below 10^-400 is nothing in every dtype."""

DRAWS = 3
"""So many times the point is moved by one rounding unit."""

SMALL = 200
"""Programs of fewer steps are walked whole, where one variable moves."""


def needed(steps: Sequence[Step], root: int) -> dict[int, bool]:
    """The steps that ``root`` depends on in the order of evaluation, and whether they are computed for sure.

    A step of a branch is computed only where the branch is taken.
    """
    found = {root: True}
    for place in range(root, -1, -1):
        if place in found:
            step, sure = steps[place], found[place]
            branching = step.operation in ("where", "logical_and", "logical_or")
            for position, argument in enumerate(step.arguments):
                found[argument] = found.get(argument, False) or (sure and not (branching and position))
    return dict(sorted(found.items()))


class Task:
    """One step of a program at one point, to be differentiated by the variables ``wrt``, called by their labels.

    ``known`` is the value at the point where the program has none or a framework's convention instead: that of a
    derivative which only limits have found.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        request: Request,
        wrt: Sequence[str],
        coordinates: Mapping[str, float],
        root: int = -1,
    ) -> None:
        self.steps, self.request, self.wrt, self.root = steps, request, list(wrt), root % len(steps)
        wanted = needed(steps, self.root)
        self.order = [place for place, sure in wanted.items() if sure] if len(steps) > SMALL else []
        names = {steps[place].name for place in wanted if steps[place].operation == "variable"}
        self._point = {name: mp.mpf(value) for name, value in coordinates.items() if name in names}
        self._bases: dict[int, Walk] = {}
        self.known: Any = None
        self._deadline = math.inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """In the block, walks raise TimeoutError once so many seconds have passed."""
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = math.inf

    def walk(self, values: Mapping[str, Any], *, bounds: bool = False, moved: str = "") -> Walk:
        """One walk at ``values``, at the current precision.

        ``moved`` names the only variable that differs from the point and is differentiated by: only the steps that
        depend on it are walked again.
        """
        request = self.request
        how: dict[str, Any] = {"bounds": bounds, "root": self.root, "order": self.order, "deadline": self._deadline}
        if moved and len(self.steps) > SMALL:
            how |= {"base": self._base(), "moved": self._dependents(moved)}
        wrt = [moved] if moved else self.wrt
        return Walk(self.steps, request.framework, request.dtype, values, wrt, **how)

    def centre(self) -> Any:
        """The value at the point, at the current precision."""
        return self._base().root.value if self.known is None else self.known

    def _base(self) -> Walk:
        """The walk at the point itself, once for each precision."""
        if mp.prec not in self._bases:
            request, point = self.request, self.point()
            how: dict[str, Any] = {"root": self.root, "order": self.order, "deadline": self._deadline}
            self._bases[mp.prec] = Walk(self.steps, request.framework, request.dtype, point, self.wrt, **how)
        return self._bases[mp.prec]

    def _dependents(self, name: str) -> frozenset[int]:
        found: set[int] = set()
        for place, step in enumerate(self.steps):
            if step.name == name if step.operation == "variable" else any(part in found for part in step.arguments):
                found.add(place)
        return frozenset(found)

    def point(self) -> dict[str, Any]:
        """The point in high precision, by labels: the coordinates that the step depends on."""
        return dict(self._point)

    def settled(
        self,
        offsets: Mapping[str, Any] = MappingProxyType({}),
        start: int = START_DIGITS,
        most: int = MAX_DIGITS,
        moved: str = "",
    ) -> tuple[Walk, int]:
        """The walk at the point plus ``offsets`` with as many digits as leave 30 standing, and their number."""
        digits = start
        while True:
            with mp.workdps(digits):
                try:
                    walk = self.walk(self.moved(offsets), bounds=True, moved=moved)
                    missing = self._missing_digits(walk, digits, most, [moved] if moved else self.wrt)
                except UndefinedError as error:
                    if digits > start or error.certain:
                        raise
                    walk, missing = None, NEGLIGIBLE  # an argument rounded itself may be noise at the domain's edge
            if walk and (missing <= 0 or digits >= most):
                return walk, digits
            digits = min(digits + missing + 10, most)

    def beside(self, unit: Any) -> list[Walk]:
        """Walks at three points whose every coordinate is one rounding ``unit`` away; fewer where there is no value."""
        draw = random.Random(self.request.seed)  # noqa: S311  # not a secret, but a repeatable choice of signs
        found = []
        for _ in range(DRAWS):
            values = {name: value * (1 + draw.choice((-1, 1)) * unit) for name, value in self._point.items()}
            try:
                found.append(self.walk(values))
            except (UndefinedError, BeyondError):
                continue
        return found

    def moved(self, offsets: Mapping[str, Any]) -> dict[str, Any]:
        """The point with ``offsets`` added."""
        return {**self._point, **{name: self._point[name] + offset for name, offset in offsets.items()}}

    def _missing_digits(self, walk: Walk, digits: int, most: int, names: Sequence[str]) -> int:
        missing = 500 if walk.thin else 0
        entries = [walk.variable(name) for name in names]
        floor = -4 * NEGLIGIBLE if most == MAX_DIGITS else -4 * most  # in bits: what is less than that is nothing
        results = [(entry.adjoint, entry.adjoint_units) for entry in entries]
        for value, units in [*results, (walk.root.value, walk.root.units)]:
            if mp.isinf(units):  # a slope that jumps at this distance; closer by it may not
                missing = max(missing, 200)
            elif units and mp.isfinite(value):
                wanted = max(mp.mag(value), floor) if value else floor
                missing = max(missing, min(mp.mag(units) - wanted, 1 << 20) * 30103 // 100000 + 33 - digits)
        return int(missing)
