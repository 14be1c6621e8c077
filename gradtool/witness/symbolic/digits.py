"""The walk with enough digits: repeated until its own error bound leaves 30 of them standing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mpmath import mp

from gradtool.evidence import Request
from gradtool.witness.symbolic.exact import Walk
from gradtool.witness.symbolic.node import UndefinedError
from gradtool.witness.walk import Step

__all__ = ["MAX_DIGITS", "NEGLIGIBLE", "START_DIGITS", "Task"]

START_DIGITS, MAX_DIGITS = 50, 800
NEGLIGIBLE = 400
"""Anything below 10^-400 is nothing in every dtype."""


class Task:
    """One expression at one point."""

    def __init__(self, steps: Sequence[Step], request: Request) -> None:
        self.steps, self.request = steps, request

    def walk(self, values: Mapping[str, Any], *, bounds: bool = False) -> Walk:
        """One walk at ``values``, at the current precision."""
        request = self.request
        return Walk(self.steps, request.framework, request.dtype, values, request.wrt, bounds=bounds)

    def point(self) -> dict[str, Any]:
        """The point in high precision."""
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
