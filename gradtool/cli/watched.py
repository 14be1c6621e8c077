"""While a model's file runs: how far it is, what it prints, and what it raised, all on stderr."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable

from gradtool.evidence import Failure, Progress
from gradtool.terminal import Progress as Line

__all__ = ["once", "tracebacks", "watched"]

FRAMEWORK_LOG = re.compile(rb"[IWE]0000 \d|WARNING: All log messages before absl|\d{4}-\d\d-\d\d [\d:.]+: [IWE] ")
"""TensorFlow's own log lines, which say nothing of the user's model."""


def watched(line: Line, *, debug: bool) -> tuple[Callable[[Progress], None], Callable[[bytes], None]]:
    """Who is told of progress, and who is shown what a worker prints; a framework's log only with ``debug``."""

    def heard(progress: Progress) -> None:
        line.say(f"{progress.doing} {progress.done}/{progress.total}" if progress.total else f"{progress.doing} ...")

    def relay(printed: bytes) -> None:
        if debug or not FRAMEWORK_LOG.match(printed):
            line.say("")
            print(printed.decode(errors="replace"), end="", file=sys.stderr, flush=True)

    return heard, relay


def tracebacks(failures: Iterable[Failure], *, debug: bool) -> None:
    """What the user's own code raised, once; the report says the rest."""
    once(one.detail for one in failures if debug or one.reason == "file")


def once(details: Iterable[str]) -> None:
    """Each of some tracebacks a single time."""
    for detail in dict.fromkeys(one.rstrip("\n") for one in details if one):
        print(detail, file=sys.stderr)
