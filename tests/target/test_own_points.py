"""Each operation has points of its own, by its own cells: read, inside the domain, on its edges and kinks."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.settings import CheckSettings
from gradtool.target.dtype import FORMATS
from gradtool.target.operation import Operation
from gradtool.target.operations import OPERATIONS
from gradtool.target.own_points import expression_of, own_points, own_targets
from gradtool.target.plain import inside, on_kink
from gradtool.target.tree import calls
from gradtool.values import Array, flat, shape_of

SHOWN = {name: row for name, row in OPERATIONS.items() if not row.hidden}
SINGLE = {name: row for name, row in SHOWN.items() if row.shape == "broadcast"}


def points(name: str, dtype: str = "float64") -> list[Any]:
    return [target.points[0] for target in own_targets(CheckSettings(dtype=dtype), [OPERATIONS[name]]) if target.points]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", SHOWN)
def test_every_operation_runs_at_points_inside_its_domain(name: str, dtype: str) -> None:
    """A new row is covered by itself; reading a target checks names, shapes and that the numbers fit the dtype."""
    row, targets = SHOWN[name], own_targets(CheckSettings(dtype=dtype), [SHOWN[name]])
    assert len(targets) >= 5
    assert len({str(target.at) for target in targets}) == len(targets)
    for target in targets:
        assert name in {call.operation for call in calls(target.expression.tree)}
        (point,) = target.points or [{}]
        if row.shape == "broadcast":
            assert inside(row, {key: value for key, value in point.items() if isinstance(value, float)}), point
        assert all(math.isfinite(number) for value in point.values() for number in flat(value))
        assert target.mode == ("gradient" if target.shape == () else "jacobian")


@pytest.mark.parametrize("name", [name for name, row in SINGLE.items() if row.kinks])
def test_some_points_lie_on_a_kink_and_some_do_not(name: str) -> None:
    assert {on_kink(SINGLE[name], point) for point in points(name)} == {True, False}


@pytest.mark.parametrize(
    ("name", "inner", "outer"),
    [("acosh", 1.0, 0.0), ("atanh", 1 - 2.0**-52, 1.0), ("log1p", -1 + 2.0**-52, -1.0)],
)
def test_the_edges_of_a_domain_are_touched_from_inside(name: str, inner: float, outer: float) -> None:
    found = [point["x"] for point in points(name)]
    assert inner in found
    assert outer not in found


@pytest.mark.parametrize(("dtype", "next_to_1"), [("float64", 1 - 2.0**-52), ("float32", 1 - 2.0**-23)])
def test_beside_an_edge_is_one_unit_of_the_dtype(dtype: str, next_to_1: float) -> None:
    assert next_to_1 in [point["x"] for point in points("hardtanh", dtype)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_magnitudes_and_special_values(dtype: str) -> None:
    """A square that overflows, one that underflows, a subnormal number, both zeros, and one."""
    form, found = FORMATS[dtype], [point["x"] for point in points("exp", dtype)]
    sizes = [abs(number) for number in found if number]
    assert max(sizes) ** 0.5 < form.largest**0.5 < max(sizes)
    assert any(0 < size < 2.0**form.low for size in sizes)
    assert any(2.0**form.low <= size < 2.0 ** (form.low / 2) for size in sizes)
    assert {1.0, -1.0} <= {*found}
    assert {math.copysign(1, number) for number in found if not number} == {1.0, -1.0}


def test_arrays_have_ties_equal_entries_zeros_and_large_offsets() -> None:
    found = [tuple(flat(point["x"])) for point in points("sum")]
    assert any(len(set(numbers)) == 1 and numbers[0] for numbers in found)
    assert (0.0,) * 4 in found
    assert any(numbers.count(max(numbers)) == 2 for numbers in found)
    assert any(min(numbers) > 1e7 and max(numbers) - min(numbers) < 10 for numbers in found)


def test_entries_outside_of_a_domain_are_replaced() -> None:
    for point in points("bce"):
        assert all(0 < number < 1 for number in flat(point["x"]))
        assert all(0 <= number <= 1 for number in flat(point["y"]))


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("add", "x + y"),
        ("negative", "-x"),
        ("less", "where(x < y, x + 1, y)"),
        ("logical_and", "where(x > 0 and y > 0, x + 1, y)"),
        ("logical_not", "where(not (x > 0), x + 1, -x)"),
        ("where", "where(condition > 0, x, y)"),
        ("matmul", "x @ y"),
        ("index", "x[1:]"),
        ("stack", "[x, y]"),
        ("cross_entropy", "cross_entropy(x, labels)"),
    ],
)
def test_how_a_row_is_written(name: str, expression: str) -> None:
    assert expression_of(OPERATIONS[name]) == expression


def test_a_row_that_nobody_has_thought_of_has_points_by_itself() -> None:
    single = own_points(Operation("near", ("x",), "", domain="x > 7", kinks=("x - 9",)), "float64")
    assert {"x": "9.0"} in single
    assert {"x": repr(7 + 2.0**-50)} in single
    assert {"x": "7.0"} not in single
    double = own_points(Operation("far", ("x", "y"), "", domain="x > 7", kinks=("x - 9",)), "float64")
    assert {"x": "9.0", "y": "-1.3"} in double


def test_the_shapes_of_matrices() -> None:
    (first, *_) = points("matmul")
    assert [shape_of(value) for value in first.values()] == [(2, 2), (2, 2)]
    assert all(isinstance(value, Array) for value in first.values())
