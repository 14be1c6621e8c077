"""Domains and kinks on plain floats."""

from __future__ import annotations

import math

import pytest

from gradtool.target.operations import OPERATIONS
from gradtool.target.plain import inside, literals, on_kink


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("sqrt", {"x": 0.0}, True),
        ("sqrt", {"x": -5e-324}, False),
        ("log1p", {"x": math.nextafter(-1, 0)}, True),
        ("log1p", {"x": -1.0}, False),
        ("acosh", {"x": math.nextafter(1, 0)}, False),
        ("lgamma", {"x": -2.0}, False),
        ("lgamma", {"x": -2.5}, True),
        ("pow", {"x": -1.3, "y": 2.0}, True),
        ("pow", {"x": -1.3, "y": 0.5}, False),
        ("pow", {"x": 0.0, "y": -1.0}, False),
        ("atan2", {"y": 0.0, "x": 0.0}, False),
        ("clip", {"x": 0.0, "lo": 2.0, "hi": 1.0}, False),
        ("exp", {"x": 1e308}, True),
    ],
)
def test_what_lies_inside_a_domain(name: str, point: dict[str, float], expected: bool) -> None:
    assert inside(OPERATIONS[name], point) is expected


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("abs", {"x": -0.0}, True),
        ("abs", {"x": 5e-324}, False),
        ("max", {"x": 3.0, "y": 3.0}, True),
        ("round", {"x": 2.5}, True),
        ("floor", {"x": 2.5}, False),
        ("floor", {"x": -3.0}, True),
        ("remainder", {"x": 6.0, "y": -1.5}, True),
        ("atan2", {"y": 0.0, "x": -1.0}, True),
        ("atan2", {"y": 0.0, "x": 1.0}, False),
        ("exp", {"x": 0.0}, False),
    ],
)
def test_what_lies_on_a_kink(name: str, point: dict[str, float], expected: bool) -> None:
    assert on_kink(OPERATIONS[name], point) is expected


def test_the_literals_of_a_row_have_both_signs() -> None:
    assert literals(OPERATIONS["asin"]) == {1.0, -1.0}
    assert literals(OPERATIONS["exp"]) == set()
