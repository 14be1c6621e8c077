"""What ``gradtool flow`` does: read the target, ask its framework's witness, write the report."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from gradtool.cli.files import look_at_file, opened
from gradtool.cli.picture import look_at_picture
from gradtool.cli.watched import tracebacks, watched
from gradtool.evidence import ModelRequest
from gradtool.pipeline import flow as pipeline
from gradtool.problem import ExitCode, Problem, ProblemError
from gradtool.report.flow import FORMATS
from gradtool.settings import CheckSettings, FlowSettings, FlowView
from gradtool.target.model_file import is_model_file, read_model_file
from gradtool.target.point import split_assignments
from gradtool.target.suite import read_target
from gradtool.terminal import Progress as Line
from gradtool.terminal import Terminal, terminal_for
from gradtool.verdict.flow.record import FlowRecord, exit_code

__all__ = ["Outlet", "run_flow"]


PAGE = 80
"""Columns that a page's writer is told; it does not fold."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where the report goes, and as what."""

    format: str
    output: Path | None
    plot: str | None
    html: Path | None
    color: str
    debug: bool


def run_flow(target: str, settings: FlowSettings, view: FlowView, outlet: Outlet, *, strict: bool) -> ExitCode:
    """Look at the model that ``target`` names, and report."""
    look_at_outlet(outlet)
    request = _requested(target, settings)
    framework = request.framework
    with opened(outlet.output) as stream, Line() as line:
        heard, relay = watched(line, debug=outlet.debug)
        line.say(f"starting {framework} ...")
        with pipeline.open_witness(framework, settings.timeout, heard, relay) as host:
            record = pipeline.flow(target, request, settings, host)
        line.say("")
        module, name = FORMATS[outlet.format]
        terminal = terminal_for(stream, outlet.color)
        getattr(import_module(module), name)(record, terminal, view)
        _drawn(record, outlet, view, terminal)
        stream.flush()
    tracebacks(record.failures, debug=outlet.debug)
    return exit_code(record, strict=strict)


def _requested(target: str, settings: FlowSettings) -> ModelRequest:
    """What to ask about: the file ``target``, or where it names none, the expression that it is."""
    if is_model_file(target):
        if settings.at:
            raise ProblemError(Problem("option", "--at gives an expression its point; a model's data are its own"))
        if settings.arguments and is_model_file(settings.arguments[0]) and "--" not in sys.argv:
            told = f"{target} and {settings.arguments[0]} are two files"
            raise ProblemError(Problem("option", told, hint="name one; behind -- stands the file's own command line"))
        file = read_model_file(target)
        return pipeline.requested(
            file, pipeline.chosen_framework(settings.framework, file.frameworks, target), settings
        )
    if settings.arguments:
        told = f"{' '.join(settings.arguments)} stands behind {target}, which is no Python file"
        raise ProblemError(Problem("target", told, hint="quote an expression that has spaces"))
    if not settings.at:
        raise ProblemError(
            Problem("target", f"{target} is no Python file", hint="an expression needs a point: --at x=0")
        )
    asked = CheckSettings(at=split_assignments(list(settings.at)), dtype=settings.dtype or "float64")
    found = read_target(target, asked)
    if not found.wrt:
        told = "there is nothing to differentiate by"
        raise ProblemError(Problem("target", told, target, (0, len(target)), hint="name a variable, as in x**2"))
    if len(found.points or ()) != 1:
        raise ProblemError(Problem("point", "a descent begins at one point", hint="leave out the sweep"))
    return pipeline.requested_expression(found, pipeline.chosen_framework(settings.framework, (), target), settings)


def look_at_outlet(outlet: Outlet) -> None:
    """Raise ProblemError where the report, a picture or a page could not be written; before any work."""
    for path, option in ((outlet.output, "-o"), (outlet.html, "--html")):
        if path is not None:
            look_at_file(path, option)
    if outlet.plot is not None:
        look_at_picture(outlet.plot, outlet.format)


def _drawn(record: FlowRecord, outlet: Outlet, view: FlowView, terminal: Terminal) -> None:
    """The picture and the page beside the report; without evidence there is nothing to draw."""
    if record.evidence is None:
        return
    # A drawing library only to draw.
    if outlet.plot == "-":
        from gradtool.report.flow.text_picture import draw_text  # noqa: PLC0415

        terminal.stream.write("\n" + "\n".join(draw_text(record, terminal)) + "\n")
    elif outlet.plot:
        from gradtool.report.flow.picture import draw  # noqa: PLC0415

        draw(record, Path(outlet.plot))
    if outlet.html:
        from gradtool.report.flow.html import write  # noqa: PLC0415

        with opened(outlet.html) as stream:
            write(record, Terminal(stream, PAGE, colour=False, unicode=True), view)
