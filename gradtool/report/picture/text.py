"""The picture of a sweep as lines of text: curves in Braille dots where the terminal has them, else in ASCII."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Iterable, Sequence

from gradtool.report.entries import derivative_name
from gradtool.report.picture.scale import Scale, across, error_scale, scale_for
from gradtool.report.picture.series import Sample, derived, drawable, runs, samples, slope_dots, value_runs
from gradtool.report.picture.text_map import joined, letters, map_lines, meanings
from gradtool.report.picture.text_panel import Mark, Panel, Spot, cell, painted
from gradtool.report.sweep import CHECKED, Vocabulary, headings, shortened
from gradtool.report.wrap import wrapped
from gradtool.terminal import Terminal
from gradtool.verdict.record import CheckRecord

__all__ = ["derivative_panel", "draw_text", "error_panel", "laid_out", "plain", "signs"]

HEIGHTS = 8, 8, 5
"""Rows of the function, of its derivative, and of the error."""
OFF = 0.08
"""A number is off the line where it stands at least so far from it, as a part of the height."""


def draw_text(records: Sequence[CheckRecord], terminal: Terminal) -> list[str]:
    """The picture as lines no wider than ``terminal``. Raises ProblemError where nothing can be drawn, and why."""
    names = drawable(records)
    title, below = headings(records)
    title = shortened(title, terminal.width, "…" if terminal.unicode else "...")
    lines = [painted(plain(title, terminal), "bold", terminal), *wrapped(plain(below, terminal), terminal.width), ""]
    if len(names) == 2:
        return lines + map_lines(records, (names[0], names[1]), terminal)
    return lines + _curves(records, names[0], terminal)


def plain(text: str, terminal: Terminal) -> str:
    """``text`` in what the terminal can show: ∂²f is d2f in ASCII, and an ellipsis three dots."""
    return terminal.glyphs(text if terminal.unicode else unicodedata.normalize("NFKC", text))


def _curves(records: Sequence[CheckRecord], variable: str, terminal: Terminal) -> list[str]:
    """Three panels, a line of letters where something is not verified, the axis, and what the signs mean."""
    sweep = samples(records, variable)
    axis = across([sample.x for sample in sweep], 0.01)
    by, _ = derived(records, variable)
    panels = [_function(sweep, axis, variable), derivative_panel(sweep, axis, by), _error(sweep, axis)]
    words = [(sample.x, sample.verdict) for sample in sweep]
    lines = laid_out(zip(panels, HEIGHTS, strict=True), words, axis, variable, CHECKED, terminal)
    bad = {word for _, word in words} - {"verified"}
    return lines + joined([*signs(panels, records[0].title, terminal), *meanings(bad)], terminal.width)


def laid_out(
    panels: Iterable[tuple[Panel, int]], words: Sequence[tuple[float, str]], axis: Scale, variable: str,
    vocabulary: Vocabulary, terminal: Terminal,
) -> list[str]:  # fmt: skip
    """Panels with their heights in rows, a line of letters where something is amiss, and the axis."""
    shown = [(panel, height) for panel, height in panels if panel.lines or panel.marks]
    labels = [panel.labels(height) for panel, height in shown]
    left = max((len(text) for own in labels for text in own), default=0)
    room = max(terminal.width - left - 2, 8)
    lines, edge = [], "│" if terminal.unicode else "|"
    for (panel, _), own in zip(shown, labels, strict=True):
        lines.append(f"{' ' * (left + 2)}{plain(panel.name, terminal)}")
        lines += [
            f"{text:>{left}} {edge}{row}" for text, row in zip(own, panel.rows(room, len(own), terminal), strict=True)
        ]
    if any(word not in vocabulary.fine for _, word in words):
        found = _words(words, axis, room)
        line = letters(found, room, terminal, vocabulary.fine, vocabulary.words)
        lines.append(f"{' ' * (left + 2)}{line}".rstrip())
    return [
        *lines, f"{' ' * (left + 2)}{_ticks(axis, room)}", f"{' ' * (left + 2)}{shortened(variable, room, '..')}", ""
    ]  # fmt: skip


def _words(sweep: Sequence[tuple[float, str]], axis: Scale, room: int) -> dict[int, list[str]]:
    """The verdicts in each cell under the axis; between two points with the same verdict it holds too."""
    words: dict[int, list[str]] = {}
    for one, two in itertools.pairwise([*sweep, sweep[-1]]):
        first, last = (cell(axis.place(x), room) for x, _ in (one, two))
        for place in range(first, (last if one[1] == two[1] else first) + 1):
            words.setdefault(place, []).append(one[1])
    return words


def _function(sweep: Sequence[Sample], axis: Scale, variable: str) -> Panel:
    level = scale_for(part for sample in sweep for part in (sample.exact, sample.value))
    marks = _numbers([(sample.x, sample.value, sample.exact) for sample in sweep], axis, level)
    return Panel(f"f({shortened(variable, 12, '..')})", level, _placed(value_runs(sweep), axis, level), marks)


def derivative_panel(sweep: Sequence[Sample], axis: Scale, by: str) -> Panel:
    """The exact derivative as a line, one-sided slopes, and the framework's numbers where they are off it."""
    level = scale_for(part for one in sweep for part in (one.slope, one.left, one.right, one.autodiff))
    sides = [(one.x, side, sign) for one in sweep for side, sign in ((one.left, "<"), (one.right, ">"))]
    marks = [(axis.place(x), level.place(side), sign) for x, side, sign in sides if side is not None]
    marks += _numbers([(sample.x, sample.autodiff, sample.slope) for sample in sweep], axis, level)
    return Panel(shortened(derivative_name(by), 16, ".."), level, _placed(runs(slope_dots(sweep)), axis, level), marks)


