"""The table of the gradients: a row for each parameter in forward order, or for each module of a long model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradtool.evidence import ModelEvidence
from gradtool.report.flow.figures import Decades, counted, decades, number, share
from gradtool.report.flow.groups import SHOW_ALL, grouped
from gradtool.report.flow.row import Places, Row, row, rows_together, worst_first
from gradtool.report.flow.section import Cell, Grid, Section, Told
from gradtool.settings import FlowView

__all__ = ["parameter_sections"]

WORST = 12
"""So many parameters with findings are shown one by one beside the modules of a long model."""

Column = tuple[str, Callable[[Row], str]]
FIGURES: tuple[Column, ...] = (
    ("norm", lambda own: number(own.norm, 4)),
    ("RMS", lambda own: number(own.rms)),
    ("max |g|", lambda own: number(own.largest)),
    ("zeros", lambda own: share(own.zeros, own.count)),
)
BROKEN: tuple[Column, ...] = (("NaN", lambda own: str(own.nan)), ("Inf", lambda own: str(own.inf)))
RATIO: tuple[Column, ...] = (("g/w", lambda own: number(own.ratio, 2)),)
MOMENTS: tuple[Column, ...] = (
    ("mean", lambda own: number(own.mean)),
    ("mean |g|", lambda own: number(own.mean_size)),
    ("std", lambda own: number(own.deviation)),
)


def parameter_sections(evidence: ModelEvidence, known: Places, view: FlowView) -> list[Section]:
    """The table, what its columns mean, the global norm; of a long model also the parameters with findings."""
    rows = [row(parameter, known) for parameter in evidence.parameters]
    shown = rows if view.every else _together(rows)
    columns = _columns(rows, view)
    axis = decades(own.norm for own in (*rows, *shown))
    ordered = worst_first(shown) if view.order == "worst" else shown
    sections = [
        Section(
            "parameters",
            "gradients" + (", worst first" if view.order == "worst" else ""),
            grid=_grid(ordered, columns, axis),
            after=tuple(Told(text) for text in (*_hidden(rows, shown, view), _legend(axis), *_ties(evidence))),
        )
    ]
    alone = {own.name for own in shown}
    singled = [own for own in worst_first(rows) if own.word in {"error", "warning"} and own.name not in alone]
    if singled:
        left_out = len(singled) - WORST
        after = (Told(f"and {counted(left_out, 'more parameter')} with findings: {SHOW_ALL}"),)
        grid = _grid(singled[:WORST], columns, axis)
        title = "the worst parameters" if left_out > 0 else "the parameters with findings"
        sections.append(Section("worst", title, grid=grid, after=after if left_out > 0 else ()))
    return sections


def _together(rows: Sequence[Row]) -> list[Row]:
    groups = grouped([own.name for own in rows])
    return [rows_together(group.name, [rows[place] for place in group.places]) for group in groups]


def _columns(rows: Sequence[Row], view: FlowView) -> tuple[Column, ...]:
    """The columns that have something to say here."""
    broken = BROKEN if any(own.nan or own.inf for own in rows) else ()
    return (*FIGURES, *broken, *RATIO, *(MOMENTS if view.moments else ()))


def _grid(rows: Sequence[Row], columns: Sequence[Column], axis: Decades) -> Grid:
    return Grid(
        heads=("parameter", "shape", *(head for head, _ in columns), "log scale", "flag"),
        rows=tuple(
            (
                Cell(own.name),
                Cell(own.shape),
                *(Cell(text(own)) for _, text in columns),
                Cell("", own.word, axis.place(own.norm)),
                Cell(" ".join(own.flags), own.word, about=own.findings),
            )
            for own in rows
        ),
        lead=(0, 1, len(columns) + 3),
    )


def _hidden(rows: Sequence[Row], shown: Sequence[Row], view: FlowView) -> list[str]:
    if len(shown) == len(rows):
        return []
    hidden = sum(own.parameters for own in shown if own.parameters > 1)
    modules = sum(own.parameters > 1 for own in shown)
    told = f"{counted(hidden, 'parameter')} told in {counted(modules, 'row')} by module: {SHOW_ALL}"
    return [told if view.order == "worst" else f"{told}, --sort puts the worst first"]


def _legend(axis: Decades) -> str:
    return (
        "norm: l2; RMS: per number; g/w: RMS of the gradient over that of the weights, shown and never judged; "
        f"bars: the norm {axis}"
    )


def _ties(evidence: ModelEvidence) -> list[str]:
    """What a row can't show: other names of the same tensor, and hooks."""
    told = []
    for parameter in evidence.parameters:
        if parameter.others:
            told.append(f"{parameter.name} is the same tensor as {', '.join(parameter.others)}")
        if parameter.hooks:
            told.append(f"hooks on the gradient of {parameter.name}: {', '.join(parameter.hooks)}")
    return told
