"""The tables on two models: their parameters by the map between them, and their layers in the order of execution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradtool.evidence import ComparedLayer, ComparedParameter, Distance, PairEvidence
from gradtool.report.flow.figures import counted, number
from gradtool.report.flow.groups import SHOW_ALL
from gradtool.report.flow.section import Cell, Grid, Section, Told
from gradtool.values import shape_text
from gradtool.verdict.pairing.parting import apart, first_apart, parts
from gradtool.verdict.pairing.words import framework

__all__ = ["flag", "layer_section", "parameter_section"]

ALONE, ROWS, BEFORE = 40, 24, 4
"""Up to ALONE rows are all shown; of more the ROWS that are farthest apart, or that begin BEFORE the first layer apart.
"""

LEGEND = (
    "apart: the norm of the difference over the larger norm; floor: what moving weights and inputs by one rounding "
    "unit (in float64 by 2^-27) does to it"
)


def parameter_section(evidence: PairEvidence, *, every: bool) -> Section:
    """The map, and how far the gradients are apart in each dtype; of a large model the worst."""
    rows = evidence.parameters
    shown = rows if every or len(rows) <= ALONE else _farthest(rows)
    dtypes = _dtypes(evidence)
    once = all((one.left, one.left_shape) == (one.right, one.right_shape) for one in rows)
    names = ("parameter", "shape") if once else (framework(evidence, 0), "shape", framework(evidence, 1), "shape")
    heads = (*names, "map", *(text for dtype in dtypes for text in (dtype, "floor")), "flag")
    cells = tuple(_parameter(evidence, one, dtypes, len(names)) for one in shown)
    grid = Grid(heads, cells, lead=(*range(len(names) + 1), len(heads) - 1))
    hidden = [one.gradients for one in rows if not any(one is other for other in shown)]
    after = (*_hidden(hidden, "parameter"), Told(LEGEND))
    return Section(
        "parameters", f"parameters of {_both(evidence)}, and how far their gradients are apart", grid=grid, after=after
    )


def layer_section(evidence: PairEvidence, *, every: bool) -> Section:
    """Outputs and the gradients by them, layer by layer; of a large model those around the first that differs."""
    rows = evidence.layers
    first = first_apart(evidence)
    shown = rows if every or len(rows) <= ALONE else _around(rows, first)
    dtypes = _dtypes(evidence)
    once = all((one.left, one.left_title) == (one.right, one.right_title) for one in rows)
    names = ("layer",) if once else (framework(evidence, 0), framework(evidence, 1))
    heads = (*names, *(f"{what}, {dtype}" for dtype in dtypes for what in ("output", "gradient")), "flag")
    cells = tuple(_layer(evidence, one, dtypes, first)[2 - len(names) :] for one in shown)
    grid = Grid(heads, cells, lead=(*range(len(names)), len(heads) - 1))
    hidden = [one.outputs for one in rows if not any(one is other for other in shown)]
    return Section(
        "layers", f"layers of {_both(evidence)} in order, and how far they are apart", grid=grid,
        after=tuple(_hidden(hidden, "layer")),
    )  # fmt: skip


def _both(evidence: PairEvidence) -> str:
    return f"{framework(evidence, 0)} and {framework(evidence, 1)}"


def flag(evidence: PairEvidence, found: Sequence[Distance]) -> tuple[str, str]:
    """What is to be seen in some distances, and the severity in whose colour it is shown."""
    if parts(evidence, found):
        return "apart", "error"
    return ("beyond rounding", "warning") if any(map(apart, found)) else ("", "")


def _parameter(evidence: PairEvidence, one: ComparedParameter, dtypes: Sequence[str], names: int) -> tuple[Cell, ...]:
    """A row that begins with so many cells of names and shapes: two where they are the same on both sides."""
    told, word = flag(evidence, one.gradients)
    if one.missing:
        told, word = f"no gradient in {framework(evidence, int(one.missing == 'right'))}", "error"
    elif not (one.left and one.right):
        told, word = "no partner", "error"
    told_names = (
        one.left or "-", shape_text(tuple(one.left_shape)) if one.left else "",
        one.right or "-", shape_text(tuple(one.right_shape)) if one.right else "",
    )  # fmt: skip
    known = {each.dtype: each for each in one.gradients}
    figures = [cell for dtype in dtypes for cell in _figures(known.get(dtype), word)]
    return *map(Cell, (*told_names[:names], one.word)), *figures, Cell(told, word)


def _figures(one: Distance | None, word: str) -> tuple[Cell, Cell]:
    """The distance, in a colour where it is too large, and its floor."""
    if one is None:
        return Cell("-"), Cell("-")
    return Cell(number(one.difference, 2), word if apart(one) else ""), Cell(number(one.floor, 2))


def _layer(
    evidence: PairEvidence, one: ComparedLayer, dtypes: Sequence[str], first: ComparedLayer | None
) -> tuple[Cell, ...]:
    known = {"output": one.outputs, "gradient": one.gradients}
    cells = []
    for dtype in dtypes:
        for found in known.values():
            own = next((each for each in found if each.dtype == dtype), None)
            word = flag(evidence, found)[1] if own and apart(own) else ""
            cells.append(Cell(number(own.difference, 2) if own else "-", word))
    told, word = flag(evidence, one.outputs)
    if one is first:
        told, word = "first apart", "error"
    names = _titled(one.left, one.left_title), _titled(one.right, one.right_title)
    return *map(Cell, names), *cells, Cell(told, word)


def _titled(name: str, title: str) -> str:
    return f"{name} ({title})" if title else name


def _dtypes(evidence: PairEvidence) -> list[str]:
    """Those in which something was compared, in their order."""
    found = [one.outputs for one in evidence.layers] + [one.gradients for one in evidence.parameters]
    return list(dict.fromkeys(one.dtype for distances in found for one in distances))


def _rank(found: Sequence[Distance]) -> tuple[bool, float]:
    """What is too far apart comes first, then what is farthest in the widest dtype; NaN above everything."""
    sizes = [math.inf if math.isnan(one.difference) else one.difference for one in found]
    return not any(map(apart, found)), -max(sizes[:1], default=0.0)


def _farthest(rows: Sequence[ComparedParameter]) -> list[ComparedParameter]:
    """The worst in the order of the model; what has no partner or no gradient before everything."""

    def rank(place: int) -> tuple[bool, bool, float]:
        own = rows[place]
        return not own.missing and bool(own.left and own.right), *_rank(own.gradients)

    return [rows[place] for place in sorted(sorted(range(len(rows)), key=rank)[:ROWS])]


def _around(rows: Sequence[ComparedLayer], first: ComparedLayer | None) -> list[ComparedLayer]:
    """A stretch that begins before the first layer apart; else the worst; the output always."""
    end = len(rows) - 1
    place = next((place for place, one in enumerate(rows) if one is first), None)
    if place is not None:
        start = max(min(place - BEFORE, end - ROWS + 1), 0)
        kept = list(range(start, min(start + ROWS - 1, end)))
    else:
        kept = sorted(sorted(range(end), key=lambda at: _rank(rows[at].outputs))[: ROWS - 1])
    return [rows[at] for at in (*kept, end)]


def _hidden(found: Sequence[Sequence[Distance]], what: str) -> list[Told]:
    """How many are left out, and how far the worst of them is apart."""
    if not found:
        return []
    worst = max((one.difference for distances in found for one in distances[:1]), default=0.0)
    left = [one.dtype for distances in found for one in distances[:1]][:1]
    most = f", at most {number(worst, 2)} apart in {left[0]}" if left else ""
    return [Told(f"and {counted(len(found), f'more {what}')}{most}: {SHOW_ALL}")]
