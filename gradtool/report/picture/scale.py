"""The axes of a picture: where a number stands between two edges, and which numbers stand beside the axis.

Nothing here knows what draws: the same axes serve the page and the terminal. Numbers of every size have a place,
from the smallest subnormal to the largest float, and no difference of two of them overflows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Scale", "across", "error_scale", "number_text", "scale_for"]

WIDE = 100.0
"""Where four numbers of five are so many times smaller than the largest, sizes are shown by their logarithm."""
FLAT = 1e-9
"""Numbers that differ by less than this part of their size are shown as a level line."""
Ticks = list[tuple[float, str]]
"""Places and texts."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A map of numbers to places: ``low`` stands at ``margin`` above the lower edge 0, ``high`` below the upper edge 1.

    Numbers are counted in units of 10^``exponent``. With ``log`` a magnitude above one unit counts by its logarithm,
    so that both signs and 0 have a place. ``low`` and ``high`` are told after that, and ``zero`` is the text for 0.
    """

    low: float
    high: float
    exponent: int
    log: bool
    margin: float = 0.09
    zero: str = "0"

    def place(self, value: float) -> float:
        """Where ``value`` stands; outside 0 to 1 if it is beyond an edge, yet never far."""
        return self._placed(self._counted(value))

    def gain(self, value: float) -> float:
        """How far the place moves for each unit of ``value``."""
        unit = 10.0**self.exponent
        bent = self.log and abs(value) > unit
        per = 1 / abs(value) / math.log(10) if bent else 1 / unit
        return per * (1 - 2 * self.margin) / (self.high - self.low)

    def ticks(self, count: int) -> Ticks:
        """About ``count`` numbers to write beside the axis, lowest first, none too near to another for a line each."""
        numbers = self._decades(count) if self.log else self._steps(count)
        kept: Ticks = []
        for number, counted in numbers:
            place = self._placed(counted)
            if 0 <= place <= 1 and all(abs(place - other) > 0.5 / count for other, _ in kept):
                kept.append((place, self.zero if not number else number_text(number)))
        return sorted(kept)

    def _counted(self, value: float) -> float:
        size = abs(value)
        if not self.log or size <= 10.0**self.exponent:
            return value / 10.0**self.exponent
        return math.copysign(1 + math.log10(size) - self.exponent, value)

    def _placed(self, counted: float) -> float:
        place = self.margin + (1 - 2 * self.margin) * (counted - self.low) / (self.high - self.low)
        return min(max(place, -0.5), 1.5)

    def _steps(self, count: int) -> list[tuple[Decimal, float]]:
        """Multiples of 1, 2 or 5 times a power of ten."""
        rough = (self.high - self.low) / count
        power = math.floor(math.log10(rough))
        digit = next((digit for digit in (1, 2, 5) if digit * 10.0**power >= rough), 10)
        step = Decimal(digit).scaleb(power)
        first, last = (int(edge / float(step)) for edge in (self.low, self.high))
        return [((step * times).scaleb(self.exponent), float(step * times)) for times in range(first - 1, last + 2)]

    def _decades(self, count: int) -> list[tuple[Decimal, float]]:
        """0 and powers of ten on both sides of it, as far as they are inside."""
        found: list[tuple[Decimal, float]] = [(Decimal(0), 0.0)]
        stride = max(math.ceil((self.high - self.low) / count), 1)
        for sign, reach in ((1, self.high), (-1, -self.low)):
            top = math.floor(reach - 1 + 1e-9)
            powers = [power for power in range(top, -1, -1) if (self.exponent + power) % stride == 0]
            found += [(Decimal(sign).scaleb(self.exponent + power), sign * (1.0 + power)) for power in powers]
        return found


def scale_for(values: Iterable[float | None], margin: float = 0.09) -> Scale:
    """The axis for some numbers, those that are not finite left out: even, or logarithmic where sizes differ much."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    sizes = sorted(abs(value) for value in known if value)
    if sizes and sizes[-1] / WIDE > sizes[len(sizes) * 4 // 5]:
        both = min(known) < 0 < max(known)
        bent = Scale(0, 1, _exponent(sizes[len(sizes) // (2 if both else 10)]), log=True, margin=margin)
        ends = bent._counted(min(known)), bent._counted(max(known))  # noqa: SLF001  # its own kind
        return Scale(*ends, bent.exponent, log=True, margin=margin)
    return across(known, margin, FLAT)


def across(values: Iterable[float], margin: float = 0.09, flat: float = 0.0) -> Scale:
    """The even axis for some finite numbers; such as differ by less than ``flat`` of their size stand half way."""
    known = list(values) or [0.0]
    exponent = _exponent(max(map(abs, known)))
    low, high = min(known) / 10.0**exponent, max(known) / 10.0**exponent
    if high - low <= flat * max(abs(low), abs(high)):
        room = 0.1 * max(abs(low), abs(high)) or 1.0
        low, high = low - room, high + room
    return Scale(low, high, exponent, log=False, margin=margin)


def error_scale(errors: Iterable[float], zero: str, margin: float = 0.09) -> Scale:
    """The axis for errors in ulp: ``zero`` at the bottom, then the powers of ten from 0.1."""
    largest = max((error for error in errors if math.isfinite(error)), default=0.0)
    return Scale(0, max(2 + math.log10(max(largest, 0.1)), 3.0), -1, log=True, margin=margin, zero=zero)


def _exponent(size: float) -> int:
    """The power of ten below ``size``, within what a float can hold to all its digits."""
    return max(math.floor(math.log10(size)), -307) if size else 0


def number_text(number: Decimal) -> str:
    """A number for an axis or a note: in full where that is short, else with an exponent."""
    number = number.normalize()
    mantissa, _, exponent = f"{number:e}".partition("e")
    small = f"{mantissa}e{int(exponent)}"
    full = f"{number:f}" if -5 <= number.adjusted() < 16 else small
    return full if number.adjusted() < 6 or len(full) < len(small) else small
