"""The point: what --at and --wrt say, and how it is refused."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest

from gradtool.problem import Problem, ProblemError
from gradtool.settings import CheckSettings
from gradtool.target.dtype import rounded
from gradtool.target.expression import parse
from gradtool.target.point import parse_points, split_assignments, wanted_variables
from gradtool.target.suite import read_target

LARGEST32 = 3.4028234663852886e38
"""The largest float32, (2 - 2^-23) * 2^127."""


def refused(at: dict[str, str], text: str = "x*rate + x", dtype: str = "float64") -> list[Problem]:
    with pytest.raises(ProblemError) as caught:
        parse_points(at, parse(text, at), dtype, 0)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["x=1"], {"x": "1"}),
        (["x=1,y=2"], {"x": "1", "y": "2"}),
        (["x=1", "y=2"], {"x": "1", "y": "2"}),
        (["x=1,y=2", "z=3"], {"x": "1", "y": "2", "z": "3"}),
        ([" x = 1 , y = -2e-3 "], {"x": "1", "y": "-2e-3"}),
        (["ψ=1"], {"ψ": "1"}),
    ],
    ids=["one", "joined", "repeated", "both", "blanks", "Greek"],
)
def test_assignments_are_joined_by_commas_or_repeated(texts: list[str], values: dict[str, str]) -> None:
    assert split_assignments(texts) == values


@pytest.mark.parametrize(
    ("texts", "part", "said"),
    [
        (["x"], "x", "name and a value"),
        (["x="], "x=", "name and a value"),
        (["=3"], "=3", "name and a value"),
        (["3"], "3", "name and a value"),
        (["2x=3"], "2x=3", "name and a value"),
        (["x=1,y"], "y", "name and a value"),
        (["x=1,y=2,x=3"], "x=3", "x is given twice"),
        (["x=1", "x=1"], "x=1", "x is given twice"),
        (["x=1,"], "", "name and a value"),
        ([""], "", "name and a value"),
    ],
    ids=[
        "no value",
        "empty value",
        "no name",
        "number",
        "no such name",
        "second",
        "twice",
        "repeated",
        "comma",
        "empty",
    ],
)
def test_a_part_that_is_no_assignment_is_pointed_at(texts: list[str], part: str, said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        split_assignments(texts)
    (problem,) = caught.value.problems
    assert problem.span is not None
    assert (problem.code, problem.source[slice(*problem.span)]) == ("point", part)
    assert said in problem.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("pi", math.pi),
        ("-pi", -math.pi),
        ("+pi", math.pi),
        ("--pi", math.pi),
        ("e", math.e),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", 1.7976931348623157e308),
    ],
)
def test_a_value_is_a_number_or_a_constant(text: str, value: float) -> None:
    assert parse_points({"x": text}, parse("x**2"), "float64", 0) == [{"x": value}]


def test_values_come_in_the_order_of_the_expression() -> None:
    (point,) = parse_points({"b": "1", "a": "2"}, parse("a*b"), "float64", 0)
    assert list(point.items()) == [("a", 2.0), ("b", 1.0)]


@pytest.mark.parametrize(
    ("text", "dtype", "said"),
    [
        ("nan", "float64", "not a number"),
        ("inf", "float64", "is infinite"),
        ("-inf", "float64", "is infinite"),
        ("1e400", "float64", "does not fit float64"),
        ("1e39", "float32", "does not fit float32"),
        ("7e-46", "float32", "does not fit float32"),
        ("1e-400", "float64", "does not fit float64"),
        ("-3.4028236e38", "float32", "does not fit float32"),
        ("three", "float64", "not a number"),
        ("1/3", "float64", "not a number"),
        ("0x10", "float64", "not a number"),
        ("1j", "float64", "not a number"),
        ("sqrt(2)", "float64", "not a number"),
        ("__import__('os')", "float64", "not a number"),
    ],
)
def test_a_value_that_is_no_finite_number_of_the_dtype_is_refused(text: str, dtype: str, said: str) -> None:
    (problem,) = refused({"x": text}, "x**2", dtype)
    assert problem.span is not None
    assert (problem.code, problem.source[slice(*problem.span)]) == ("point-value", text)
    assert said in problem.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.10000000149011612),
        ("16777217", 16777216.0),
        ("16777219", 16777220.0),
        ("1e-45", 1.401298464324817e-45),
        ("3.4028235e38", LARGEST32),
        ("3.40282356e38", LARGEST32),
        ("pi", 3.1415927410125732),
    ],
)
def test_in_float32_the_point_is_the_nearest_float32(text: str, value: float) -> None:
    """Halves go to the even neighbour; what lies below half a gap above the largest number is the largest number."""
    assert parse_points({"x": text}, parse("x**2"), "float32", 0) == [{"x": value}]


@pytest.mark.parametrize("value", [0.1, 1e-40, -2.5, 1e39, -math.inf, math.nan, 5e-324])
def test_rounding_keeps_signs_and_what_is_not_finite(value: float) -> None:
    """Against struct's own float32; twice rounded is once rounded."""
    once = rounded(value, "float32")
    expected = (
        math.copysign(math.inf, value) if abs(value) > LARGEST32 else struct.unpack("f", struct.pack("f", value))[0]
    )
    assert struct.pack("d", once) == struct.pack("d", expected)
    assert struct.pack("d", rounded(once, "float32")) == struct.pack("d", once)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("0:1:10.5", "10.5 is no whole number of points", "a sweep has 2 to 20000 points"),
        ("0:1:nan", "nan is no whole number of points", "a sweep has 2 to 20000 points"),
        ("0:1:1e6", "has 1e6 points", "a sweep has 2 to 20000 points"),
        ("0:1:1", "has 1 points", "a sweep has 2 to 20000 points"),
        ("0:1:" + "9" * 5000, "whole number of points", "a sweep has 2 to 20000 points"),
        ("0:1", "needs a start, a stop and a number of points", "write start:stop:points"),
        ("0:1:many", "not made of numbers", "write start:stop:points"),
    ],
    ids=lambda text: text[:12],
)
def test_a_sweep_that_is_none_is_told_what_one_is(text: str, said: str, hint: str) -> None:
    (problem,) = refused({"x": text}, "x**2")
    assert said in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize("count", ["5", "5.0", "5e0", " 5 "])
