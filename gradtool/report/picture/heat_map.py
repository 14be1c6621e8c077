"""A sweep of two variables as maps side by side: the function's value, the verdict, and the error in ulp."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from gradtool.report.picture.scale import Scale, across, error_scale, scale_for
from gradtool.report.picture.series import Sample, samples
from gradtool.report.picture.style import INK, SMALL, TITLE, VERDICTS, cut, minus
from gradtool.report.sweep import headings, shortened
from gradtool.verdict.record import WORDS, CheckRecord
from gradtool.verdict.stretches import coordinate

__all__ = ["draw_maps"]

MISSING, BEYOND = "#E4E4E4", "#7A0000"
MAPPED = {**VERDICTS, "verified": "#BFE3D5"}
"""The colours of verdicts, the most frequent one pale."""
Value = Callable[[Sample], float | None]


def draw_maps(figure: Figure, records: Sequence[CheckRecord], names: tuple[str, str]) -> None:
    """Fill ``figure`` with the three maps, a legend and a title."""
    board = _Board(records, names)
    left, middle, right = figure.subplots(1, 3, sharey=True)
    level = scale_for((part for sample in board.cells.values() for part in (sample.exact, sample.value)), 0.0)
    board.shades(figure, left, level, _value, "viridis", "exact value of f")
    board.verdicts(middle)
    errors = error_scale((_error(sample) or 0.0 for sample in board.cells.values()), "exact", 0.0)
    board.shades(figure, right, errors, _error, "cividis", "error in ulp")
    left.set_ylabel(shortened(names[1], 24), parse_math=False)
    title, below = headings(records)
    left.set_title(cut(title, 12, TITLE), loc="left", fontsize=TITLE, pad=46, weight="bold", parse_math=False)
    told = left.text(
        0, 1.1, cut(below, 12, SMALL), transform=left.transAxes, fontsize=SMALL, color="#666666", parse_math=False
    )
    told.set_in_layout(False)  # wider than its map
    board.legend(figure)


class _Board:
    """The grid under way: a sample for each column and row, and the signs that the legend has to explain."""

    def __init__(self, records: Sequence[CheckRecord], names: tuple[str, str]) -> None:
        self.names = names
        placed = [record for record in records if names[0] in record.point]
        self.cells: dict[tuple[float, float], Sample] = {}
        for y in {coordinate(record, names[1]) for record in placed}:
            row = samples([record for record in placed if record.point[names[1]] == y], names[0])
            self.cells.update({(sample.x, y): sample for sample in row})
        self.columns = sorted({x for x, _ in self.cells})
        self.rows = sorted({y for _, y in self.cells})
        self.signs: dict[str, str] = {}

    def shades(self, figure: Figure, panel: Axes, level: Scale, value: Value, palette: str, name: str) -> None:
        """A map of numbers, with the scale of its colours beside it; infinity is above the scale."""
        colours = colormaps[palette].with_extremes(bad=MISSING, over=BEYOND)
        numbers = {place: value(sample) for place, sample in self.cells.items()}
        beyond = any(number == math.inf for number in numbers.values())
        if beyond:
            self.signs["autodiff gives no number"] = BEYOND
        if len([number for number in numbers.values() if number is not None]) < len(self.columns) * len(self.rows):
            self.signs["not known"] = MISSING
        shown = {place: _shade(number, level) for place, number in numbers.items()}
        mesh = self._mesh(panel, shown, colours, name)
        bar = figure.colorbar(mesh, ax=panel, extend="max" if beyond else "neither", fraction=0.05, pad=0.02)
        ticks = level.ticks(6)
        bar.set_ticks([place for place, _ in ticks], labels=[minus(text) for _, text in ticks])
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=SMALL - 1, color=INK, labelcolor=INK)

    def verdicts(self, panel: Axes) -> None:
        """The map of verdicts, a colour for each."""
        found = {sample.verdict for sample in self.cells.values()}
        self.signs.update({word: MAPPED[word] for word in WORDS if word in found})
        words = list(WORDS)
        shown = {place: (words.index(sample.verdict) + 0.5) / len(words) for place, sample in self.cells.items()}
        colours = ListedColormap([MAPPED[word] for word in words]).with_extremes(bad=MISSING)
        self._mesh(panel, shown, colours, "verdict")

    def _mesh(self, panel: Axes, shown: Mapping[tuple[float, float], float], colours: Colormap, name: str) -> QuadMesh:
        across_, up = across(self.columns, 0.0), across(self.rows, 0.0)
        grid = [[shown.get((x, y), math.nan) for x in self.columns] for y in self.rows]
        edges = [
            _edges([scale.place(value) for value in own]) for scale, own in ((across_, self.columns), (up, self.rows))
        ]
        mesh = panel.pcolormesh(*edges, grid, cmap=colours, norm=Normalize(0, 1), rasterized=True)
        for axis, scale, count in ((panel.xaxis, across_, 5), (panel.yaxis, up, 7)):
            ticks = scale.ticks(count)
            axis.set_ticks([place for place, _ in ticks], labels=[minus(text) for _, text in ticks])
        panel.set_xlabel(shortened(self.names[0], 24), parse_math=False)
        panel.text(0, 1.02, name, transform=panel.transAxes, fontsize=SMALL + 1)
        panel.tick_params(color=INK, labelcolor=INK, labelsize=SMALL)
        panel.spines[:].set_visible(False)
        return mesh

    def legend(self, figure: Figure) -> None:
        """What the colours of the verdicts and of missing numbers mean."""
        words = [*(word for word in WORDS if word in self.signs), *(word for word in self.signs if word not in WORDS)]
        patches = [Patch(facecolor=self.signs[word], label=word) for word in words]
        figure.legend(handles=patches, loc="outside lower center", ncols=len(words), frameon=False, fontsize=SMALL)


def _shade(number: float | None, level: Scale) -> float:
    """The place of a number among the colours: 2 is beyond them, NaN is none of them."""
    if number is None or math.isnan(number):
        return math.nan
    return 2.0 if number == math.inf else min(max(level.place(number), 0.0), 1.0)


def _value(sample: Sample) -> float | None:
    return sample.value if sample.exact is None else sample.exact


def _error(sample: Sample) -> float | None:
    return max(sample.errors.values(), default=None)


def _edges(places: Sequence[float]) -> list[float]:
    """The borders of the cells whose middles are ``places``: half way between, and as far beyond the ends."""
    between = [(one + two) / 2 for one, two in itertools.pairwise(places)]
    return [2 * places[0] - between[0], *between, 2 * places[-1] - between[-1]]
