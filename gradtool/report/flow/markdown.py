"""The report on a model as Markdown, for an issue, a pull request or a page."""

from __future__ import annotations

from collections.abc import Iterable

from gradtool.report.flow.figures import bar_text, sparkline
from gradtool.report.flow.section import Cell, Grid, Report, Section, Told
from gradtool.report.flow.sections import report
from gradtool.report.markup import cell as code_cell
from gradtool.report.markup import code, plain
from gradtool.settings import FlowView
from gradtool.terminal import Terminal
from gradtool.verdict.flow.record import FlowRecord

__all__ = ["tell", "write"]

BAR = 12
"""Characters of the longest bar."""


def write(record: FlowRecord, terminal: Terminal, view: FlowView) -> None:
    """Write the report on one model."""
    tell(report(record, view), terminal)


def tell(told: Report, terminal: Terminal) -> None:
    """A heading, and below it each section with its sentences as a list and its table."""
    lines = [f"## {code(told.target)}", "", plain(told.heading), ""]
    for section in told.sections:
        lines += _section(section, terminal)
    lines.append(plain(told.last.text))
    terminal.stream.write("\n".join(terminal.glyphs(line).rstrip() for line in lines) + "\n")


def _section(section: Section, terminal: Terminal) -> list[str]:
    lines = [f"### {section.title}", ""] if section.title else []
    lines += _listed(section.told)
    for curve in section.curves:
        lines.append(f"- {plain(curve.name)}: {code(sparkline(curve.values, unicode=terminal.unicode))}")
    if section.grid is not None:
        lines += [""] * bool(lines and lines[-1]) + _table(section.grid, terminal)
    for told in section.after:
        lines += ["", plain(told.text)]
    return [*lines, ""]


def _listed(sentences: Iterable[Told]) -> list[str]:
    return [line for told in sentences for line in (f"- {plain(told.text)}", *(f"  - {text}" for text in _below(told)))]


def _below(told: Told) -> list[str]:
    return [*map(code, filter(None, [told.code])), *map(plain, told.more)]


def _table(grid: Grid, terminal: Terminal) -> list[str]:
    """Names and bars as code, so that nothing in them is read as markup."""
    lines = [f"| {' | '.join(map(plain, grid.heads))} |", "|---" * len(grid.heads) + "|"]
    for first, *rest in grid.rows:
        cells = [code_cell(first.text), *(_cell(cell, terminal) for cell in rest)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _cell(cell: Cell, terminal: Terminal) -> str:
    if cell.bar is None:
        return plain(cell.text)
    drawn = bar_text(cell.bar, BAR, unicode=terminal.unicode)
    return code(drawn) if drawn else ""
