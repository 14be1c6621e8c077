"""Figures as text and as bars: how numbers, shares, lengths and curves are shown in every report on a model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Decades", "bar_text", "counted", "decades", "is_wide", "number", "share", "sparkline", "wide_number"]

LEAST = 3
"""Decades that an axis has at least, so that like figures get bars of like length."""

EIGHTHS = "▏▎▍▌▋▊▉█"
LEVELS = "▁▂▃▄▅▆▇█"
PLAIN_LEVELS = "_.-=+*#@"
"""Bars and steps, lowest first."""


def number(value: float | None, digits: int = 3) -> str:
    """``digits`` significant digits; ``nan`` and ``inf`` as such, ``-`` for None."""
    return "-" if value is None else f"{value:.{digits}g}"


def wide_number(value: float | None) -> str:
    """Seven significant digits, those of float32: for losses."""
    return number(value, 7)


def counted(count: int, what: str) -> str:
    """``1 layer``, ``1,024 layers``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """``part`` of ``whole`` in percent; 0 % and 100 % are told only where they are exact."""
    if not whole:
        return "-"
    percent = 100 * part / whole
    if 0 < part < whole:
        return "<0.1 %" if percent < 0.1 else ">99.9 %" if percent > 99.9 else f"{percent:.3g} %"
    return f"{percent:.0f} %"


@dataclass(frozen=True, slots=True)
class Decades:
    """A logarithmic axis from 10^``low`` to 10^``high``."""

    low: int
    high: int

    def place(self, value: float | None) -> float:
        """Where ``value`` stands between 0 and 1: 0 for 0 and for what has no place, 1 for infinity."""
        if not value or math.isnan(value):
            return 0.0
        if math.isinf(value):
            return 1.0
        return min(max((math.log10(value) - self.low) / (self.high - self.low), 0.01), 1.0)

    def __str__(self) -> str:
        return f"from 1e{self.low:+03d} to 1e{self.high:+03d}"


def decades(values: Iterable[float | None]) -> Decades:
    """The axis on which every value that is finite and not 0 has a place."""
    known = [math.log10(value) for value in values if value and math.isfinite(value)]
    low, high = math.floor(min(known, default=-LEAST)), math.ceil(max(known, default=0))
    return Decades(min(low, high - LEAST), high)


def bar_text(length: float, width: int, *, unicode: bool) -> str:
    """A bar of up to ``width`` characters; anything above 0 is at least a trace."""
    if not unicode:
        return "#" * math.ceil(length * width - 1e-9)
    full, rest = divmod(math.ceil(length * width * 8 - 1e-9), 8)
    return EIGHTHS[-1] * full + (EIGHTHS[rest - 1] if rest else "")


def is_wide(values: Iterable[float]) -> bool:
    """Whether the finite values are all above 0 and differ by more than a factor of 100: a case for a log scale."""
    known = [value for value in values if math.isfinite(value)]
    return bool(known) and min(known) > 0 and max(known) / 100 > min(known)


def sparkline(values: Sequence[float], *, unicode: bool) -> str:
    """One sign for each value from the lowest to the highest, ``x`` where it is no finite number.

    Values that are far apart are shown by their logarithm.
    """
    levels = LEVELS if unicode else PLAIN_LEVELS
    if is_wide(values):
        values = [math.log10(value) if math.isfinite(value) else value for value in values]
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    steps = [(value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0 for value in known]
    signs = iter(levels[min(int(step * len(levels)), len(levels) - 1)] for step in steps)
    return "".join(next(signs) if math.isfinite(value) else "x" for value in values)
