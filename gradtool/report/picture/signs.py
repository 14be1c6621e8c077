"""The signs of a curve's panels: lines, marks, crosses at the edge, bands; and the legend that explains them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradtool.report.picture.scale import Scale
from gradtool.report.picture.style import EXACT, FRAMEWORK, HIGH, INK, KINKS, LOW, SIDES, SMALL, VERDICTS, minus
from gradtool.verdict.record import WORDS
from gradtool.verdict.stretches import Stretch

__all__ = ["Pen"]

Dots = Sequence[tuple[float, float]]
Numbers = Sequence[tuple[float, float | None]]


class Pen:
    """Draws in panels that share ``axis``, at the points ``xs``, and keeps every sign for the legend."""

    def __init__(self, xs: Sequence[float], axis: Scale, framework: str) -> None:
        self.xs = xs
        self.axis = axis
        self.framework = framework
        self.signs: dict[str, Artist] = {}
        self.size = 4.6 if len(xs) <= 70 else 2.8 if len(xs) <= 250 else 1.6

    def lines(self, panel: Axes, level: Scale, pieces: Iterable[Dots]) -> None:
        """The exact curve; a piece of one point is a dot."""
        for piece in pieces:
            places = [(self.axis.place(x), level.place(y)) for x, y in piece]
            (line,) = panel.plot(
                *zip(*places, strict=True), color=EXACT, linewidth=2.6, marker="o" if len(places) == 1 else "",
                markersize=3.5, solid_capstyle="round", zorder=3,
            )  # fmt: skip
            if len(places) > 1 or "exact" not in self.signs:
                self.signs["exact"] = line

    def numbers(self, panel: Axes, level: Scale, found: Numbers) -> None:
        """The framework's numbers as filled marks, those that are none at the edges."""
        known = [(x, y) for x, y in found if y is not None]
        self.marks(panel, level, [(x, y) for x, y in known if math.isfinite(y)], self.framework, "o", FRAMEWORK)
        self.crosses(panel, [x for x, y in known if math.isnan(y)], LOW, "nan", "x")
        self.crosses(panel, [x for x, y in known if y == math.inf], HIGH, "inf", 6)
        self.crosses(panel, [x for x, y in known if y == -math.inf], LOW, "-inf", 7)

    def marks(self, panel: Axes, level: Scale, dots: Dots, told: str, mark: str, colour: str) -> None:
        """Marks: the framework's own ones filled, others hollow and larger, so that both are seen at one place."""
        places = [(self.axis.place(x), level.place(y)) for x, y in dots]
        if places:
            filled = colour == FRAMEWORK
            (line,) = panel.plot(
                *zip(*places, strict=True), linestyle="", marker=mark, color=colour, zorder=4,
                markersize=self.size if filled else self.size * 1.5, markeredgewidth=0 if filled else 1.2,
                markerfacecolor=colour if filled else "none",
            )  # fmt: skip
            self.signs.setdefault(told, line)

    def crosses(self, panel: Axes, xs: Sequence[float], height: float, number: str, mark: str | int) -> None:
        """Marks at the edge of a panel, where the framework gives a ``number`` that has no place in it."""
        if xs:
            (line,) = panel.plot(
                [self.axis.place(x) for x in xs], [height] * len(xs), linestyle="", marker=mark, color="#A00000",
                markersize=max(self.size + 0.6, 3.6), markeredgewidth=1.5, zorder=5,
            )  # fmt: skip
            self.signs.setdefault(f"{self.framework} gives {number}", line)

    def sides(self, panel: Axes, level: Scale, found: Numbers, mark: str, told: str) -> None:
        """One-sided slopes as hollow arrowheads, infinite ones at the edge."""
        places = [(self.axis.place(x), min(max(level.place(y), LOW), HIGH)) for x, y in found if y is not None]
        if places:
            (line,) = panel.plot(
                *zip(*places, strict=True), linestyle="", marker=mark, color=SIDES, markerfacecolor="white",
                markersize=7.5, markeredgewidth=1.5, zorder=3.5,
            )  # fmt: skip
            self.signs.setdefault(told, line)

    def bands(self, panel: Axes, found: Sequence[Stretch]) -> None:
        """What is not verified, as shaded bands; a single kink as a dotted line."""
        for stretch in found:
            sign: Artist
            if stretch.verdict in KINKS and stretch.points == 1:
                place = self.axis.place(stretch.start)
                sign = panel.axvline(place, color=INK, linestyle=":", linewidth=1.1, zorder=1.5)
            else:
                colour = VERDICTS[stretch.verdict]
                sign = panel.axvspan(*self._ends(stretch), facecolor=colour, alpha=0.24, linewidth=0, zorder=0.5)
            self.signs.setdefault(stretch.verdict, sign)

    def _ends(self, stretch: Stretch) -> tuple[float, float]:
        """Half way to the neighbours on both sides, to the edge at the ends, and never too narrow to be seen."""
        first, last = self.xs.index(stretch.start), len(self.xs) - 1 - self.xs[::-1].index(stretch.stop)
        start, stop = self.axis.place(stretch.start), self.axis.place(stretch.stop)
        low = (start + self.axis.place(self.xs[first - 1])) / 2 if first else 0.0
        high = (stop + self.axis.place(self.xs[last + 1])) / 2 if last + 1 < len(self.xs) else 1.0
        return min(low, start - 0.002), max(high, stop + 0.002)

    def legend(self, figure: Figure) -> None:
        """Every sign that was used, under the panels; the verdicts last, worst first."""
        order = ["exact", self.framework, *(told for told in self.signs if told not in WORDS), *WORDS]
        told = [word for word in dict.fromkeys(order) if word in self.signs]
        roomy = sum(len(word) + 6 for word in told) <= 105
        columns = len(told) if roomy else min((len(told) + 1) // 2, 4)
        legend = figure.legend(
            [self.signs[word] for word in told], [minus(word) for word in told], loc="outside lower center",
            ncols=columns, frameon=False, fontsize=SMALL,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set_parse_math(False)
