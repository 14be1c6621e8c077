"""What ``gradtool compare`` does with models: read one file or two, run both sides, write the report."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from gradtool.cli.codes import codes
from gradtool.cli.files import look_at_file, opened
from gradtool.cli.guard import unread
from gradtool.cli.watched import tracebacks, watched
from gradtool.pipeline import compare_models as pipeline
from gradtool.pipeline.pair_sides import sides_of
from gradtool.problem import ExitCode, Problem, ProblemError
from gradtool.report.pairing import FORMATS
from gradtool.settings import PairSettings
from gradtool.target.model_file import read_model_file
from gradtool.terminal import Progress, terminal_for
from gradtool.verdict.pairing.record import exit_code

__all__ = ["Outlet", "chosen_settings", "run_compare_models"]


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where the report goes, and as what; ``every`` shows each parameter and layer, however many there are."""

    format: str
    output: Path | None
    color: str
    every: bool
    strict: bool
    debug: bool


def chosen_settings(
    frameworks: str,
    dtype: str,
    seed: int,
    mode: str,
    timeout: float,
    select: list[str] | None,
    ignore: list[str] | None,
    *,
    code: bool,
) -> PairSettings:
    """The options as settings; ``dtype`` is empty where none was asked for. Raises ProblemError at what can't be."""
    if frameworks != "both":
        hint = "leave it out; gradtool flow looks at a model in one framework"
        raise ProblemError(Problem("option", f"--frameworks {frameworks} leaves one side of two models", hint=hint))
    wanted = codes(select, "--select"), codes(ignore, "--ignore")
    return PairSettings(dtype or PairSettings().dtype, seed, mode, timeout, *wanted, code=code)


def run_compare_models(target: str, partner: str | None, settings: PairSettings, outlet: Outlet) -> ExitCode:
    """Compare the models of one file or two, report, and say what the shell is told."""
    if outlet.output is not None:
        look_at_file(outlet.output, "--output")
    names = [target] if partner is None else [target, partner]
    sides = sides_of([read_model_file(name) for name in names])
    with opened(outlet.output) as stream, Progress() as line:
        heard, relay = watched(line, debug=outlet.debug)
        line.say("starting both sides ...")
        with pipeline.open_pair(sides, settings.timeout, heard, relay) as host:
            record = pipeline.compare_models(shlex.join(names), sides, settings, host)
        if settings.code:
            from gradtool.report.programs.models import programs  # noqa: PLC0415  # few runs need it

            record = replace(record, code=programs(record, [side.path for side in sides]))
        line.say("")
        module, name = FORMATS[outlet.format]
        with unread(stream):
            getattr(import_module(module), name)(record, terminal_for(stream, outlet.color), every=outlet.every)
    tracebacks(record.failures, debug=outlet.debug)
    return exit_code(record, strict=outlet.strict)
