"""What ``gradtool check FILE.py:NAME`` does: read the file's name, ask its framework's witness, write the report."""

from __future__ import annotations

from pathlib import Path

from gradtool.cli.files import look_at_file, opened
from gradtool.cli.reporting import report
from gradtool.cli.watched import FIRST_LINES, once, watched
from gradtool.pipeline import check_callables as pipeline
from gradtool.pipeline.flow import chosen_framework
from gradtool.problem import ExitCode
from gradtool.report import FORMATS
from gradtool.settings import CheckSettings
from gradtool.target.model_file import read_model_file
from gradtool.terminal import Progress, terminal_for
from gradtool.verdict.summary import exit_code
from gradtool.witness.host import WITNESSES

__all__ = ["run_callables"]


def run_callables(
    target: str, settings: CheckSettings, chosen: str, output: Path | None, color: str, *, strict: bool, debug: bool
) -> ExitCode:
    """Check the callables that ``target`` names, and report in format ``chosen`` to ``output`` or stdout."""
    if output is not None:
        look_at_file(output, "--output")
    file = read_model_file(target)
    framework = chosen_framework(settings.framework, file.frameworks, target)
    request = pipeline.asked_of(file, framework, settings)
    with opened(output) as stream, Progress() as line:
        heard, relay = watched(line, debug=debug, most=FIRST_LINES)
        line.say(f"starting {WITNESSES[framework].title} ...")
        with pipeline.open_witnesses(framework, settings, heard, relay) as host:
            found = pipeline.check_callables(target, request, settings, host)
            records = report(found, FORMATS[chosen], terminal_for(stream, color), line, debug=debug)
    if debug or len(records) == 1:  # of one of several the report says enough
        once(problem.detail for record in records for problem in record.problems)
    return exit_code(records, strict=strict)