def _error(sweep: Sequence[Sample], axis: Scale) -> Panel:
    """The largest error at each point, by whichever variable."""
    known = [(axis.place(one.x), max(one.errors.values())) for one in sweep if one.errors]
    return error_panel("error in ulp", known, error_scale((error for _, error in known), "exact"))


def error_panel(name: str, known: Sequence[Spot], level: Scale) -> Panel:
    """Errors at their places across, as dots; where there is no number at all a cross at the upper edge."""
    dots = [[(place, level.place(error))] for place, error in known if math.isfinite(error)]
    return Panel(name, level, dots, [(place, 1.0, "x") for place, error in known if error == math.inf])


def _placed(pieces: Iterable[Sequence[Spot]], axis: Scale, level: Scale) -> list[list[Spot]]:
    return [[(axis.place(x), level.place(y)) for x, y in piece] for piece in pieces]


def _numbers(found: Iterable[tuple[float, float | None, float | None]], axis: Scale, level: Scale) -> list[Mark]:
    """The framework's numbers where they are visibly off the exact ones: at a height, or at an edge."""
    marks = []
    for x, number, truth in found:
        if number is None:
            continue
        if math.isnan(number):
            marks.append((axis.place(x), 0.0, "x"))
        elif math.isinf(number):
            marks.append((axis.place(x), float(number > 0), "^" if number > 0 else "v"))
        elif truth is None or math.isinf(truth) or abs(level.place(number) - level.place(truth)) > OFF:
            marks.append((axis.place(x), level.place(number), "o"))
    return marks


def _ticks(axis: Scale, room: int) -> str:
    """Numbers under the axis, each as near to its place as its neighbours allow."""
    line = ""
    for place, text in axis.ticks(max(room // 14, 2)):
        start = min(max(cell(place, room) - len(text) // 2, 0), max(room - len(text), 0))
        if start > len(line) or not line:
            line += " " * (start - len(line)) + text
    return line


def signs(panels: Sequence[Panel], framework: str, terminal: Terminal) -> list[str]:
    """What the signs stand for, those that are there."""
    used = {sign for panel in panels for _, _, sign in panel.marks}
    told = {
        "o": f"o {framework} where it is off the line",
        "x": f"x {framework} gives nan",
        "^": f"^ {framework} gives inf",
        "v": f"v {framework} gives -inf",
        "<": "< slope from the left",
        ">": "> slope from the right",
    }
    return [f"{'⠒⠒' if terminal.unicode else '..'} exact", *(text for sign, text in told.items() if sign in used)]
