"""``--plot``: what can be drawn is looked at before any work, and drawn after it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from gradtool.cli.files import look_at_file
from gradtool.problem import Problem, ProblemError
from gradtool.target.suite import Target, Unreadable
from gradtool.terminal import Terminal
from gradtool.verdict.record import CheckRecord, Judged

__all__ = ["draw", "look_at_library", "look_at_picture", "look_at_plot"]

SUFFIXES = (".png", ".svg")


def look_at_picture(plot: str, chosen: str) -> None:
    """Raise ProblemError where ``plot`` is no picture that can be written, or ``-`` goes with another format."""
    if plot == "-" and chosen != "table":
        hint = "draw to a file, or leave out --format"
        raise ProblemError(Problem("plot", f"--plot - draws beside a table, not into {chosen}", hint=hint))
    if plot == "-":
        return
    if not plot.lower().endswith(SUFFIXES):
        hint = "name a file, as sweep.png or sweep.svg; - draws in the terminal"
        raise ProblemError(Problem("plot", "a picture is a .png or a .svg file", plot, (0, len(plot)), hint=hint))
    look_at_file(Path(plot), "--plot")
    look_at_library("matplotlib")


def look_at_library(name: str) -> None:
    """Raise ProblemError where a library that draws is missing."""
    if importlib.util.find_spec(name) is None:
        raise ProblemError(Problem("plot", f"{name} is not installed", hint='pip install "gradtool[plot]"'))


def look_at_plot(plot: str, targets: Sequence[Target | Unreadable], chosen: str, most: int = 2) -> None:
    """Raise ProblemError where nothing could be drawn: no sweep, a suite, an unknown file type, a missing library.

    Of a sweep of more variables than ``most`` neither.
    """
    look_at_picture(plot, chosen)
    target = targets[0] if len(targets) == 1 else None
    points = target.points if isinstance(target, Target) else None
    if not isinstance(target, Target) or not points or len(points) < 2:  # one point is no sweep
        hint = "sweep a variable, as --at x=-3:3:101"
        raise ProblemError(Problem("plot", "a picture shows one expression at many points", hint=hint))
    from gradtool.report.picture.series import drawable  # noqa: PLC0415  # only with --plot

    drawable([CheckRecord(target.name, target.expression.text, "", "", "", 0, point=at) for at in points], most)
    if plot == "-":
        look_at_library("plotille")


def draw(plot: str, records: Sequence[Judged], terminal: Terminal, pictures: str = "gradtool.report.picture") -> None:
    """Draw the sweep to the file ``plot``, or for ``-`` to where the report went, with a module of ``pictures``."""
    if plot == "-":  # a drawing library only to draw
        lines = import_module(f"{pictures}.text").draw_text(records, terminal)
        terminal.stream.write("\n" + "\n".join(lines) + "\n")
    else:
        import_module(f"{pictures}.file").draw(records, Path(plot))
