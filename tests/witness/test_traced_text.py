"""What is recorded of symbolic values, without any framework: the text means the very tree that was recorded."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Call, Number, Tree, Variable
from gradtool.witness.callable.recorder import Recorder, Untraceable
from gradtool.witness.callable.spelling import spelled
from gradtool.witness.callable.symbol import Symbol

SPAN = (0, 0)
NUMBERS = ("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "pow", "negative", "matmul", "where",
           "max", "min", "clip", "sin", "atan2", "sum", "softmax", "transpose", "index", "stack")  # fmt: skip
CONDITIONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_and", "logical_or",
              "logical_not")  # fmt: skip
OPTIONS: dict[str, tuple[tuple[str, Any], ...]] = {
    "sum": (("axis", (0,)), ("keepdims", True)), "softmax": (("axis", 0),), "transpose": (("axes", (1, 0)),),
    "index": (("key", (slice(0, 2), Ellipsis)),),
}  # fmt: skip


def recorder() -> Recorder:
    return Recorder(Symbol, lambda _: None, inputs=("x", "y"))


def drawn(draw: random.Random, depth: int, *, condition: bool = False) -> Tree:
    """A tree over 2x2 arrays; the shapes of which always fit."""
    if depth <= 0 and not condition:
        return draw.choice([Variable("x", SPAN), Variable("y", SPAN)])
    name = draw.choice(CONDITIONS if condition else [one for one in NUMBERS if one not in ("index", "sum", "stack")])
    row = OPERATIONS[name]
    logical = name.startswith("logical")
    if depth <= 0 and logical:
        return Call("less", (drawn(draw, 0), Number(0.5, SPAN)), SPAN)
    arguments: list[Tree] = []
    for parameter in row.parameters:
        number = row.shape == "broadcast" and arguments and not logical and draw.random() < 0.3
        value = Number(draw.choice([0.0, 2.0, 0.1, 1e-300, 3e20]), SPAN)
        arguments.append(value if number else drawn(draw, depth - 1, condition=logical or parameter == "condition"))
    return Call(name, tuple(arguments), SPAN, OPTIONS.get(name, ()))


def stripped(tree: Tree) -> Tree:
    if isinstance(tree, Call):
        return Call(tree.operation, tuple(map(stripped, tree.arguments)), SPAN, tree.options)
    return replace(tree, span=SPAN)


@pytest.mark.parametrize("seed", range(300))
def test_a_random_tree_comes_back_from_its_text(seed: int) -> None:
    """Parentheses where they are needed, at every pair of neighbours."""
    tree = drawn(random.Random(seed), 4)  # noqa: S311  # repeatable draws, no secrets
    made = recorder()
    symbol = made.told(tree, {"x": made.variable("x", (2, 2)), "y": made.variable("y", (2, 2))})
    assert stripped(parse(symbol.part.text, ("x", "y")).tree) == tree, symbol.part.text


LISTS = ("sum((x + y)[0], axis=(0,), keepdims=True)", "[x, -y][1:, None, ..., 0]", "(-x)**2 - (-x**2)", "2**(-x)",
         "reshape(x, shape=(4, 1)) @ [[x[0, 0], 2]]")  # fmt: skip


@pytest.mark.parametrize("text", LISTS)
def test_lists_indices_and_reductions_come_back(text: str) -> None:
    known = parse(text, ("x", "y")).tree
    made = recorder()
    symbol = made.told(known, {"x": made.variable("x", (2, 2)), "y": made.variable("y", (2, 2))})
    assert stripped(parse(symbol.part.text, ("x", "y", "c1")).tree) == stripped(known), symbol.part.text


def test_a_number_that_is_given_as_an_array_stays_an_array_where_the_shape_needs_it() -> None:
    made = recorder()
    x = made.variable("x", ())
    assert (x * np.full((2, 2), 3.0)).part.text == "x*c1"
    assert (made.variable("y", (2, 2)) * np.full((2, 2), 3.0)).part.text == "y*3"
    assert made.record("sum", made.record("multiply", np.ones(2), x)).part.text == "sum(c2*x)"


def test_values_of_another_trace_are_refused() -> None:
    with pytest.raises(Untraceable, match="keeps values from one call to the next"):
        recorder().variable("x", ()) + recorder().variable("y", ())


def test_a_spelling_reads_a_call_as_it_is_written() -> None:
    made = recorder()
    x = made.variable("x", (2, 3))
    total = spelled("f.sum(input, dim=None, *, keepdim=False, mode='fast')", "sum(input, axis=dim, keepdims=keepdim)")
    assert total.meant(made, (x, 1), {}).part.text == "sum(x, axis=1)"
    assert total.meant(made, (), {"input": x, "keepdim": True, "mode": "fast"}).part.text == "sum(x, keepdims=True)"
    for given, named, told in (
        ((x, 1, True), {}, "calls f.sum with 3 arguments"),
        ((x,), {"mode": "slow"}, "calls f.sum with mode='slow'"),
        ((x,), {"axis": 1}, "calls f.sum with axis=1"),
        ((), {}, "calls f.sum without input"),
    ):
        with pytest.raises(Untraceable, match=told.replace("(", r"\(")):
            total.meant(made, given, named)
