"""What ``gradtool compare`` does without a target: every operation of the table, at its own points."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gradtool import report as of_one
from gradtool.cli.files import look_at_file, opened
from gradtool.cli.reporting import report
from gradtool.pipeline import check, compare
from gradtool.pipeline.accuracy import measure
from gradtool.problem import ExitCode
from gradtool.report import accuracy
from gradtool.report import compare as of_both
from gradtool.settings import CheckSettings
from gradtool.target.operations import OPERATIONS
from gradtool.target.own_points import own_targets
from gradtool.terminal import Progress, terminal_for
from gradtool.verdict import summary
from gradtool.verdict.compare import summary as summary_of_both
from gradtool.verdict.compare.record import CompareRecord

__all__ = ["DTYPES", "run_accuracy"]

DTYPES = ("float64", "float32")
"""Looked at where none is asked for."""


def run_accuracy(
    dtype: str, settings: CheckSettings, chosen: str, output: Path | None, color: str, *, strict: bool, debug: bool
) -> ExitCode:
    """Measure in ``dtype``, or in all of ``DTYPES``, and report in format ``chosen`` to ``output`` or stdout."""
    if output is not None:
        look_at_file(output, "--output")
    rows = tuple(OPERATIONS.values())
    targets = {name: own_targets(replace(settings, dtype=name), rows) for name in ((dtype,) if dtype else DTYPES)}
    one = settings.framework is not None
    form = {**(of_one if one else of_both).FORMATS, **accuracy.FORMATS}[chosen]
    pipeline = check if one else compare
    progress = Progress(sum(map(len, targets.values())), doing="points")
    with opened(output) as stream, pipeline.open_witnesses(settings) as host, progress:
        progress.say("starting the frameworks ...")
        found = measure(targets, settings, host)
        records = report(found, form, terminal_for(stream, color), progress, debug=debug)
    compared = [record for record in records if isinstance(record, CompareRecord)]
    checked = [record for record in records if not isinstance(record, CompareRecord)]
    return summary.exit_code(checked, strict=strict) if one else summary_of_both.exit_code(compared, strict=strict)
