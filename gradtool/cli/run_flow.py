"""What ``gradtool flow`` does: read the target, ask its framework's witness, write the report."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from gradtool.cli.run import opened
from gradtool.evidence import Progress
from gradtool.pipeline import flow as pipeline
from gradtool.problem import ExitCode
from gradtool.report.flow import FORMATS
from gradtool.settings import FlowSettings, FlowView
from gradtool.target.model_file import read_model_file
from gradtool.terminal import Progress as Line
from gradtool.terminal import terminal_for
from gradtool.verdict.flow.record import FlowRecord, exit_code

__all__ = ["Outlet", "run_flow"]


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
    file = read_model_file(target)
    framework = pipeline.chosen_framework(settings, file)
    request = pipeline.requested(file, framework, settings)
    with opened(outlet.output) as stream, Line() as line:

        def heard(progress: Progress) -> None:
            line.say(
                f"{progress.doing} {progress.done}/{progress.total}" if progress.total else f"{progress.doing} ..."
            )

        line.say(f"starting {framework} ...")
        with pipeline.open_witness(framework, settings.timeout, heard) as host:
            record = pipeline.flow(target, request, settings, host)
        line.say("")
        module, name = FORMATS[outlet.format]
        terminal = terminal_for(stream, outlet.color)
        getattr(import_module(module), name)(record, terminal, view)
        stream.flush()
    _told(record, debug=outlet.debug)
    return exit_code(record, strict=strict)


def _told(record: FlowRecord, *, debug: bool) -> None:
    """Why there is no evidence, on stderr."""
    for failure in record.failures:
        print(f"error: {failure.message}", file=sys.stderr)
        if failure.hint:
            print(f"  hint: {failure.hint}", file=sys.stderr)
        if debug or failure.reason == "file":
            print(failure.detail, end="", file=sys.stderr)
