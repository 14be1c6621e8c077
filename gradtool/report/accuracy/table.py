"""The accuracy of every operation for people: one row each, and the worst with a command that repeats it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from gradtool.report.accuracy.cells import cells, command, flushed, frameworks, heads, told, total, unheard
from gradtool.report.columns import Cell, Row, Sheet, unfolded
from gradtool.report.wrap import wrapped
from gradtool.terminal import Terminal
from gradtool.verdict.compare.accuracy import Accuracy, accuracy, offenders
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.record import CheckRecord

__all__ = ["write"]

MOST = 12
"""So many offenders are told on a terminal."""


def write(records: Iterable[CompareRecord | CheckRecord], terminal: Terminal, seconds: float) -> None:
    """A table for each dtype, then the worst offenders."""
    rows, sheet = accuracy(records), Sheet(terminal)
    for dtype, group in groupby(rows, key=lambda row: row.dtype):
        own = list(group)
        sheet.heading(f"{frameworks(own[0])}, {dtype}")
        table = [Row("", _cells(row, terminal)) for row in own]
        sheet.table(heads(own[0]), table, (unfolded, _stacked, _folded))
        sheet.line("")
    found = offenders(rows)
    if found:
        sheet.heading("worst offenders")
        sheet.remarks((spot.verdict, told(spot), command(spot)) for spot in found[:MOST])
        if len(found) > MOST:
            sheet.line("")
            sheet.line(f"and {len(found) - MOST} more: --format markdown tells all", indent=2)
        sheet.line("")
    failures = unheard(rows)
    if failures:
        sheet.remarks(("error", text, hint) for text, hint in failures)
        sheet.line("")
    if text := flushed(rows):
        sheet.line(text)
    good = not found and not failures
    sheet.line(
        f"{terminal.glyphs('✓' if good else '✗')} {total(rows)} ({seconds:.1f} s)",
        terminal.style("verified" if good else "wrong"),
    )


def _cells(row: Accuracy, terminal: Terminal) -> list[Cell]:
    *before, agreement, at, seconds = (terminal.glyphs(text) for text in cells(row))
    return [*((text, "") for text in before), (agreement, terminal.style(row.verdict)), (at, ""), (seconds, "")]


def _stacked(row: Sequence[Cell]) -> list[list[Cell]]:
    """The point under the agreement."""
    *before, agreement, at, seconds = row
    return [*([cell] for cell in before), [agreement, at], [seconds]]


def _folded(row: Sequence[Cell]) -> list[list[Cell]]:
    """The same on 80 columns: long cells, and heads of two words, on several lines."""
    (expression, *figures, agreement, at, seconds) = row
    heads = [[(part, style) for part in text.split(", ")] for text, style in figures]
    return [_lines(expression, 18), *heads, [*_lines(agreement, 24), *_lines(at, 24)], [seconds]]


def _lines(cell: Cell, width: int) -> list[Cell]:
    text, style = cell
    return [(part, style) for part in wrapped(text, width)]
