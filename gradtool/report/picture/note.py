"""A point of a curve pointed out: a short tangent, and a few words where they cover nothing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from decimal import Decimal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from gradtool.report.entries import derivative_name
from gradtool.report.numbers import exact, short
from gradtool.report.picture.scale import Scale, number_text
from gradtool.report.picture.series import Sample, chosen
from gradtool.report.picture.style import HIGH, INK, LOW, SMALL, minus
from gradtool.report.sweep import shortened

__all__ = ["write_note"]

Spot = tuple[float, float]
LENGTH = 46.0
"""Pixels of a tangent on each side of its point."""
GAP = 10.0
"""Pixels between the words and everything else."""


def write_note(figure: Figure, panel: Axes, sweep: Sequence[Sample], scales: tuple[Scale, Scale], name: str) -> None:
    """Point out one point of the top panel, after everything else in it has been drawn."""
    axis, level = scales
    sample = sweep[chosen(sweep)]
    figure.draw_without_rendering()
    box = panel.get_window_extent()
    size = (box.width, box.height)
    height = next((one for one in (sample.exact, sample.value) if one is not None and math.isfinite(one)), None)
    edge = HIGH if sample.value == math.inf else LOW
    spot = axis.place(sample.x), edge if height is None else min(max(level.place(height), LOW), HIGH)
    taken = _curve(sweep, (axis, level), size)
    if height is not None:
        for slope, sides in _slopes(sample):
            ends = _tangent(spot, slope * level.gain(height) / axis.gain(sample.x), sides, size)
            panel.plot(*zip(*ends, strict=True), color=INK, linewidth=1.5, solid_capstyle="round", zorder=6)
            taken += _between(*(_scaled(end, size) for end in ends))
        panel.plot(*spot, marker="o", markersize=7, markerfacecolor="none", color=INK, markeredgewidth=1.2, zorder=6)
    note = panel.annotate(
        minus(words(sample, name)), xy=spot, xytext=(0.5, 0.5), textcoords="axes fraction", fontsize=SMALL, zorder=7,
        ha="center", va="center", parse_math=False, color="black", annotation_clip=False,
        bbox={"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": "#BBBBBB", "alpha": 0.92},
        arrowprops={"arrowstyle": "-", "color": "#777777", "linewidth": 0.8, "shrinkB": 5},
    )  # fmt: skip
    note.set_in_layout(False)
    extent = Text.get_window_extent(note)  # without its line
    half = min(extent.width, size[0]) / 2 + GAP, min(extent.height, size[1]) / 2 + GAP
    note.set_position(_free(_scaled(spot, size), half, taken, size))


def words(sample: Sample, name: str) -> str:
    """What the note says: the slope and the place, and what is amiss there."""
    at = f"at {name} = {_six(repr(sample.x))}"
    entry = sample.entry
    if entry is None or (entry.symbolic, entry.left, entry.right) == (None,) * 3:
        return f"{sample.verdict} {at}"
    slope = "slope" if sample.rises else f"{shortened(derivative_name(entry.label), 28)} ="
    if entry.symbolic is None:
        sides = [(_six(entry.left), "left"), (_six(entry.right), "right")]
        told = " and ".join(f"{text} from the {side}" for text, side in sides if text != "-")
        return f"{slope} {told}\n{at}"
    told = f"{slope} {_six(entry.symbolic)} {at}"
    if sample.verdict == "verified" or sample.autodiff is None:
        return told
    if entry.label != sample.blamed:
        return f"{told}\n{sample.verdict} by {shortened(sample.blamed, 24)}"
    given = _six(repr(sample.autodiff))
    if given == _six(entry.symbolic) and entry.ulp is not None:
        return f"{told}\n{sample.verdict}: autodiff is off by {short(entry.ulp)} ulp"
    return f"{told}\n{sample.verdict}: autodiff gives {given}"


def _six(text: str | None) -> str:
    """A decimal text in six digits."""
    told = "nan" if text == "nan" else exact(text, 6)
    return number_text(Decimal(told)) if told[-1].isdigit() else told


def _slopes(sample: Sample) -> list[tuple[float, tuple[int, ...]]]:
    """Each slope to draw, and on which sides of the point."""
    if not sample.rises:
        return []
    if sample.slope is not None:
        return [(sample.slope, (-1, 1))]
    return [(slope, (side, 0)) for slope, side in ((sample.left, -1), (sample.right, 1)) if slope is not None]


def _tangent(spot: Spot, slope: float, sides: tuple[int, ...], size: Spot) -> list[Spot]:
    """The ends of a tangent of a fixed length on the page; ``slope`` is told in places."""
    angle = math.atan2(slope * size[1], size[0]) if not math.isnan(slope) else 0.0
    step = LENGTH * math.cos(angle) / size[0], LENGTH * math.sin(angle) / size[1]
    return [(spot[0] + side * step[0], spot[1] + side * step[1]) for side in sides]


def _curve(sweep: Sequence[Sample], scales: tuple[Scale, Scale], size: Spot) -> list[Spot]:
    """Pixels that the words must not cover: both curves, and the marks at the edges."""
    dots: list[Spot] = []
    for series in ("exact", "value"):
        before: Spot | None = None
        for sample in sweep:
            y = getattr(sample, series)
            finite = y is not None and math.isfinite(y)
            height = scales[1].place(y) if finite else HIGH if y == math.inf else LOW
            spot = _scaled((scales[0].place(sample.x), height), size)
            if y is not None:
                dots += _between(before, spot) if finite and before else [spot]
            before = spot if finite else None
    return dots


def _between(one: Spot, two: Spot) -> list[Spot]:
    """Pixels on the way from one to the other, a few apart."""
    parts = math.ceil(math.dist(one, two) / 6) + 1
    steps = [step / parts for step in range(parts + 1)]
    return [(one[0] + step * (two[0] - one[0]), one[1] + step * (two[1] - one[1])) for step in steps]


def _scaled(spot: Spot, size: Spot) -> Spot:
    return spot[0] * size[0], spot[1] * size[1]


def _free(spot: Spot, half: Spot, taken: Sequence[Spot], size: Spot) -> Spot:
    """Where the middle of the words goes, in parts of the panel: nothing covered, and near its point."""
    pixels = {(round(x / 5) * 5, round(y / 5) * 5) for x, y in (*taken, spot)}

    def cost(middle: Spot) -> tuple[int, float]:
        covered = sum(abs(x - middle[0]) < half[0] and abs(y - middle[1]) < half[1] for x, y in pixels)
        return covered, math.dist(middle, spot)

    columns = [half[0] + (size[0] - 2 * half[0]) * step / 36 for step in range(37)]
    rows = [half[1] + (size[1] - 2 * half[1]) * step / 16 for step in range(17)]
    best = min(itertools.product(columns, rows), key=cost)
    return best[0] / size[0], best[1] / size[1]
