"""Points that nobody gave: inside the domain, away from kinks, short to write, and the same again."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from gradtool.evidence import Points, SampleRequest
from gradtool.witness.symbolic.sample import sample

Inside = Callable[..., bool]


def drawn(text: str, names: str = "x", seed: int = 0, count: int = 5, dtype: str = "float64") -> list[dict[str, float]]:
    record = sample(SampleRequest(7, text, names.split(), "torch", dtype, seed, count))
    assert isinstance(record, Points)
    assert record.key == 7
    return record.points


DOMAINS: list[tuple[str, str, Inside]] = [
    ("x**2", "x", lambda _: True),
    ("log(x - 3)", "x", lambda x: x > 3),
    ("log(-x)", "x", lambda x: x < 0),
    ("asin(x)", "x", lambda x: -1 < x < 1),
    ("acos(x)*atanh(x)", "x", lambda x: -1 < x < 1),
    ("acosh(x)", "x", lambda x: x > 1),
    ("asin(x/100)", "x", lambda x: -100 < x < 100),
    ("sqrt(x*y - 2)", "x y", lambda x, y: x * y > 2),
    ("sqrt(x - 1000)", "x", lambda x: x > 1000),
    ("sqrt(-x - 1e5)", "x", lambda x: x < -1e5),
    ("log(x) + log(1 - x)", "x", lambda x: 0 < x < 1),
    ("log(x)*log(-y)", "x y", lambda x, y: x > 0 > y),
    ("sqrt(1 - x**2 - y**2)", "x y", lambda x, y: x * x + y * y < 1),
    ("acosh(x)*asin(y)*log(z - 10)", "x y z", lambda x, y, z: x > 1 and abs(y) < 1 and z > 10),
    ("(x - 1)**y", "x y", lambda x, _: x > 1),
    ("1/x + 1/(x - 1)", "x", lambda x: x not in (0, 1)),
    ("abs(x) + relu(x) + floor(x)", "x", lambda x: x != math.floor(x)),
    ("max(x, y)", "x y", lambda x, y: x != y),
    ("exp(exp(x))", "x", lambda x: x < 7),
    ("exp(x**2)", "x", lambda x: abs(x) < 27),
    ("lgamma(x) + digamma(x)", "x", lambda x: x > 0 or x != math.floor(x)),
    ("where(x > 0, log(x), x)", "x", lambda x: x != 0),
]
IDS = [case[0] for case in DOMAINS]


@pytest.mark.parametrize("seed", [1, 12345])
@pytest.mark.parametrize(("text", "names", "inside"), DOMAINS, ids=IDS)
def test_every_point_is_inside_the_domain(text: str, names: str, inside: Inside, seed: int) -> None:
    """Five points, all different, where every operation has a value, on no kink."""
    points = drawn(text, names, seed)
    assert len(points) == 5
    for point in points:
        assert list(point) == names.split()
        assert inside(*point.values()), point
    assert len({tuple(point.values()) for point in points}) == 5


@pytest.mark.parametrize(("text", "names"), [case[:2] for case in DOMAINS], ids=IDS)
def test_the_same_seed_gives_the_same_points_and_another_seed_others(text: str, names: str) -> None:
    first = drawn(text, names, 3, count=2)
    assert drawn(text, names, 3, count=2) == first
    assert drawn(text, names, 4, count=2) != first


@pytest.mark.parametrize(("text", "names"), [case[:2] for case in DOMAINS], ids=IDS)
def test_a_coordinate_is_short_to_write(text: str, names: str) -> None:
    """Four significant digits say it exactly."""
    for point in drawn(text, names, 5):
        for value in point.values():
            assert float(f"{value:.4g}") == value


@pytest.mark.parametrize(("text", "names", "inside"), DOMAINS, ids=IDS)
def test_a_float32_point_is_one_and_is_inside(text: str, names: str, inside: Inside) -> None:
    """The four digits are rounded to float32 before the domain is asked."""
    points = drawn(text, names, dtype="float32")
    assert len(points) == 5
    for point in points:
        assert inside(*point.values())
        for value in point.values():
            assert float(np.float32(value)) == value
            assert value == float(np.float32(float(f"{value:.4g}")))


@pytest.mark.parametrize("text", ["log(-x**2)", "x/(x - x)", "log(x) + log(-x)"])
def test_where_there_is_no_domain_there_are_no_points(text: str) -> None:
    """Soon enough to be told so: four thousand attempts take a few seconds at most."""
    assert drawn(text) == []


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_as_many_points_as_were_asked_for(count: int) -> None:
    assert len(drawn("sin(x)*y", "x y", count=count)) == count


def test_the_first_points_do_not_depend_on_how_many_are_asked_for() -> None:
    assert drawn("sin(x)", count=9)[:4] == drawn("sin(x)", count=4)


def test_every_variable_gets_a_value_whatever_is_differentiated_by() -> None:
    assert [sorted(point) for point in drawn("sin(x)*y + z", "y")] == [["x", "y", "z"]] * 5
