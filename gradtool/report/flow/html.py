"""The report on a model as one page for a browser: nothing is loaded from elsewhere, light or dark as the reader's own.

The page always shows every parameter and the profile over depth; a click on a head sorts a table.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files

from gradtool.problem import printable
from gradtool.report.flow.depth import profile
from gradtool.report.flow.figures import is_wide
from gradtool.report.flow.section import Cell, Grid, Section, Told
from gradtool.report.flow.sections import heading, last_line, sections
from gradtool.report.flow.svg import Dot, chart
from gradtool.settings import FlowView
from gradtool.terminal import Terminal
from gradtool.verdict.flow.record import FlowRecord
from gradtool.verdict.record import Finding

__all__ = ["write"]


def write(record: FlowRecord, terminal: Terminal, view: FlowView) -> None:
    """Write the page; letters that the stream lacks are written as references."""
    page = "\n".join(_page(record, view)) + "\n"
    if not terminal.unicode:
        page = page.encode("ascii", "xmlcharrefreplace").decode("ascii")
    terminal.stream.write(page)


def _page(record: FlowRecord, view: FlowView) -> Iterable[str]:
    parameters = record.evidence.parameters if record.evidence else []
    moments = any(own.gradient and own.gradient.mean is not None for own in parameters)
    whole = replace(view, layers=True, every=True, moments=view.moments or moments)
    end = last_line(record)
    title = _text(f"gradtool flow {record.target}")
    yield f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>\n{_own('page.css')}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{_text(record.target)}</h1>\n<p>{_text(heading(record))}</p>"
    yield f'<p class="end {end.word}">{_text(end.text)}</p>'
    for section in sections(record, whole):
        yield from _section(section, record.findings, PICTURES.get(section.key, _curves)(record, section))
    if record.command:
        yield f"<p>To repeat this run: <code>{_text(record.command)}</code></p>"
    yield f"</main>\n<script>\n{_own('sort.js')}</script>\n</body>\n</html>"


def _own(name: str) -> str:
    return files("gradtool.report.flow").joinpath(name).read_text(encoding="utf-8")


def _section(section: Section, findings: Sequence[Finding], pictures: Iterable[str]) -> Iterable[str]:
    yield f'<section id="{section.key}">'
    if section.title:
        yield f"<h2>{_text(section.title)}</h2>"
    if section.told:
        yield from ("<ul>", *(_told(told, findings) for told in section.told), "</ul>")
    yield from pictures
    if section.grid is not None:
        yield from _table(section.grid, findings)
    yield from (f'<p class="note">{_text(told.text)}</p>' for told in section.after)
    yield "</section>"


def _told(told: Told, findings: Sequence[Finding]) -> str:
    """A finding is what the flags of the table point to."""
    anchor = f' id="{_anchor(told.about, findings)}"' if told.about else ""
    code = f"<br><code>{_text(told.code)}</code>" if told.code else ""
    more = "".join(f"<br>{_text(text)}" for text in told.more)
    return f'<li class="{told.word}"{anchor}>{_text(told.text)}{code}{more}</li>'


def _anchor(finding: Finding, findings: Sequence[Finding]) -> str:
    return f"finding-{findings.index(finding) + 1}"


def _table(grid: Grid, findings: Sequence[Finding]) -> Iterable[str]:
    yield '<div class="wide"><table>'
    yield f"<thead><tr>{''.join(f'<th>{_text(head)}</th>' for head in grid.heads)}</tr></thead>\n<tbody>"
    for cells in grid.rows:
        yield f"<tr>{''.join(_cell(cell, findings) for cell in cells)}</tr>"
    yield "</tbody></table></div>"


def _cell(cell: Cell, findings: Sequence[Finding]) -> str:
    if cell.bar is None:
        return f'<td class="{cell.word}">{_linked(cell, findings)}</td>'
    bar = f'<span class="bar {cell.word}" style="width:{8 * cell.bar:.2f}rem"></span>' if cell.bar else ""
    return f'<td data-value="{cell.bar:.4f}">{bar}</td>'


def _linked(cell: Cell, findings: Sequence[Finding]) -> str:
    """The text, in which the code of a finding leads to it; a code that stands for several leads to each."""
    text = _text(cell.text)
    for code in dict.fromkeys(finding.code for finding in cell.about):
        own = [finding for finding in cell.about if finding.code == code]
        text = text.replace(code, " ".join(f'<a href="#{_anchor(one, findings)}">{code}</a>' for one in own))
    return text


def _depth(record: FlowRecord, section: Section) -> Iterable[str]:
    """The gradient that arrives at each module, as a picture."""
    del section
    if record.evidence is not None:
        points = profile(record.evidence, {}, every=True)
        dots = [Dot(point.name, point.gradient) for point in points if point.gradient is not None]
        yield chart(dots, "gradient at each module's output, in the order of execution", log=True)


def _curves(record: FlowRecord, section: Section) -> Iterable[str]:
    """The trajectory of a training."""
    steps = record.evidence.steps if record.evidence else []
    for curve in section.curves:
        dots = [Dot(f"step {step.step}", value) for step, value in zip(steps, curve.values, strict=True)]
        yield chart(dots, f"{curve.name} over the steps", log=is_wide(curve.values))


PICTURES: Mapping[str, Callable[[FlowRecord, Section], Iterable[str]]] = {"depth": _depth}
"""What is drawn above the table of a section, where that is not its curves."""


def _text(text: str) -> str:
    return html.escape(printable(text))
