"""What ``gradtool check`` does: read the targets, ask the witnesses, write the report."""

from __future__ import annotations

from pathlib import Path

from gradtool.cli.files import look_at_file, opened
from gradtool.cli.graph import look_at_steps, write_graph
from gradtool.cli.guard import unread
from gradtool.cli.picture import draw, look_at_plot
from gradtool.cli.reporting import report
from gradtool.cli.run_callables import run_callables
from gradtool.cli.targets import read_targets
from gradtool.pipeline import check as pipeline
from gradtool.problem import ExitCode
from gradtool.report import FORMATS
from gradtool.settings import CheckSettings
from gradtool.target.model_file import names_python_file
from gradtool.terminal import Progress, terminal_for
from gradtool.verdict.summary import exit_code
from gradtool.witness.host import WITNESSES

__all__ = ["run_check"]


def run_check(
    target: str,
    settings: CheckSettings,
    chosen: str,
    output: Path | None,
    plot: str | None,
    graph: Path | None,
    color: str,
    *,
    strict: bool,
    debug: bool,
) -> ExitCode:
    """Check ``target``, report in format ``chosen`` to ``output`` or stdout, draw to ``plot`` and ``graph``."""
    if names_python_file(target):
        return run_callables(target, settings, chosen, output, color, strict=strict, debug=debug)
    targets = read_targets(target, settings)
    if settings.steps:
        look_at_steps(targets, graph)
    if output is not None:
        look_at_file(output, "--output")
    if plot is not None:
        look_at_plot(plot, targets, chosen)
    with opened(output) as stream, pipeline.open_witnesses(settings) as host:
        title = WITNESSES[pipeline.chosen_framework(settings)].title
        found = pipeline.check(targets, settings, host)
        with Progress(len(targets)) as progress:
            progress.say(f"starting {title} ...")
            records = report(found, FORMATS[chosen], terminal_for(stream, color), progress, debug=debug)
        if plot is not None:
            with unread(stream):
                draw(plot, records, terminal_for(stream, color))
        if graph is not None:
            write_graph(graph, records[0])
    return exit_code(records, strict=strict)
