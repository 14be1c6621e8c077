"""Lines and columns on a terminal: paragraphs wrap, columns are as wide as their widest cell, and nothing is cut.

A table is tried in one arrangement after another; where none fits the width, its rows are told as blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from gradtool.problem import Problem
from gradtool.report.wrap import wrapped
from gradtool.terminal import Terminal

__all__ = ["Arrangement", "Cell", "Remark", "Row", "Sheet", "unfolded"]

Cell = tuple[str, str]
"""Text and style."""

Remark = tuple[str, str, str]
"""A severity or a verdict, what is told, and the remedy; empty where there is none.

Of what is told the first line is the sentence; the others stand below it."""

Arrangement = Callable[[Sequence[Cell]], list[list[Cell]]]
"""From the cells of a row to columns, each with its lines from top to bottom."""


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, and a line to be written above them."""

    head: str
    cells: list[Cell]
    style: str = ""
    """That of the head."""


class Sheet:
    """What is written to one terminal, never read as markup. With ``formulas`` lines break after operators too."""

    def __init__(self, terminal: Terminal, *, formulas: bool = True) -> None:
        self.terminal = terminal
        self.formulas = formulas
        self.console: Console = terminal.console()

    def heading(self, text: str) -> None:
        """A line that stands out."""
        self.line(text, self._styled("bold"))

    def line(self, text: str, style: str = "", indent: int = 0) -> None:
        """One paragraph, wrapped to the width, never inside a number."""
        for part in wrapped(self.terminal.glyphs(text), self.terminal.width - indent, formulas=self.formulas):
            self.console.print(Text(" " * indent).append(part, style=style), soft_wrap=True)

    def columns(self, heads: Sequence[str], rows: Sequence[Row], arrange: Arrangement, indent: int = 2) -> bool:
        """The table in one arrangement, if it fits the width; else nothing, and False. Heads of rows stand at 2."""
        titles = arrange([(head, self._styled("dim")) for head in heads])
        table = [arrange(row.cells) for row in rows]
        widths = [
            max(cell_len(text) for cells in (titles, *table) for text, _ in cells[place])
            for place in range(len(titles))
        ]
        whole = sum(widths) + 2 * (len(widths) - 1)
        if indent + whole > self.terminal.width:
            return False
        self._line_of_cells(titles, widths, indent)
        self.line("-" * whole, self._styled("dim"), indent=indent)
        for row, cells in zip(rows, table, strict=True):
            if row.head:
                self.line(row.head, row.style, indent=2)
            self._line_of_cells(cells, widths, indent)
        return True

    def table(self, heads: Sequence[str], rows: Sequence[Row], arrangements: Sequence[Arrangement]) -> None:
        """The table in the first arrangement that fits the width; where none does, its rows as blocks."""
        if not any(self.columns(heads, rows, arrange) for arrange in arrangements):
            self.blocks(heads, rows)

    def problems(self, problems: Sequence[Problem]) -> None:
        """Why a target could not be read."""
        for problem in problems:
            for line in problem.lines(self.terminal.width):
                self.console.print(Text(self.terminal.glyphs(line)), soft_wrap=True)

    def remarks(self, remarks: Iterable[Remark]) -> None:
        """Each remark as a paragraph with its remedy, in the colour of its severity; the same one only once."""
        for severity, told, remedy in dict.fromkeys(remarks):
            sentence, *below = told.splitlines() or [""]
            self.line("")
            self.line(sentence, self.terminal.style(severity), indent=2)
            for text in below:
                self.line(text, indent=4)
            if remedy:
                self.line(f"→ {remedy}", indent=4)

    def blocks(self, heads: Sequence[str], rows: Sequence[Row]) -> None:
        """Each row as a block: its first cell, and under it the others with their heads."""
        label = max(cell_len(head) for head in heads[1:])
        for row in rows:
            if row.head:
                self.line(row.head, indent=2)
            self.line(row.cells[0][0], self._styled("bold"), indent=2)
            for head, (text, style) in zip(heads[1:], row.cells[1:], strict=True):
                if 4 + label + 2 + cell_len(text) <= self.terminal.width:
                    pad = " " * (label - cell_len(head) + 2)
                    self.console.print(Text(f"    {head}{pad}").append(text, style=style), soft_wrap=True)
                else:
                    self.line(head, indent=4)
                    self.line(text, style, indent=6)

    def _line_of_cells(self, cells: Sequence[Sequence[Cell]], widths: Sequence[int], indent: int) -> None:
        for number in range(max(len(lines) for lines in cells)):
            line = Text(" " * indent)
            for lines, width in zip(cells, widths, strict=True):
                text, style = lines[number] if number < len(lines) else ("", "")
                line.append(text, style=style).append(" " * (width - cell_len(text) + 2))
            line.rstrip()
            if line:
                self.console.print(line, soft_wrap=True)

    def _styled(self, style: str) -> str:
        return style if self.terminal.colour else ""


def unfolded(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Each cell on one line."""
    return [[cell] for cell in cells]
