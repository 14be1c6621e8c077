"""The report on a model for people: tables where they fit the width, folded or stacked where they do not.

No number is ever broken or cut, and no name is read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gradtool.report.columns import Cell as Styled
from gradtool.report.columns import Row, Sheet, unfolded
from gradtool.report.flow.experiments import thinned
from gradtool.report.flow.figures import bar_text, sparkline
from gradtool.report.flow.section import Cell, Curve, Grid, Report, Section, Told
from gradtool.report.flow.sections import report
from gradtool.settings import FlowView
from gradtool.terminal import Terminal
from gradtool.verdict.flow.record import FlowRecord

__all__ = ["tell", "write"]

DEEPEST = 5
"""A row is folded onto so many lines before it is told as a block."""

BARS = (16, 12, 8)
"""How long bars are, the first that fits."""


def write(record: FlowRecord, terminal: Terminal, view: FlowView) -> None:
    """Write the report on one model."""
    tell(report(record, view), terminal)


def tell(told: Report, terminal: Terminal) -> None:
    """Write a report, whatever it is on."""
    page = _Page(terminal)
    page.sheet.heading(told.target)
    page.sheet.line(told.heading, indent=2)
    for section in told.sections:
        page.section(section)
    page.sheet.line("")
    page.told(told.last)


class _Page:
    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.sheet = Sheet(terminal, formulas=False)
        self.bars = BARS[0]

    def section(self, section: Section) -> None:
        self.sheet.line("")
        if section.title:
            self.sheet.heading(section.title)
        for told in section.told:
            self.told(told, 2)
        label = max((len(curve.name) for curve in section.curves), default=0)
        for curve in section.curves:
            self.curve(curve, label)
        if section.grid is not None:
            self.grid(section.grid)
        for told in section.after:
            self.sheet.line(told.text, self.terminal.style("note"), indent=2)

    def told(self, told: Told, indent: int = 0) -> None:
        """A sentence, and below it what follows from it."""
        self.sheet.line(told.text, self.terminal.style(told.word), indent=indent)
        for text in (*filter(None, [told.code]), *told.more):
            self.sheet.line(text, indent=indent + 2)

    def curve(self, curve: Curve, label: int) -> None:
        """A sign for each value, or of many for some, the first and the last among them."""
        values = [curve.values[place] for place in thinned(len(curve.values), self.terminal.width - label - 4)]
        drawn = sparkline(values, unicode=self.terminal.unicode)
        self.sheet.console.print(f"  {curve.name:{label}}  {drawn}", soft_wrap=True)

    def grid(self, grid: Grid) -> None:
        """The table with as few lines to a row as fit the width."""
        for self.bars in BARS:
            rows = [Row("", self._styled(cells)) for cells in grid.rows]
            if self.sheet.columns(grid.heads, rows, unfolded):
                return
        heads = [head for place, head in enumerate(grid.heads) if place not in grid.lead]
        led = [self._led(cells, grid.lead) for cells in grid.rows]
        indent = 4 if grid.lead else 2
        for lines in range(1, DEEPEST + 1):
            if self.sheet.columns(heads, led, partial(_folded, lines=lines), indent):
                return
        self.sheet.blocks(grid.heads, rows)

    def _led(self, cells: Sequence[Cell], lead: Sequence[int]) -> Row:
        above = [cells[place] for place in lead]
        below = [cell for place, cell in enumerate(cells) if place not in lead]
        style = next((self.terminal.style(cell.word) for cell in above if cell.word), "")
        return Row("  ".join(cell.text for cell in above if cell.text), self._styled(below), style)

    def _styled(self, cells: Sequence[Cell]) -> list[Styled]:
        return [(self._text(cell), self.terminal.style(cell.word)) for cell in cells]

    def _text(self, cell: Cell) -> str:
        if cell.bar is None:
            return self.terminal.glyphs(cell.text)
        return bar_text(cell.bar, self.bars, unicode=self.terminal.unicode)


def _folded(cells: Sequence[Styled], lines: int) -> list[list[Styled]]:
    """The cells in columns of so many lines, to be read from the left to the right and then down."""
    columns = -(-len(cells) // lines)
    return [list(cells[place::columns]) for place in range(columns)]
