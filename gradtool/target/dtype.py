"""The floating-point formats a gradient is computed in."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["FORMATS", "Format", "rounded", "ulp"]


@dataclass(frozen=True, slots=True)
class Format:
    """A binary format: ``precision`` bits, normal numbers from 2^low up to 2^high, ``code`` as ``struct`` knows it."""

    name: str
    precision: int
    low: int
    high: int
    code: str

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


FORMATS: Mapping[str, Format] = MappingProxyType(
    {row.name: row for row in (Format("float64", 53, -1022, 1024, "<d"), Format("float32", 24, -126, 128, "<f"))}
)


def rounded(value: float, dtype: str) -> float:
    """``value`` rounded to the nearest number of ``dtype``; infinite where it does not fit."""
    code = FORMATS[dtype].code
    try:
        return float(struct.unpack(code, struct.pack(code, value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def ulp(value: float, dtype: str) -> float:
    """The gap between the numbers of ``dtype`` at ``value``: one unit in the last place."""
    row = FORMATS[dtype]
    exponent = max(math.frexp(value)[1] - 1, row.low)
    return math.ldexp(1.0, exponent - row.precision + 1)
