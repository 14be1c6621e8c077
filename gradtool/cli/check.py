"""``gradtool check``: is this gradient right?"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, BinaryIO, TextIO

import typer

from gradtool import pipeline
from gradtool.cli.guard import guarded
from gradtool.cli.options import (
    TABLE,
    TARGET,
    AbsoluteOption,
    AtOption,
    ColorChoice,
    ColorOption,
    DebugOption,
    Dtype,
    DtypeOption,
    ExitZeroOption,
    FormatOption,
    FrameworkOption,
    JsonOption,
    OutputOption,
    SeedOption,
    StrictOption,
    TimeoutOption,
    WrtOption,
)
from gradtool.problem import ExitCode, Problem, ProblemError
from gradtool.report import FORMATS
from gradtool.settings import CheckSettings
from gradtool.target.point import split_assignments
from gradtool.target.suite import Target, Unreadable, read_suite, read_target
from gradtool.terminal import Progress, Terminal, terminal_for
from gradtool.verdict.record import CheckRecord
from gradtool.verdict.summary import exit_code
from gradtool.witness.host import WITNESSES, Host

__all__ = ["check"]

STARTED = time.perf_counter()
MAX_SUITE = 16 << 20
"""Bytes of a suite."""
MAX_LINES = 100_000


def check(
    target: Annotated[
        str,
        typer.Argument(
            help="An expression; - for expressions from stdin, @FILE for a file of them, one a line.",
            metavar="EXPRESSION|-|@FILE",
            rich_help_panel=TARGET,
        ),
    ],
    at: AtOption = None,
    wrt: WrtOption = None,
    framework: FrameworkOption = None,
    dtype: DtypeOption = Dtype.float64,
    seed: SeedOption = 0,
    timeout: TimeoutOption = 120.0,
    absolute: AbsoluteOption = False,
    format: FormatOption = TABLE,  # noqa: A002  # the option's name
    json: JsonOption = False,
    output: OutputOption = None,
    strict: StrictOption = False,
    exit_zero: ExitZeroOption = False,
    color: ColorOption = ColorChoice.auto,
    debug: DebugOption = False,
) -> None:
    """Is this gradient right? Autodiff against exact symbolic derivatives and finite differences, with a verdict.

    gradtool check "x**2 + 2*x + 1" --at x=3

    gradtool check "x**2*y + x*y**2" --at x=2,y=3 --framework tensorflow

    gradtool check "log(1 + exp(x))" --at x=1000

    gradtool check @suite.txt --format jsonl
    """
    with guarded(debug=debug):
        settings = CheckSettings(
            at=split_assignments(at) if at else None,
            wrt=tuple(wrt or ()),
            framework=framework.value if framework else None,
            dtype=dtype.value,
            seed=seed,
            timeout=timeout,
            absolute=absolute,
        )
        chosen_format = format.value
        chosen = "json" if json else chosen_format
        if json and chosen_format not in ("table", "json"):
            raise ProblemError(Problem("option", f"--json and --format {chosen_format} exclude each other"))
        targets = _targets(target, settings)
        with _opened(output) as stream, pipeline.open_witnesses(settings) as host:
            code = _report(targets, settings, host, chosen, stream, color.value, strict=strict, debug=debug)
    raise typer.Exit(ExitCode.OK if exit_zero else code)


def _targets(text: str, settings: CheckSettings) -> list[Target | Unreadable]:
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
    return [read_target(text, settings.at, settings.wrt, settings.dtype)]


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
    found = read_suite(lines, origin, settings.at, settings.wrt, settings.dtype)
    if not found:
        hint = "write one expression a line, or a JSON object with the key expression"
        raise ProblemError(Problem("suite", f"there is no expression in {origin}", hint=hint))
    return found


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8") as stream:
            yield stream
    except OSError as error:
        raise ProblemError(Problem("output", f"{output} can't be written: {error.strerror}")) from None


def _report(
    targets: list[Target | Unreadable],
    settings: CheckSettings,
    host: Host,
    chosen: str,
    stream: TextIO,
    color: str,
    *,
    strict: bool,
    debug: bool,
) -> ExitCode:
    """Check, write the report while the evidence arrives, and say how it ended."""
    title = WITNESSES[pipeline.chosen_framework(settings)].title
    records: list[CheckRecord] = []
    terminal: Terminal = terminal_for(stream, color)
    with Progress(len(targets)) as progress:
        progress.say(f"starting {title} ...")
        module, name = FORMATS[chosen]
        write = getattr(import_module(module), name)

        def arriving() -> Iterator[CheckRecord]:
            for record in pipeline.check(targets, settings, host):
                records.append(record)
                progress.count(len(records))
                yield record
            progress.say("")

        write(arriving(), terminal, _Elapsed())
        stream.flush()
    if debug:
        for record in records:
            for failure in record.failures:
                print(failure.detail, file=sys.stderr)
    return exit_code(records, strict=strict)


class _Elapsed(float):
    """Seconds since the program began, read when it is shown: the report is written while the clock runs."""

    def __format__(self, spec: str) -> str:
        return format(time.perf_counter() - STARTED, spec)
