"""While a model's file runs: how far it is, what it prints, and what it raised, all on stderr."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable

from gradtool.evidence import Failure, Progress
from gradtool.terminal import Progress as Line

__all__ = ["FIRST_LINES", "once", "tracebacks", "watched"]

FRAMEWORK_LOG = re.compile(rb"[IWE]0000 \d|WARNING: All log messages before absl|\d{4}-\d\d-\d\d [\d:.]+: [IWE] ")
"""TensorFlow's own log lines, which say nothing of the user's model."""


FIRST_LINES = 12
"""So many lines of what a function prints, which is called some hundred times."""


def watched(
    line: Line, *, debug: bool, most: int | None = None
) -> tuple[Callable[[Progress], None], Callable[[bytes], None]]:
    """Who is told of progress, and who is shown what a worker prints.

    A framework's log is shown only with ``debug``, and so is, of each target, what comes after ``most`` lines.
    """
    target, count = "", 0

    def heard(progress: Progress) -> None:
        nonlocal target, count
        if progress.target != target:
            target, count = progress.target, 0
        line.say(f"{progress.doing} {progress.done}/{progress.total}" if progress.total else f"{progress.doing} ...")

    def relay(printed: bytes) -> None:
        nonlocal count
        if not debug and FRAMEWORK_LOG.match(printed):
            return
        count += 1
        if debug or most is None or count <= most:
            line.say("")
            print(printed.decode(errors="replace"), end="", file=sys.stderr, flush=True)
        elif count == most + 1:
            line.say("")
            print(f"... what {target or 'the file'} prints more is not shown; --debug shows it", file=sys.stderr)

    return heard, relay


def tracebacks(failures: Iterable[Failure], *, debug: bool) -> None:
    """What the user's own code raised, once; the report says the rest."""
    once(one.detail for one in failures if debug or one.reason == "file")


def once(details: Iterable[str]) -> None:
    """Each of some tracebacks a single time."""
    for detail in dict.fromkeys(one.rstrip("\n") for one in details if one):
        print(detail, file=sys.stderr)
