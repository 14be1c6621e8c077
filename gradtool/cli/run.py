"""What ``gradtool check`` does: read the targets, ask the witnesses, write the report while evidence arrives."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

from gradtool.cli.files import look_at_file
from gradtool.cli.graph import look_at_steps, write_graph
from gradtool.cli.guard import unread
from gradtool.cli.picture import draw, look_at_plot
from gradtool.pipeline import check as pipeline
from gradtool.problem import ExitCode, Problem, ProblemError
from gradtool.report import FORMATS
from gradtool.settings import CheckSettings
from gradtool.target.suite import Target, Unreadable, read_suite, read_target
from gradtool.terminal import Progress, Terminal, terminal_for
from gradtool.verdict.record import Judged
from gradtool.verdict.summary import exit_code
from gradtool.witness.host import WITNESSES

__all__ = ["opened", "read_targets", "report", "run_check"]

Found = TypeVar("Found", bound=Judged)
"""A check or a comparison."""

STARTED = time.perf_counter()
MAX_SUITE = 16 << 20
"""Bytes of a suite."""
MAX_LINES = 100_000


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


def read_targets(text: str, settings: CheckSettings) -> list[Target | Unreadable]:
    """The targets that the command line names: an expression, or those of stdin or a file."""
    if text == "-":
        return _suite(sys.stdin.buffer, "stdin", settings)
    if text.startswith("@"):
        path = Path(text[1:])
        try:
            with path.open("rb") as stream:
                return _suite(stream, text[1:], settings)
        except OSError as error:
            hint = "@FILE names a file of expressions, one a line"
            problem = Problem("suite", f"{path} can't be read: {error.strerror}", text, (1, len(text)), hint=hint)
            raise ProblemError(problem) from None
    return [read_target(text, settings)]


def _suite(stream: BinaryIO, origin: str, settings: CheckSettings) -> list[Target | Unreadable]:
    content = stream.read(MAX_SUITE + 1)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        hint = "save it as UTF-8, one expression a line"
        raise ProblemError(Problem("suite", f"{origin} is not UTF-8 text", hint=hint)) from None
    if len(content) > MAX_SUITE or len(lines) > MAX_LINES:
        why = f"it has more than {MAX_LINES} lines, or more than {MAX_SUITE >> 20} MiB"
        raise ProblemError(Problem("suite", f"{origin} is too large for one run", why=why, hint="split it"))
    found = read_suite(lines, origin, settings)
    if not found:
        hint = "write one expression a line, or a JSON object with the key expression"
        raise ProblemError(Problem("suite", f"there is no expression in {origin}", hint=hint))
    return found


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """The file ``output``, or stdout. Raises ProblemError where it can't be written."""
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8") as stream:
            yield stream
    except OSError as error:
        raise ProblemError(Problem("output", f"{output} can't be written: {error.strerror}")) from None


def report(
    found: Iterator[Found], form: tuple[str, str], terminal: Terminal, progress: Progress, *, debug: bool
) -> list[Found]:
    """Write the report, by the function that ``form`` names, while the evidence arrives; all the records."""
    records: list[Found] = []
    module, name = form
    write = getattr(import_module(module), name)

    def arriving() -> Iterator[Found]:
        for record in found:
            records.append(record)
            progress.count(len(records))
            yield record
        progress.say("")

    source = arriving()
    with unread(terminal.stream):
        write(source, terminal, _Elapsed())
    for _ in source:  # nobody reads the rest, but the exit code speaks of all
        pass
    if debug:
        for record in records:
            for failure in record.failures:
                print(failure.detail, file=sys.stderr)
    return records


class _Elapsed(float):
    """Seconds since the program began, read when it is shown: the report is written while the clock runs."""

    def __format__(self, spec: str) -> str:
        return format(time.perf_counter() - STARTED, spec)
