"""What ``gradtool compare`` does: read the targets, ask both frameworks and the truth, write the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gradtool.cli.files import look_at_file, opened
from gradtool.cli.guard import unread
from gradtool.cli.picture import draw, look_at_plot
from gradtool.cli.reporting import report
from gradtool.cli.targets import read_targets
from gradtool.pipeline import compare as pipeline
from gradtool.problem import ExitCode
from gradtool.report.compare import FORMATS
from gradtool.settings import CheckSettings
from gradtool.terminal import Progress, terminal_for
from gradtool.verdict.compare.summary import exit_code

__all__ = ["run_compare"]


def run_compare(
    target: str,
    settings: CheckSettings,
    chosen: str,
    output: Path | None,
    plot: str | None,
    color: str,
    *,
    strict: bool,
    debug: bool,
) -> ExitCode:
    """Compare on ``target``, report in format ``chosen`` to ``output`` or stdout, draw to ``plot``."""
    targets = read_targets(target, settings)
    texts: Mapping[str, str] = {}
    if settings.code or settings.modes or settings.timing:
        from gradtool.cli.beside import look_at_target, programs_of  # noqa: PLC0415  # few runs need it

        alone = look_at_target(targets, settings)
        texts = programs_of(alone, settings) if settings.code else {}
    if output is not None:
        look_at_file(output, "--output")
    if plot is not None:
        look_at_plot(plot, targets, chosen, most=1)
    with opened(output) as stream, pipeline.open_witnesses(settings) as host:
        found = (replace(record, code=texts) for record in pipeline.compare(targets, settings, host))
        with Progress(len(targets), doing="compared") as progress:
            progress.say("starting PyTorch and TensorFlow ...")
            host.heard = lambda told: progress.say(f"{told.doing} ...")
            records = report(found, FORMATS[chosen], terminal_for(stream, color), progress, debug=debug)
        if plot is not None:
            with unread(stream):
                draw(plot, records, terminal_for(stream, color), "gradtool.report.compare.picture")
    return exit_code(records, strict=strict)
