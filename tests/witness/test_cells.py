"""The other cells of the operation table: domains, kinks and singular slopes, and the frameworks' own functions."""

from __future__ import annotations

import math
from typing import Any

import pytest
from meanings import EVERYWHERE, MEANINGS, POINTS, Num
from mpmath import mp

from gradtool.target.elementwise import ROWS
from gradtool.witness.symbolic.rows import functions

OPERATIONS = {row.name: row for row in ROWS if not row.hidden}

Points = list[tuple[float, ...]]
ULP = 2.0**-52
TINY = 5e-324

DOMAINS: dict[str, tuple[Points, Points]] = {
    "divide": ([(1, TINY), (0, -1)], [(1, 0), (0, 0)]),
    "floor_divide": ([(1, TINY), (0, -1)], [(1, 0), (0, 0)]),
    "remainder": ([(1, TINY), (0, -1)], [(1, 0), (0, 0)]),
    "pow": (
        [(2, 0.5), (2, -0.5), (TINY, -1), (0, 0), (0, 0.5), (0, 2), (-2, 2), (-2, -3), (-2, 0)],
        [(0, -1), (0, -0.5), (-2, 0.5), (-TINY, 1.5), (-1, 1 + ULP)],
    ),
    "clip": ([(0, -1, 1), (5, 1, 1)], [(0, 1, -1), (0, 1 + ULP, 1)]),
    "sqrt": ([(0,), (TINY,)], [(-TINY,), (-1,)]),
    **dict.fromkeys(("log", "log2", "log10"), ([(TINY,), (1,)], [(0,), (-TINY,), (-1,)])),
    "log1p": ([(-1 + ULP,), (0,)], [(-1,), (-1 - ULP,)]),
    **dict.fromkeys(("asin", "acos"), ([(-1,), (0,), (1,)], [(1 + ULP,), (-1 - ULP,)])),
    "atan2": ([(TINY, 0), (0, TINY), (0, -1), (-1, 0)], [(0, 0)]),
    "acosh": ([(1,), (1 + ULP,)], [(1 - ULP,), (0,), (-2,)]),
    "atanh": ([(-1 + ULP,), (1 - ULP,)], [(1,), (-1,), (2,)]),
    **dict.fromkeys(
        ("lgamma", "digamma", "trigamma"), ([(TINY,), (1,), (3,), (-0.5,), (-1 - ULP,)], [(0,), (-1,), (-7,)])
    ),
}
"""Inside and outside; a row that is not here is defined everywhere."""

KINKS: dict[str, tuple[Points, Points]] = {
    "floor_divide": ([(6, 3), (-6, 3), (0, 2)], [(7, 3), (5.5, 1), (TINY, 1)]),
    "remainder": ([(6, 3), (-6, 3), (0, 2)], [(7, 3), (5.5, 1), (TINY, 1)]),
    "pow": ([(0, 0.5), (0, 1.5), (0, 0)], [(0, 1), (0, 2), (0, 3), (1, 0.5), (-2, 3), (TINY, 0.5)]),
    **dict.fromkeys(
        ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "max", "min"),
        ([(1, 1), (0, -0.0)], [(1, 1 + ULP), (1, -1), (TINY, 0)]),
    ),
    "clip": ([(1, 1, 2), (2, 1, 2)], [(1.5, 1, 2), (0, 1, 2), (3, 1, 2), (1 + ULP, 1, 2)]),
    **dict.fromkeys(("abs", "sign", "relu", "leaky_relu", "selu"), ([(0,), (-0.0,)], [(TINY,), (-TINY,), (1,)])),
    **dict.fromkeys(("floor", "ceil"), ([(0,), (1,), (-3,), (2.0**60,)], [(0.5,), (1 + ULP,), (-2.999,), (TINY,)])),
    "round": ([(0.5,), (1.5,), (-0.5,), (-2.5,)], [(0,), (1,), (0.5 + ULP,), (2.499,)]),
    "atan2": ([(0, -1), (-0.0, -TINY)], [(0, 1), (1, -1), (TINY, -1), (1, 0), (-1, 0)]),
    "hardtanh": ([(1,), (-1,)], [(1 + ULP,), (1 - ULP,), (0,), (-1 + ULP,)]),
}
"""Where left and right derivatives differ, by definition of the function, and where not; other rows have no kink.

elu with alpha 1, softsign and hypot apart from the origin are differentiable everywhere.
"""

SINGULAR: dict[str, Points] = {
    "sqrt": [(0,)], "cbrt": [(0,)], "asin": [(1,), (-1,)], "acos": [(1,), (-1,)], "acosh": [(1,)], "hypot": [(0, 0)],
}  # fmt: skip
"""Where the slope is infinite, or depends on the direction, although the function has a value."""


