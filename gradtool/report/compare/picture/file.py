"""The picture of a comparison as a PNG or SVG file: the derivative by both frameworks, and both errors in ulp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from gradtool.report.compare.picture.sides import largest_errors, of_each, swept_one
from gradtool.report.compare.sweep import headings
from gradtool.report.entries import derivative_name
from gradtool.report.picture.curves import half_lost, prepare, write_axis, write_headings
from gradtool.report.picture.save import page, save
from gradtool.report.picture.scale import across, error_scale, scale_for
from gradtool.report.picture.series import runs, slope_dots
from gradtool.report.picture.signs import Pen
from gradtool.report.picture.style import FRAMEWORK, HIGH, VERDICTS
from gradtool.report.sweep import shortened
from gradtool.verdict.compare.record import AGREE, CompareRecord
from gradtool.verdict.stretches import stretches

__all__ = ["draw"]

SIDES = (("o", FRAMEWORK), ("s", VERDICTS["wrong"]))
"""The mark and the colour of each framework."""


def draw(records: Sequence[CompareRecord], path: Path) -> None:
    """Draw one target at many points to ``path``. Raises ProblemError where that can't be done, and why."""
    variable, by = swept_one(records)
    save(lambda: page(9, 6.4, lambda figure: _panels(figure, records, variable, by)), path)


def _panels(figure: Figure, records: Sequence[CompareRecord], variable: str, by: str) -> None:
    sweeps = of_each(records, variable)
    xs = [sample.x for sample in sweeps[0]]
    axis = across(xs, 0.02)
    pens = [Pen(xs, axis, title) for title in records[0].titles]
    pens[1].signs = pens[0].signs
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 3])
    level = scale_for(
        part for sweep in sweeps for one in sweep for part in (one.slope, one.left, one.right, one.autodiff)
    )
    prepare(top, level, shortened(derivative_name(by), 28))
    errors = [largest_errors(sweep) for sweep in sweeps]
    scale = error_scale((error for own in errors for _, error in own), "exact")
    prepare(bottom, scale, "error in ulp")
    pens[0].lines(top, level, runs(slope_dots(sweeps[0])))
    for pen, sweep, own, (mark, colour) in zip(pens, sweeps, errors, SIDES, strict=True):
        dots = [(one.x, one.autodiff) for one in sweep if one.autodiff is not None]
        pen.marks(top, level, [(x, y) for x, y in dots if math.isfinite(y)], pen.framework, mark, colour)
        pen.marks(bottom, scale, [(x, y) for x, y in own if math.isfinite(y)], pen.framework, mark, colour)
        pen.crosses(bottom, [x for x, y in own if y == math.inf], HIGH, "no number", "x" if mark == "o" else "+")
    half_lost(bottom, scale, records[0].dtype)
    found = stretches(records, variable, AGREE)
    for panel in (top, bottom):
        pens[0].bands(panel, found)
    write_axis(bottom, axis, shortened(variable, 24))
    write_headings(top, *headings(records))
    pens[0].legend(figure)
    figure.align_ylabels([top, bottom])
