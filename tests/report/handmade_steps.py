"""A record of x*y + x at (2, 1000), its steps made by hand: paths meet in x, and y's gradient is broken."""

from __future__ import annotations

import math
from dataclasses import replace

from handmade import record

from gradtool.values import Array
from gradtool.verdict.record import CheckRecord, Entry, Step, StepPath

X = Step(
    0, "leaf", "variable", "x", (0, 1), paths=(
        StepPath(2, 0, "y", local=("1000",), contribution=("1000",)),
        StepPath(3, 1, "1", local=("1",), contribution=("1",)),
    ),
    value=2.0, exact=("2",), adjoint=("1001",), framework_node="AccumulateGrad", retained=1001.0, ulp=0.0,
    verdict="verified", reason="equals",
)  # fmt: skip
Y = Step(
    1, "leaf", "variable", "y", (2, 3), paths=(StepPath(2, 1, "x", local=("2",), contribution=("2",)),),
    value=1000.0, exact=("1000",), adjoint=("2",), framework_node="AccumulateGrad", retained=math.nan,
    verdict="unstable", reason="autodiff gives nan", note="nan enters here, on the way back through * (multiply)",
)  # fmt: skip
PRODUCT = Step(
    2, "intermediate", "multiply", "x*y", (0, 3), arguments=(0, 1),
    paths=(StepPath(3, 0, "1", local=("1",), contribution=("1",)),),
    value=2000.0, exact=("2000",), value_off=True, adjoint=("1",),
    framework_node="MulBackward0", retained=1.0, ulp=0.0, verdict="verified", reason="equals",
)  # fmt: skip
SUM = Step(
    3, "output", "add", "x*y + x", (0, 7), arguments=(2, 0), value=2002.0, exact=("2002",), adjoint=("1",),
    framework_node="AddBackward0", retained=1.0, ulp=0.0, verdict="verified", reason="equals",
)  # fmt: skip
STEPS = record(
    "x*y + x", Entry("x", 1001.0, "verified", "equals", "1001", ulp=0.0), Entry("y", math.nan, "unstable", "nan", "2"),
    point={"x": 2.0, "y": 1000.0}, value=2002.0, steps=(X, Y, PRODUCT, SUM),
)  # fmt: skip

HOSTILE_TEXT = 'f("a\\b" & <c> `d` *e* _f_ | {g} [h] #35; $$ %% \n λ)'
"""Everything that Mermaid, Graphviz, HTML, Markdown or a terminal could read as more than text."""


def hostile() -> CheckRecord:
    """The record with a text for the product that no expression can have."""
    return replace(STEPS, steps=(X, Y, replace(PRODUCT, text=HOSTILE_TEXT), SUM))


def arrays(length: int) -> CheckRecord:
    """sum(2*x) for a vector of 0.1."""
    numbers = ("2",) * length
    leaf = Step(
        0, "leaf", "variable", "x", (0, 1),
        paths=(StepPath(1, 1, "2", local=numbers[:8], local_shape=(8,), contribution=numbers),), shape=(length,),
        value=Array.of((length,), [0.1] * length), adjoint=numbers, retained=Array.of((length,), [2.0] * length),
        ulp=0.5, verdict="verified",
    )  # fmt: skip
    double = Step(
        1, "intermediate", "multiply", "2*x", (0, 3), shape=(length,), arguments=(2, 0),
        paths=(StepPath(3, 0, rule="G for every entry", contribution=numbers),),
        value=Array.of((length,), [0.2] * length), adjoint=numbers, verdict="verified",
    )  # fmt: skip
    two = Step(2, "constant", "number", "2", (0, 1), value=2.0, paths=(StepPath(1, 0),))
    total = Step(3, "output", "sum", "sum(2*x)", (0, 8), arguments=(1,), value=0.2 * length, adjoint=("1",),
                 retained=1.0, verdict="verified")  # fmt: skip
    return record("sum(2*x)", Entry("x", 2.0, "verified", "equals", "2"), steps=(leaf, double, two, total))