def exact(point: tuple[float, ...]) -> list[Any]:
    return [mp.mpf(value) for value in point]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_domain_is_where_the_function_has_a_real_value(name: str) -> None:
    inside, outside = DOMAINS.get(name, ([], []))
    assert bool(OPERATIONS[name].domain) == bool(inside)
    cell = functions(name).domain if inside else None
    with mp.workdps(400):
        for point in inside:
            assert cell is not None
            assert cell(*exact(point)), point
            assert mp.isfinite(functions(name).value(*exact(point))), point
        for point in outside:
            assert cell is not None
            assert not cell(*exact(point)), point


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_kinks_are_the_places_where_the_slopes_differ_and_no_others(name: str) -> None:
    at, beside = KINKS.get(name, ([], []))
    if not at:
        assert OPERATIONS[name].kinks == ()
        return
    with mp.workdps(400):
        for point in at:
            assert any(kink(*exact(point)) == 0 for kink in functions(name).kinks), point
        for point in beside:
            assert all(kink(*exact(point)) != 0 for kink in functions(name).kinks), point


@pytest.mark.parametrize("name", SINGULAR)
def test_a_singular_slope_is_never_a_number(name: str) -> None:
    """The walk looks beside the point where the cell divides by zero; a finite number there would be believed."""
    for point in SINGULAR[name]:
        for derivative in functions(name).derivatives:
            with pytest.raises(ZeroDivisionError):
                derivative(*exact(point))


_SYMBOLS = {row.name: row.operator for row in OPERATIONS.values() if row.operator}


def text(name: str) -> str:
    """The call, and for operators the operator."""
    parameters = OPERATIONS[name].parameters
    if name == "where":
        return "where(c > 0.5, x, y)"
    if OPERATIONS[name].logical:
        return {1: "where(not x > 1, x, y)", 2: "where(x > 0 {} y > 0, x, y)"}[len(parameters)].format(_SYMBOLS[name])
    return f"{name}({', '.join(parameters)})"


def lines(name: str) -> list[dict[str, Any]]:
    names = ["c", "x", "y"] if name == "where" else list(OPERATIONS[name].parameters)
    wrt = [variable for variable in names if variable != "c"]
    return [
        {"expression": text(name), "at": dict(zip(names, map(repr, point), strict=True)), "wrt": wrt}
        for point in POINTS.get(name, EVERYWHERE)
    ]


NUMBERS = list(MEANINGS)
COARSE = {
    ("tensorflow", "gelu"): 1e-6, ("tensorflow", "leaky_relu"): 1e-7, ("torch", "trigamma"): 1e-9,
}  # fmt: skip
"""How far native values may be off relatively, where it is more than 2e-14: the table's known deviations."""


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
@pytest.mark.parametrize("name", NUMBERS)
def test_the_native_function_binds_and_computes_what_the_row_means(name: str, framework: str, check: Any) -> None:
    """Value against the meaning in mpmath; verified, but for deviations that the row itself declares."""
    for line, record in zip(lines(name), check(lines(name), framework=framework), strict=True):
        assert not record.failures, record.failures
        assert not record.problems, record.problems
        with mp.workdps(100):
            point = [mp.mpf(float(value)) for value in line["at"].values()]
            wanted = float(MEANINGS[name](Num(), *point))
        assert record.value is not None
        assert math.isclose(record.value, wanted, rel_tol=COARSE.get((framework, name), 2e-14), abs_tol=1e-15), line
        assert record.exact_value is not None
        assert math.isclose(float(record.exact_value), wanted, rel_tol=1e-15), line
        deviates = bool(OPERATIONS[name].deviation(framework, "float64"))
        assert record.verdict == "verified" or (deviates and record.verdict == "wrong"), (line, record.entries)


_CONDITIONS: list[tuple[str, dict[str, str], float]] = [
    (f"where(x {operator} y, 3*x, 5*x)", {"x": x, "y": y}, 3.0 if truth else 5.0)
    for operator, truths in {
        "<": (1, 0, 0), "<=": (1, 1, 0), ">": (0, 0, 1), ">=": (0, 1, 1), "==": (0, 1, 0), "!=": (1, 0, 1),
    }.items()
    for (x, y), truth in zip([("1", "2"), ("2", "2"), ("3", "2")], truths, strict=True)
] + [
    (f"where({condition}, 3*x, 5*x)", {"x": x, "y": y}, 3.0 if truth else 5.0)
    for condition, truths in {
        "x > 0 and y > 0": (1, 0, 0, 0), "x > 0 or y > 0": (1, 1, 1, 0), "not x > 0*y": (0, 0, 1, 1),
        "not (x > 0 and not y > 0)": (1, 0, 1, 1),
    }.items()
    for (x, y), truth in zip([("1", "1"), ("1", "-1"), ("-1", "1"), ("-1", "-1")], truths, strict=True)
]  # fmt: skip


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_conditions_choose_by_the_truth_table(framework: str, check: Any) -> None:
    """Every comparison at less, equal and greater; every connective at four combinations."""
    records = check([{"expression": c, "at": at, "wrt": "x"} for c, at, _ in _CONDITIONS], framework=framework)
    for (condition, at, slope), record in zip(_CONDITIONS, records, strict=True):
        assert record.entries[0].autodiff == slope, (condition, at)
        assert record.value == slope * float(at["x"]), (condition, at)
