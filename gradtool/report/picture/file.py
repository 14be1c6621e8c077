"""The picture of a sweep as a PNG or SVG file: curves for one variable that changes, maps for two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from gradtool.report.picture.curves import draw_curves
from gradtool.report.picture.heat_map import draw_maps
from gradtool.report.picture.save import page, save
from gradtool.report.picture.series import drawable
from gradtool.verdict.record import CheckRecord

__all__ = ["draw"]


def draw(records: Sequence[CheckRecord], path: Path) -> None:
    """Draw one target at many points to ``path``. Raises ProblemError where that can't be done, and why."""
    save(lambda: _figure(records, drawable(records)), path)


def _figure(records: Sequence[CheckRecord], names: Sequence[str]) -> Figure:
    if len(names) == 1:
        return page(9, 8.4, lambda figure: draw_curves(figure, records, names[0]))
    return page(13.5, 5.4, lambda figure: draw_maps(figure, records, (names[0], names[1])))
