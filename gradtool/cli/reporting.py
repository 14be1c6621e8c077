"""Writes a report while the evidence arrives."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from importlib import import_module
from typing import TypeVar

from gradtool.cli.guard import unread
from gradtool.terminal import Progress, Terminal
from gradtool.verdict.record import Judged

__all__ = ["report"]

Found = TypeVar("Found", bound=Judged)
"""A check or a comparison."""

STARTED = time.perf_counter()


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
