"""A sweep of one variable as three panels over the same axis: the function, its derivative, and the error in ulp."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradtool.report.entries import derivative_name
from gradtool.report.picture.note import write_note
from gradtool.report.picture.scale import Scale, across, error_scale, scale_for
from gradtool.report.picture.series import Sample, derived, runs, samples, slope_dots, value_runs
from gradtool.report.picture.signs import Pen
from gradtool.report.picture.style import FRAMEWORK, HIGH, INK, PALE, SIDES, SMALL, TITLE, VERDICTS, cut, minus
from gradtool.report.sweep import headings, shortened
from gradtool.target.dtype import FORMATS
from gradtool.verdict.record import CheckRecord
from gradtool.verdict.stretches import stretches

__all__ = ["draw_curves", "half_lost", "prepare", "write_axis", "write_headings"]

MARKS = "osD^"
COLOURS = FRAMEWORK, VERDICTS["wrong"], SIDES, VERDICTS["unstable"]
"""For the errors by several variables, that of the drawn derivative first; from the fifth on they are left out."""


def draw_curves(figure: Figure, records: Sequence[CheckRecord], variable: str) -> None:
    """Fill ``figure`` with the three panels, a legend under them, and a title."""
    sweep = samples(records, variable)
    pen = Pen([sample.x for sample in sweep], across((sample.x for sample in sweep), 0.02), records[0].title)
    name, (label, by) = shortened(variable, 24), derived(records, variable)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 2.2])
    level = _function(top, pen, sweep, f"f({name})")
    _derivative(middle, pen, sweep, shortened(derivative_name(label), 28))
    _errors(bottom, pen, sweep, by)
    half_lost(bottom, _error_level(sweep), records[0].dtype)
    found = stretches(records, variable)
    for panel in (top, middle, bottom):
        pen.bands(panel, found)
    write_axis(bottom, pen.axis, name)
    write_headings(top, *headings(records))
    pen.legend(figure)
    figure.align_ylabels([top, middle, bottom])
    write_note(figure, top, sweep, (pen.axis, level), name)


def write_axis(bottom: Axes, axis: Scale, name: str) -> None:
    """The numbers under the lowest panel, and the variable."""
    bottom.set_xlabel(name, parse_math=False)
    ticks = axis.ticks(9)
    bottom.set_xticks(*_apart(ticks if max(len(text) for _, text in ticks) < 9 else axis.ticks(4)))


def _function(panel: Axes, pen: Pen, sweep: Sequence[Sample], label: str) -> Scale:
    """Exact values as a line, the framework's as marks."""
    level = scale_for(part for sample in sweep for part in (sample.exact, sample.value))
    prepare(panel, level, label)
    pen.lines(panel, level, value_runs(sweep))
    pen.numbers(panel, level, [(sample.x, sample.value) for sample in sweep])
    if all(sample.exact is None and sample.value is None for sample in sweep):
        panel.text(0.5, 0.62, "no single value to draw", transform=panel.transAxes, ha="center", color="#666666")
    return level


def _derivative(panel: Axes, pen: Pen, sweep: Sequence[Sample], label: str) -> None:
    """The exact derivative as a line, autodiff as marks, one-sided slopes as hollow arrowheads."""
    level = scale_for(part for one in sweep for part in (one.slope, one.left, one.right, one.autodiff))
    prepare(panel, level, label)
    pen.lines(panel, level, runs(slope_dots(sweep)))
    pen.sides(panel, level, [(one.x, one.left) for one in sweep], "<", "slope from the left")
    pen.sides(panel, level, [(one.x, one.right) for one in sweep], ">", "slope from the right")
    pen.numbers(panel, level, [(sample.x, sample.autodiff) for sample in sweep])


def _error_level(sweep: Sequence[Sample]) -> Scale:
    return error_scale((error for one in sweep for error in one.errors.values()), "exact")


def _errors(panel: Axes, pen: Pen, sweep: Sequence[Sample], by: str) -> None:
    """The error of autodiff by each variable, exact at the bottom; where it is no number at all at the top."""
    level = _error_level(sweep)
    prepare(panel, level, "error in ulp")
    names = dict.fromkeys([by, *(name for sample in sweep for name in sample.errors)])
    for name, mark, colour in zip(names, MARKS, COLOURS, strict=False):
        dots = [(sample.x, sample.errors[name]) for sample in sweep if name in sample.errors]
        told = pen.framework if name == by else f"error by {shortened(name, 24)}"
        pen.marks(panel, level, [(x, y) for x, y in dots if math.isfinite(y)], told, mark, colour)
    none = [one.x for one in sweep if math.inf in one.errors.values()]
    pen.crosses(panel, none, HIGH, "nan" if f"{pen.framework} gives nan" in pen.signs else "no number", "x")


def half_lost(panel: Axes, level: Scale, dtype: str) -> None:
    """A dotted line at the error that leaves half the digits."""
    if dtype in FORMATS and (place := level.place(2.0 ** (FORMATS[dtype].precision / 2))) < 1:
        panel.axhline(place, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        panel.text(
            1.008, place, "half the\ndigits lost", transform=panel.transAxes, va="center", fontsize=SMALL - 1.5
        )  # fmt: skip


def write_headings(panel: Axes, title: str, below: str) -> None:
    """The title and the line under it."""
    panel.set_title(cut(title, 7.9, TITLE), loc="left", fontsize=TITLE, pad=24, weight="bold", parse_math=False)
    told = cut(below, 7.9, SMALL)
    panel.text(0, 1.035, told, transform=panel.transAxes, fontsize=SMALL, color="#666666", parse_math=False)


def prepare(panel: Axes, level: Scale, label: str) -> None:
    """An empty panel with its numbers and its lines."""
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1)
    panel.set_ylabel(label, parse_math=False)
    panel.set_yticks(*_apart(level.ticks(6)))
    panel.grid(color=PALE, linewidth=0.6, zorder=0)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(color=INK, labelcolor=INK, labelsize=SMALL)


def _apart(ticks: Sequence[tuple[float, str]]) -> tuple[list[float], list[str]]:
    return [place for place, _ in ticks], [minus(text) for _, text in ticks]