def test_a_whole_number_of_points_may_be_written_in_any_way(count: str) -> None:
    points = parse_points({"x": f"0:1:{count}"}, parse("x**2"), "float64", 0)
    assert [point["x"] for point in points] == [0.0, 0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("weigths.npy", "did you mean {}/weights.npy?"),
        ("zzz.npy", "there is biases.npy, weights.npy"),
        ("no/zzz.npy", "there is no folder {}/no"),
    ],
)
def test_a_file_that_is_missing_gets_the_nearest_one(tmp_path: Path, asked: str, hint: str) -> None:
    for name in ("weights", "biases"):
        np.save(tmp_path / name, np.ones(2))
    (problem,) = refused({"x": f"@{tmp_path / asked}"}, "x**2")
    assert asked in problem.message
    assert problem.hint == hint.format(tmp_path)


def test_a_folder_without_arrays_says_so(tmp_path: Path) -> None:
    (problem,) = refused({"x": f"@{tmp_path / 'x.npy'}"}, "x**2")
    assert "no .npy file" in problem.hint


def test_a_missing_value_is_pointed_at_in_the_expression() -> None:
    (problem,) = refused({"x": "1"}, "exp(x)*rate + x*rate")
    assert (problem.code, problem.span) == ("point-missing", (7, 11))
    assert "--at rate=1" in problem.hint


@pytest.mark.parametrize(
    ("extra", "hint"),
    [("rat", "did you mean rate?"), ("Rate", "did you mean rate?"), ("zzz", "its variables are x, rate")],
)
def test_a_value_for_no_variable_gets_the_nearest_name(extra: str, hint: str) -> None:
    (problem,) = refused({"x": "1", "rate": "2", extra: "3"})
    assert (problem.code, problem.hint) == ("point-extra", hint)


def test_all_that_is_wrong_with_a_point_is_told_at_once() -> None:
    assert {p.code for p in refused({"x": "one", "z": "2"})} == {"point-missing", "point-extra", "point-value"}


@pytest.mark.parametrize("name", ["ψ", "µ", "ﬁ", "é"], ids=ascii)
def test_a_name_is_the_same_in_the_expression_and_in_the_point(name: str) -> None:
    """The micro sign, which keyboards have, and other letters that Python's parser turns into normal form KC."""
    target = read_target(f"{name}*x", CheckSettings(at={name: "2", "x": "3"}, wrt=(name,)))
    assert target.points is not None
    assert sorted(target.points[0].values()) == [2.0, 3.0]  # type: ignore[type-var]  # numbers


@pytest.mark.parametrize(
    ("wrt", "names"),
    [
        ([], ["x", "y"]),
        (["y"], ["y"]),
        (["y,x"], ["y", "x"]),
        (["y", "x"], ["y", "x"]),
        ([" x , x "], ["x"]),
    ],
    ids=["none", "one", "joined", "repeated", "twice"],
)
def test_wrt_picks_variables_in_its_own_order(wrt: list[str], names: list[str]) -> None:
    assert wanted_variables(wrt, parse("x*y")) == names


@pytest.mark.parametrize(("wrt", "hint"), [("rats", "did you mean rate?"), ("q", "its variables are x, rate")])
def test_wrt_by_an_unknown_name_gets_the_nearest_one(wrt: str, hint: str) -> None:
    with pytest.raises(ProblemError) as caught:
        wanted_variables(["x", wrt], parse("x*rate"))
    assert [(problem.code, problem.hint) for problem in caught.value.problems] == [("wrt", hint)]
