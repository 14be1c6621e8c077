"""The gradients of a model as bars in the terminal, and the course of a training as a line of signs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from gradtool.problem import Problem, ProblemError
from gradtool.report.flow.experiments import thinned
from gradtool.report.flow.figures import bar_text, decades, number, sparkline, wide_number
from gradtool.report.flow.groups import grouped
from gradtool.report.flow.row import Row, places, row, rows_together
from gradtool.terminal import Terminal
from gradtool.verdict.flow.record import FlowRecord

__all__ = ["draw_text"]

SHORTEST, LONGEST = 10, 60
"""Characters that a bar has at least and at most; where a name leaves fewer, it stands on a line of its own."""


def draw_text(record: FlowRecord, terminal: Terminal) -> list[str]:
    """The picture as lines no wider than ``terminal``. Raises ProblemError where there is nothing to draw."""
    evidence = record.evidence
    if evidence is None or not (evidence.steps or any(own.gradient for own in evidence.parameters)):
        raise ProblemError(Problem("plot", "there is no gradient to draw"))
    known = places(record.findings)
    rows = [row(parameter, known) for parameter in evidence.parameters]
    groups = grouped([own.name for own in rows])
    shown = [rows_together(group.name, [rows[place] for place in group.places]) for group in groups]
    lines = _bars(shown, terminal)
    for name, values in (("loss", [s.loss for s in evidence.steps]), ("norm", [s.norm for s in evidence.steps])):
        if values:
            lines += ["", *_course(name, values, terminal)]
    return lines


def _bars(rows: Sequence[Row], terminal: Terminal) -> list[str]:
    """The norm of each gradient, its bar in a column behind the figures, and its flags."""
    axis = decades(own.norm for own in rows)
    lines = [f"norm of the gradient, bars on a log scale {axis}"]
    if len(lines[0]) > terminal.width:
        lines = ["norm of the gradient,", f"bars on a log scale {axis}"]
    names = [terminal.glyphs(own.name) for own in rows]
    figures, flags = [number(own.norm, 4) for own in rows], [" ".join(own.flags) for own in rows]
    label, figure, flag = (_longest(column) for column in (names, figures, flags))
    room = terminal.width - label - figure - flag - 3
    alone = room < SHORTEST
    room = max(terminal.width - figure - flag - 4, SHORTEST) if alone else room
    for own, name, text, end in zip(rows, names, figures, flags, strict=True):
        bar = bar_text(axis.place(own.norm), min(room, LONGEST), unicode=terminal.unicode)
        before = "  " if alone else f"{name}{' ' * (label - cell_len(name) + 1)}"
        behind = " ".join(part for part in (bar, end) if part)
        lines += [name] * alone + [f"{before}{text:{figure}} {behind}".rstrip()]
    return lines


def _longest(texts: Sequence[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _course(name: str, values: Sequence[float], terminal: Terminal) -> list[str]:
    """The first and the last value, and under them a sign for each step."""
    drawn = sparkline([values[place] for place in thinned(len(values), terminal.width)], unicode=terminal.unicode)
    return [f"{name} over {len(values)} steps: {wide_number(values[0])} to {wide_number(values[-1])}", drawn]
