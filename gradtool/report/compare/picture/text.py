"""The picture of a comparison as lines of text: the derivative, and the error of each framework in ulp."""

from __future__ import annotations

from collections.abc import Sequence

from gradtool.report.compare.picture.sides import largest_errors, of_each, swept_one, verdicts
from gradtool.report.compare.sweep import COMPARED, headings
from gradtool.report.picture.scale import across, error_scale
from gradtool.report.picture.text import derivative_panel, error_panel, laid_out, plain
from gradtool.report.picture.text_map import joined, meanings
from gradtool.report.picture.text_panel import Panel, painted
from gradtool.report.sweep import shortened
from gradtool.report.wrap import wrapped
from gradtool.terminal import Terminal
from gradtool.verdict.compare.record import CompareRecord

__all__ = ["draw_text"]

HEIGHTS = 8, 6, 6
"""Rows of the derivative, and of each framework's error."""


def draw_text(records: Sequence[CompareRecord], terminal: Terminal) -> list[str]:
    """The picture as lines no wider than ``terminal``. Raises ProblemError where nothing can be drawn, and why."""
    variable, by = swept_one(records)
    title, below = headings(records)
    title = shortened(title, terminal.width, "…" if terminal.unicode else "...")
    lines = [painted(plain(title, terminal), "bold", terminal), *wrapped(plain(below, terminal), terminal.width), ""]
    sweeps = of_each(records, variable)
    axis = across([sample.x for sample in sweeps[0]], 0.01)
    errors = [[(axis.place(x), error) for x, error in largest_errors(sweep)] for sweep in sweeps]
    scale = error_scale((error for own in errors for _, error in own), "exact")
    exact = derivative_panel(sweeps[0], axis, by)
    named = zip(records[0].titles, errors, strict=True)
    panels = [
        Panel(exact.name, exact.level, exact.lines, [mark for mark in exact.marks if mark[2] in "<>"]),
        *(error_panel(f"{name}, error in ulp", own, scale) for name, own in named),
    ]
    words = verdicts(records, variable)
    lines += laid_out(zip(panels, HEIGHTS, strict=True), words, axis, variable, COMPARED, terminal)
    used = {sign for panel in panels for _, _, sign in panel.marks}
    told = {"x": "x no number", "<": "< slope from the left", ">": "> slope from the right"}
    bad = {word for _, word in words if word not in COMPARED.fine}
    return lines + joined(
        [*(text for sign, text in told.items() if sign in used), *meanings(bad, COMPARED.words)], terminal.width
    )
