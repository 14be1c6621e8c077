"""A suite: one target a line, and a bad line never stops the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gradtool.settings import CheckSettings
from gradtool.target.suite import Target, Unreadable, read_line, read_suite
from gradtool.values import Array


def target(line: str, at: dict[str, str] | None = None, wrt: list[str] | None = None, dtype: str = "float64") -> Target:
    found = read_line(line, "suite.txt:1", CheckSettings(at=at, wrt=tuple(wrt or ()), dtype=dtype))
    assert isinstance(found, Target), found
    return found


def unreadable(line: str) -> Unreadable:
    found = read_line(line, "suite.txt:7", CheckSettings())
    assert isinstance(found, Unreadable)
    assert {problem.origin for problem in found.problems} == {"suite.txt:7"}
    return found


def test_a_plain_line_takes_the_point_and_variables_of_the_command_line() -> None:
    plain = target("x*y", {"x": "1", "y": "2"}, ["y"])
    assert (plain.name, plain.expression.text, plain.points, plain.wrt) == ("x*y", "x*y", [{"x": 1.0, "y": 2.0}], ["y"])


def test_a_json_line_has_its_own_name_point_and_variables() -> None:
    line = '{"name": "area", "expression": "x*y", "at": {"y": "3", "x": 0.5}, "wrt": ["x"], "order": 1}'
    own = target(line, {"z": "9"}, ["y"])
    assert (own.name, own.expression.text, own.points, own.wrt) == ("area", "x*y", [{"x": 0.5, "y": 3.0}], ["x"])


def test_what_a_json_line_leaves_out_comes_from_the_command_line() -> None:
    bare = target('{"expression": "x*y"}', {"x": "1", "y": "2"}, ["y"])
    assert (bare.name, bare.points, bare.wrt) == ("x*y", [{"x": 1.0, "y": 2.0}], ["y"])


@pytest.mark.parametrize("wrt", ["y,x", ["y", "x"]], ids=["text", "list"])
def test_wrt_of_a_json_line_is_text_or_a_list(wrt: str | list[str]) -> None:
    assert target(json.dumps({"expression": "x*y", "wrt": wrt})).wrt == ["y", "x"]


@pytest.mark.parametrize("value", ["0.1", 0.1, "1e-1"], ids=["text", "number", "exponent"])
def test_values_of_a_json_line_are_rounded_to_the_dtype(value: str | float) -> None:
    line = json.dumps({"expression": "x**2", "at": {"x": value}})
    assert target(line).points == [{"x": 0.1}]
    assert target(line, dtype="float32").points == [{"x": 0.10000000149011612}]


def test_without_a_point_points_are_to_be_drawn() -> None:
    assert target("x**2").points is None
    assert target('{"expression": "x**2", "at": {}}').points is None


@pytest.mark.parametrize(
    ("item", "said", "under"),
    [
        ({"at": {"x": "1"}}, "needs an expression", '{"at": {"x": "1"}}'),
        ({"expression": 3}, "needs an expression", '{"expression": 3}'),
        ({"expression": "x", "point": {}}, "no key point", '"point"'),
        ({"expression": "x", "att": {"x": "1"}}, "no key att", '"att"'),
        ({"expression": "x", "at": "x=1"}, "at has the wrong shape", '"at"'),
        ({"expression": "x", "at": ["1"]}, "at has the wrong shape", '"at"'),
        ({"expression": "x", "at": None}, "at has the wrong shape", '"at"'),
        ({"expression": "x", "wrt": 3}, "wrt has the wrong shape", '"wrt"'),
        ({"expression": "x", "wrt": {"x": 1}}, "wrt has the wrong shape", '"wrt"'),
        ({"expression": "x", "name": 3}, "name has the wrong shape", '"name"'),
        ({"expression": "x", "order": "first"}, "order has the wrong shape", '"order"'),
        ({"expression": "x", "order": True}, "order has the wrong shape", '"order"'),
        ({"expression": "x", "jacobian": 1}, "jacobian has the wrong shape", '"jacobian"'),
        ({"expression": "x", "hessian": "yes"}, "hessian has the wrong shape", '"hessian"'),
        ({"expression": "x", "upstream": None}, "upstream has the wrong shape", '"upstream"'),
        ({"name": "order", "expression": "x", "order": []}, "order has the wrong shape", '"order"'),
        ({"expression": "x", "jacobian": True, "hessian": True}, "take one of", '"hessian"'),
        ({"expression": "x", "order": 2, "upstream": 1}, "take one of", '"upstream"'),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_json_line_of_the_wrong_shape_is_pointed_at(item: dict[str, Any], said: str, under: str) -> None:
    (problem,) = unreadable(json.dumps(item)).problems
    assert problem.span is not None
    assert (problem.code, problem.source[slice(*problem.span)]) == ("suite", under)
    assert said in problem.message


def test_a_key_that_is_also_a_name_is_pointed_at_where_it_is_a_key() -> None:
    (problem,) = unreadable('{"name": "order", "expression": "x", "order": []}').problems
    assert problem.span == (37, 44)


@pytest.mark.parametrize(
    ("key", "near"), [("att", "at"), ("jacobain", "jacobian"), ("Hessian", "hessian"), ("expresion", "expression")]
)
def test_a_misspelt_key_gets_the_nearest_one(key: str, near: str) -> None:
    (problem,) = unreadable(json.dumps({"expression": "x", key: 1})).problems
    assert f"did you mean {near}?" in problem.hint


@pytest.mark.parametrize(
    ("keys", "mode", "order", "upstream"),
    [
        ({"jacobian": True}, "jacobian", 1, None),
        ({"hessian": True}, "hessian", 1, None),
        ({"order": 3}, "orders", 3, None),
        ({"upstream": 2}, "gradient", 1, 2.0),
        ({"upstream": "0.5"}, "gradient", 1, 0.5),
        ({"jacobian": False}, "gradient", 1, None),
        ({"jacobian": False, "hessian": True}, "hessian", 1, None),
        ({}, "orders", 2, None),
        ({"order": 1}, "gradient", 1, None),
    ],
    ids=json.dumps,
)
def test_a_line_says_which_derivatives_it_asks_for(
    keys: dict[str, Any], mode: str, order: int, upstream: float | None
) -> None:
    """As the options do, in place of those of the run: here --order 2."""
    line = json.dumps({"expression": "x**3", "at": {"x": 2}, **keys})
    found = read_line(line, "suite.txt:1", CheckSettings(mode="orders", order=2))
    assert isinstance(found, Target), found
    assert (found.mode, found.order, found.upstream) == (mode, order, upstream)


@pytest.mark.parametrize("upstream", [[1, 0, 0.5], "[1, 0, 0.5]"], ids=["list", "text"])
def test_an_upstream_gradient_of_a_line_has_the_shape_of_the_value(upstream: object) -> None:
    line = {"expression": "sin(x)", "at": {"x": [1, 2, 3]}, "upstream": upstream}
    assert target(json.dumps(line)).upstream == Array.of((3,), [1.0, 0.0, 0.5])
    (problem,) = unreadable(json.dumps(line | {"at": {"x": [1, 2]}})).problems
    assert "the upstream gradient (3,)" in problem.message


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"expression": "[x*y, y]", "jacobian": True}, [3.0, 0.0, 2.0, 1.0]),
        ({"expression": "x*y**2", "hessian": True}, [0.0, 6.0, 6.0, 4.0]),
        ({"expression": "[x*y, y]", "upstream": [2, 1]}, [6.0, 5.0]),
    ],
    ids=json.dumps,
)
def test_what_a_line_asks_for_is_what_is_checked(
    cli: Any, tmp_path: Path, keys: dict[str, Any], expected: list[float]
) -> None:
    """At x = 2, y = 3, by hand."""
    (tmp_path / "suite").write_text(json.dumps({"at": {"x": 2, "y": 3}, **keys}), encoding="utf-8")
    done = cli("check", f"@{tmp_path / 'suite'}", "--json")
    assert [entry["autodiff"] for entry in done.json["gradients"]] == expected
    assert (done.code, done.json["verdict"]) == (0, "verified")


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("{bad", 1),
        ('{"expression": "x"} and more', 20),
        ('{"expression": "x",}', 18),
        ('{"expression": "x"', 18),
        ("{'expression': 'x'}", 1),
    ],
)
def test_a_line_that_is_no_json_is_pointed_at_where_it_stops_being_json(line: str, place: int) -> None:
    (problem,) = unreadable(line).problems
    assert problem.span is not None
    assert problem.code == "suite"
    assert abs(problem.span[0] - place) <= 1  # Python versions differ by one about a trailing comma
    assert "JSON" in problem.message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param('{"a":' * 30_000, "suite", id="nested"),
        pytest.param('{"expression": "x", "at": {"x": ' + "9" * 5000 + "}}", "suite", id="5000 digits"),
        pytest.param('{"expression": "x", "at": {"x": 1e400}}', "point-value", id="1e400"),
        pytest.param('{"expression": "x", "at": {"x": NaN}}', "point-value", id="NaN"),
        pytest.param('{"expression": "x", "at": {"x": [1, [2]]}}', "point-value", id="list"),
        pytest.param('{"expression": "x", "order": 6}', "asked", id="order 6"),
        pytest.param('{"expression": "x", "at": {"x": null}}', "point-value", id="null"),
        pytest.param('{"expression": "x", "at": {"x": true}}', "point-value", id="true"),
        pytest.param('{"expression": "x", "at": {"y": "1", "x": "1"}}', "point-extra", id="extra name"),
        pytest.param('{"expression": "x*y", "at": {"x": "1"}}', "point-missing", id="missing name"),
        pytest.param('{"expression": "x^2", "at": {"x": "1"}}', "symbol", id="bad expression"),
        pytest.param('{"expression": "", "at": {"x": "1"}}', "empty", id="empty expression"),
        pytest.param('{"expression": "x", "wrt": ["y"]}', "wrt", id="unknown wrt"),
    ],
)
def test_a_json_line_with_a_bad_part_is_a_problem_of_that_line(line: str, code: str) -> None:
    assert {problem.code for problem in unreadable(line).problems} == {code}


def test_an_unreadable_line_keeps_the_name_it_has() -> None:
    assert unreadable('{"name": "my line", "expression": "x^2"}').name == "my line"
    assert unreadable('{"expression": "x^2"}').name == "x^2"
    assert unreadable("x^2").name == "x^2"
    assert unreadable('{"name": "my line", "expresion": "x^2"}').name == "my line"
    assert unreadable('{"name": "my line", "expression": "x", "order": "two"}').name == "my line"
    assert unreadable('{"name": "my line"}').name == "my line"
    assert unreadable('{"name": "my line", "expression": "x",}').name == "my line"
    assert unreadable('{"name": 3, "expression": "x^2"}').name == "x^2"
    assert unreadable('{"at": {}}').name == '{"at": {}}'


def test_blank_lines_and_comments_are_no_targets_but_count_as_lines() -> None:
    lines = ["# a comment\n", "\n", "x\n", "   \n", "  # another\n", "y^2\n", "\tz \r\n"]
    found = read_suite(lines, "suite.txt", CheckSettings())
    assert [item.name for item in found] == ["x", "y^2", "z"]
    assert isinstance(found[1], Unreadable)
    assert [problem.origin for problem in found[1].problems] == ["suite.txt:6"]


def test_one_bad_line_never_stops_the_others() -> None:
    """Every kind of bad line between good ones; the good ones are all read, in their order."""
    bad = [
        "x^2",
        "{",
        "{}",
        "sni(x)",
        "(" * 5000,
        "x" * 30_000,
        '{"expression": "x", "order": 9}',
        "[1, 2]",
        "\0",
        "9**9",
    ]
    lines = [line for number, text in enumerate(bad) for line in (text, f"x + {number}")]
    found = read_suite(lines, "s", CheckSettings())
    assert [isinstance(item, Target) for item in found] == [False, True] * len(bad)
    assert [item.name for item in found if isinstance(item, Target)] == [f"x + {number}" for number in range(len(bad))]


@pytest.mark.parametrize(
    ("line", "told", "item"),
    [
        ("max(x,0) --at x=0", "takes no --at", {"expression": "max(x,0)", "at": {"x": "0"}}),
        ("x*y --at x=[1,2],y=3", "takes no --at", {"expression": "x*y", "at": {"x": "[1,2]", "y": "3"}}),
        ("x**2 --order 2", "takes no --order", {"expression": "x**2", "order": 2}),
        ("[x, y] --jacobian --at x=1", "takes no --jacobian", {"expression": "[x, y]", "jacobian": True}),
        ("x**2 --at 3", "takes no --at", {"expression": "x**2", "at": {"x": "3"}}),
    ],
)
def test_an_option_in_a_line_is_pointed_to_the_json_form(line: str, told: str, item: dict[str, object]) -> None:
    """It was: = does not belong in an expression; give the point with --at."""
    found = read_line(line, "suite.txt:1", CheckSettings())
    assert isinstance(found, Unreadable)
    (problem,) = found.problems
    assert told in problem.message
    assert problem.span == (line.index("--"), line.index("--") + len(told.removeprefix("takes no ")))
    assert problem.hint.endswith(f": {json.dumps(item)}")
    assert isinstance(read_line(problem.hint.partition(": ")[2], "suite.txt:1", CheckSettings()), Target)


def test_a_double_minus_before_a_variable_is_no_option() -> None:
    """x --at is x - (-at)."""
    found = read_line("x --at", "suite.txt:1", CheckSettings())
    assert isinstance(found, Target)
    assert found.expression.variables == ("x", "at")
