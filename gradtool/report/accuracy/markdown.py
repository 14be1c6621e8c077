"""The accuracy of every operation as a Markdown page, with the date and the versions."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Iterable, Sequence
from itertools import groupby

from gradtool.report.accuracy.cells import cells, command, flushed, frameworks, heads, told, total, unheard
from gradtool.report.markup import cell, code, plain
from gradtool.terminal import Terminal
from gradtool.verdict.compare.accuracy import ORDINARY, Spot, accuracy, offenders
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.record import CheckRecord

__all__ = ["write"]


def write(records: Iterable[CompareRecord | CheckRecord], terminal: Terminal, seconds: float) -> None:
    """What was run, every offender with its command, then a table for each dtype."""
    rows = accuracy(records)
    today = dt.datetime.now(tz=dt.UTC).date()
    lines = [f"{frameworks(rows[0])}, Python {platform.python_version()}, {platform.machine()}, {today}.", ""]
    lines += [f"{total(rows)} ({seconds:.0f} s).", ""]
    if text := flushed(rows):
        lines += [f"{plain(text)}.", ""]
    if failures := unheard(rows):
        lines += [*(f"- {plain(text)}; {plain(hint)}" for text, hint in failures), ""]
    found = offenders(rows)
    conventions: dict[str, Spot] = {}
    for row in rows:
        if "convention" in row.spots:
            conventions.setdefault(row.name, row.spots["convention"])
    lines += _section("Off at ordinary magnitudes", [spot for spot in found if spot.level == ORDINARY])
    lines += _section("Off beyond 1e10, or nearer to 0 than 1e-10", [spot for spot in found if spot.level != ORDINARY])
    lines += _section("Conventions that differ", list(conventions.values()))
    for dtype, group in groupby(rows, key=lambda row: row.dtype):
        own = list(group)
        titles = heads(own[0])
        lines += [f"## {dtype}", "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
        for row in own:
            expression, *figures, at, spent = cells(row)
            lines.append(f"| {' | '.join([cell(expression), *figures, cell(at), spent])} |")
        lines.append("")
    terminal.stream.write("\n".join(terminal.glyphs(line) for line in lines))


def _section(title: str, spots: Sequence[Spot]) -> list[str]:
    """A heading, and each spot with the command that repeats it."""
    told_of = [line for spot in spots for line in (f"- {plain(told(spot))}  ", f"  {code(command(spot))}")]
    return [f"## {title}", "", *told_of, ""] if spots else []
