"""The floating-point formats a gradient is computed in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["FORMATS", "Format", "rounded", "ulp"]


@dataclass(frozen=True, slots=True)
class Format:
    """A binary format: ``precision`` bits, normal numbers from 2^low up to 2^high."""

    name: str
    precision: int
    low: int
    high: int

    @property
    def coarse(self) -> bool:
        """Whether one rounding is so large that the first order of an error analysis says too little: 16 bits."""
        return self.precision < 24

    @property
    def unit(self) -> float:
        """The unit roundoff u, half the gap between 1 and the next number."""
        return 2.0**-self.precision

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return math.ldexp(2.0 - 2.0 * self.unit, self.high - 1)

    @property
    def smallest(self) -> float:
        """The smallest positive number, a subnormal one."""
        return math.ldexp(1.0, self.low - self.precision + 1)

    @property
    def least(self) -> float:
        """The smallest number that nothing flushes to 0: a normal one, but float16 is computed in float32."""
        return self.smallest if self.low > -126 else math.ldexp(1.0, self.low)


_ROWS = (
    Format("float64", 53, -1022, 1024),
    Format("float32", 24, -126, 128),
    Format("float16", 11, -14, 16),
    Format("bfloat16", 8, -126, 128),
)

FORMATS: Mapping[str, Format] = MappingProxyType({row.name: row for row in _ROWS})


def rounded(value: float, dtype: str) -> float:
    """``value`` rounded once to the nearest number of ``dtype``, halves to even; infinite where it does not fit."""
    row = FORMATS[dtype]
    if not value or not math.isfinite(value) or row.precision == 53:
        return value
    last = _last_place(value, row)
    places = round(math.ldexp(value, -last))  # exact but for the rounding: the value has no more than 53 bits
    if places.bit_length() + last > row.high:
        return math.copysign(math.inf, value)
    return math.copysign(math.ldexp(places, last), value)


def ulp(value: float, dtype: str) -> float:
    """The gap between the numbers of ``dtype`` at ``value``: one unit in the last place."""
    return math.ldexp(1.0, _last_place(value, FORMATS[dtype]))


def _last_place(value: float, row: Format) -> int:
    """The exponent of the last bit of a number of the format at ``value``."""
    return max(math.frexp(value)[1] - 1 if value else row.low, row.low) - row.precision + 1
