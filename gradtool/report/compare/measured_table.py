"""The modes and the times of both frameworks in the terminal, a table for each."""

from __future__ import annotations

from collections.abc import Sequence

from gradtool.report.columns import Cell, Row, Sheet, unfolded
from gradtool.report.compare.measured import MODE_HEADS, TIME_HEADS, mode_cells, mode_lines, time_lines, time_rows
from gradtool.verdict.compare.record import CompareRecord, JudgedMode, Measured

__all__ = ["write_measured"]


def write_measured(record: CompareRecord, sheet: Sheet) -> None:
    """What was measured of each framework, under its name, with what there is to say about it."""
    for side in record.sides:
        found = record.measured.get(side.framework, Measured())
        if found.modes:
            sheet.line("")
            sheet.heading(f"The gradient by every mode of {side.title}")
            sheet.table(MODE_HEADS, [Row("", _mode(one, sheet)) for one in found.modes], (unfolded, _two_lines))
            sheet.remarks(mode_lines(found))
        if found.times:
            sheet.line("")
            sheet.heading(f"Times of {side.title}")
            rows = [Row("", [(sheet.terminal.glyphs(text), "") for text in cells]) for cells in time_rows(found.times)]
            sheet.table(TIME_HEADS, rows, (unfolded,))
            sheet.remarks(("note", text, "") for text in time_lines(found.times))
    sheet.line("")


def _mode(one: JudgedMode, sheet: Sheet) -> list[Cell]:
    style = sheet.terminal.style(one.verdict)
    return [(sheet.terminal.glyphs(text), style if text == one.verdict else "") for text in mode_cells(one)]


def _two_lines(row: Sequence[Cell]) -> list[list[Cell]]:
    """A mode over its name in the framework, and so on: two lines for each."""
    mode, by, off, largest, verdict, peak, median, first = row
    return [[mode, by], [off, largest], [verdict, peak], [median, first]]
