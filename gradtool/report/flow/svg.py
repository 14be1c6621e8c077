"""A line through numbers as an SVG picture in a page: dots that say what they are, an axis, NaN and infinity on top."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from gradtool.problem import printable
from gradtool.report.flow.figures import Decades, decades, wide_number
from gradtool.report.picture.scale import Scale, across

__all__ = ["Dot", "chart"]

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 70, 14, 30, 26
"""Room for the axis, and for the words above and below."""

TICKS = 5


@dataclass(frozen=True, slots=True)
class Dot:
    """A number and what it belongs to."""

    name: str
    value: float


def chart(dots: Sequence[Dot], title: str, *, log: bool) -> str:
    """The picture as text, all words escaped; with ``log`` numbers that are not above 0 have no place."""
    axis: Decades | Scale
    known = [dot.value for dot in dots if math.isfinite(dot.value)]
    if log:
        axis = decades(known)
        stride = max(math.ceil((axis.high - axis.low) / TICKS), 1)
        powers = range(axis.low, axis.high + 1, stride)
        ticks = [((power - axis.low) / (axis.high - axis.low), f"1e{power:+03d}") for power in powers]
    else:
        axis = across(known, 0.05, 1e-9)
        ticks = axis.ticks(TICKS)
    places = [_place(dot.value, axis, log=log) for dot in dots]
    xs = [_across(number, len(dots)) for number in range(len(dots))]
    parts = [f'<text x="{LEFT}" y="18" class="title">{_text(title)}</text>']
    for place, text in ticks:
        y = _up(place)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    parts += _lines(xs, places)
    parts += [_dot(dot, x, place) for dot, x, place in zip(dots, xs, places, strict=True)]
    parts += _ends(dots)
    named = f'role="img" aria-label="{_text(title)}"'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" {named}>{"".join(parts)}</svg>'


def _place(value: float, axis: Decades | Scale, *, log: bool) -> float | None:
    if not math.isfinite(value) or (log and value <= 0):
        return None
    return axis.place(value)


def _lines(xs: Sequence[float], places: Sequence[float | None]) -> list[str]:
    """A line through every run of neighbours that have a place."""
    lines = []
    known = zip(xs, places, strict=True)
    for there, run in itertools.groupby(known, key=lambda item: item[1] is not None):
        if there:
            corners = " ".join(f"{x},{_up(place)}" for x, place in run if place is not None)
            lines.append(f'<polyline points="{corners}"/>')
    return lines


def _dot(dot: Dot, x: float, place: float | None) -> str:
    said = f"<title>{_text(dot.name)}: {wide_number(dot.value)}</title>"
    if place is None:
        sign = "0" if dot.value <= 0 else "x"
        y = _up(0) if dot.value <= 0 else _up(1)
        return f'<text class="none" x="{x}" y="{y + 4:.1f}" text-anchor="middle">{sign}{said}</text>'
    return f'<circle cx="{x}" cy="{_up(place)}" r="3">{said}</circle>'


def _ends(dots: Sequence[Dot]) -> list[str]:
    """The names of the first and the last number, under the axis."""
    if not dots:
        return []
    y = HEIGHT - 8
    first = f'<text x="{LEFT}" y="{y}">{_text(dots[0].name)}</text>'
    last = f'<text x="{WIDTH - RIGHT}" y="{y}" text-anchor="end">{_text(dots[-1].name)}</text>'
    return [first, last] if len(dots) > 1 else [first]


def _across(number: int, count: int) -> float:
    return round(LEFT + 6 + (WIDTH - RIGHT - LEFT - 12) * (number / (count - 1) if count > 1 else 0.5), 1)


def _up(place: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - place), 1)


def _text(text: str) -> str:
    return html.escape(printable(text))
