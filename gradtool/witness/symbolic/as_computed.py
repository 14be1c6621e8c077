"""What a framework's own way of computing a value or a derivative loses: the forward error bound of its formula.

The formula is a cell of the operation table, over the row's parameters and the output ``out``. Bounds are pairs, as
in ``node.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mpmath import mp

from gradtool.target.dtype import Format
from gradtool.target.expression import Number, Tree, Variable, parse_row_text
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.node import Node, is_exactly, left_over, scaled
from gradtool.witness.symbolic.rows import functions

__all__ = ["as_computed"]

Bounded = tuple[Any, Any, Any]
"""A value, and its bound as (units, excess)."""


def as_computed(text: str, node: Node, arithmetic: Format) -> tuple[Any, Any]:
    """The error bound, as (units, excess), of ``text`` at the arguments and the value of ``node``."""
    parameters = OPERATIONS[node.step.operation].parameters
    known = {name: (a.value, a.units, a.excess) for name, a in zip(parameters, node.arguments, strict=True)}
    out = (node.value, node.units, node.excess)
    return _rounded(parse_row_text(text, (*parameters, "out")), {**known, "out": out}, arithmetic)[1:]


def _rounded(tree: Tree, known: Mapping[str, Bounded], arithmetic: Format) -> Bounded:
    if isinstance(tree, Variable):
        return known[tree.name]
    if isinstance(tree, Number):
        return (+mp.pi, +mp.pi, mp.mpf(0)) if tree.name == "pi" else (mp.mpf(tree.value), mp.mpf(0), mp.mpf(0))
    if tree.operation == "where":
        condition, yes, no = tree.arguments
        return _rounded(yes if _rounded(condition, known, arithmetic)[0] else no, known, arithmetic)
    row = functions(tree.operation)
    parts = [_rounded(argument, known, arithmetic) for argument in tree.arguments]
    values = [part[0] for part in parts]
    value = row.value(*values)
    if OPERATIONS[tree.operation].logical:
        return value, mp.mpf(0), mp.mpf(0)
    is_step = OPERATIONS[tree.operation].group == "step"
    is_sum = tree.operation in ("add", "subtract") and value.bc <= arithmetic.precision
    exact = is_step or (is_sum and is_exactly(tree.operation, value, *values))
    units, excess = mp.mpf(0) if exact else abs(value), mp.mpf(0)
    bends = is_step or arithmetic.coarse
    for place, (derivative, (_, part_units, part_excess)) in enumerate(zip(row.derivatives, parts, strict=True)):
        slope = abs(derivative(*values))
        units += scaled(slope, part_units)
        excess += scaled(slope, part_excess)
        if bends:
            excess += left_over(row.value, values, place, arithmetic.unit * part_units + part_excess, slope)
    if 0 < abs(value) < mp.ldexp(mp.mpf(1), arithmetic.low):
        excess += arithmetic.least
    elif value and mp.mag(abs(value) + arithmetic.unit * units + excess) > arithmetic.high:
        excess = mp.inf
    return value, units, excess
