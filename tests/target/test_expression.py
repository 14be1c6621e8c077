"""The expression language: what a text means as a tree, where its parts stand, and how large it may be."""

from __future__ import annotations

import math
import re
import time

import pytest

from gradtool.problem import Problem, ProblemError
from gradtool.target.expression import MAX_DEPTH, MAX_LENGTH, Call, Expression, Number, Tree, Variable, parse

AT_ONCE = 2.0
"""Seconds: generous for a loaded machine, far below what computing any of these numbers would take."""


def written(tree: Tree) -> str:
    """The tree in full, operations by their row names: add(x, 2)."""
    if isinstance(tree, Call):
        return f"{tree.operation}({', '.join(map(written, tree.arguments))})"
    return tree.name or f"{tree.value:g}" if isinstance(tree, Number) else tree.name


def refused(text: str) -> tuple[Problem, ...]:
    """The problems of a text that is no expression, which have to come at once."""
    began = time.perf_counter()
    with pytest.raises(ProblemError) as caught:
        parse(text)
    assert time.perf_counter() - began < AT_ONCE
    return caught.value.problems


def leaves(expression: Expression) -> list[tuple[Tree, str]]:
    """Every node of the tree beside the text that its span covers."""
    found, todo = [], [expression.tree]
    while todo:
        node = todo.pop()
        found.append((node, expression.text[slice(*node.span)]))
        todo += node.arguments if isinstance(node, Call) else ()
    return found


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("x + y*z", "add(x, multiply(y, z))"),
        ("(x + y)*z", "multiply(add(x, y), z)"),
        ("x - y - z", "subtract(subtract(x, y), z)"),
        ("x/y/z", "divide(divide(x, y), z)"),
        ("x % y // z", "floor_divide(remainder(x, y), z)"),
        ("x**y**z", "pow(x, pow(y, z))"),
        ("2*x**2", "multiply(2, pow(x, 2))"),
        ("-x**2", "negative(pow(x, 2))"),
        ("(-x)**2", "pow(negative(x), 2)"),
        ("x**-y", "pow(x, negative(y))"),
        ("-x*y", "multiply(negative(x), y)"),
        ("x - -y", "subtract(x, negative(y))"),
        ("--x", "negative(negative(x))"),
        ("+x + +y", "add(x, y)"),
        (".5*x + 5.", "add(multiply(0.5, x), 5)"),
        ("1e3*x + 1E-3", "add(multiply(1000, x), 0.001)"),
        ("1_000*x", "multiply(1000, x)"),
        ("x +\n y", "add(x, y)"),
        ("\tx\t+ y ", "add(x, y)"),
        ("sin(x,)", "sin(x)"),
    ],
)
def test_operators_bind_as_in_python(text: str, tree: str) -> None:
    assert written(parse(text).tree) == tree


@pytest.mark.parametrize(
    ("condition", "tree"),
    [
        ("x > 0", "greater(x, 0)"),
        ("x <= y", "less_equal(x, y)"),
        ("x != y", "not_equal(x, y)"),
        ("0 < x < y", "logical_and(less(0, x), less(x, y))"),
        ("0 < x <= y < 9", "logical_and(logical_and(less(0, x), less_equal(x, y)), less(y, 9))"),
        ("x < 0 or x > 1 and y > 2", "logical_or(less(x, 0), logical_and(greater(x, 1), greater(y, 2)))"),
        ("not x > 0 and y > 0", "logical_and(logical_not(greater(x, 0)), greater(y, 0))"),
    ],
)
def test_conditions_bind_as_in_python(condition: str, tree: str) -> None:
    assert written(parse(f"where({condition}, x, y)").tree) == f"where({tree}, x, y)"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("max(x, y)", "max(x, y)"),
        ("max(x, y, z)", "max(max(x, y), z)"),
        ("min(x, y, z, 4)", "min(min(min(x, y), z), 4)"),
        ("maximum(x, y, z)", "max(max(x, y), z)"),
        ("arcsin(x)", "asin(x)"),
        ("ln(x)", "log(x)"),
        ("power(x, 3)", "pow(x, 3)"),
        ("clamp(x, 0, 1)", "clip(x, 0, 1)"),
        ("swish(x)", "silu(x)"),
    ],
)
def test_functions_take_aliases_and_more_arguments(text: str, tree: str) -> None:
    assert written(parse(text).tree) == tree


@pytest.mark.parametrize(("name", "value"), [("pi", math.pi), ("e", math.e), ("inf", math.inf)])
def test_a_constant_is_its_number_until_the_point_gives_it_a_value(name: str, value: float) -> None:
    plain, given = parse(f"x*{name}"), parse(f"x*{name}", given=["x", name])
    assert isinstance(plain.tree, Call)
    assert plain.tree.arguments[1] == Number(value, (2, 2 + len(name)), name)
    assert (plain.variables, plain.shadowed) == (("x",), ())
    assert isinstance(given.tree, Call)
    assert given.tree.arguments[1] == Variable(name, (2, 2 + len(name)))
    assert (given.variables, given.shadowed) == (("x", name), (name,))


@pytest.mark.parametrize("name", ["I", "N", "S", "E", "Q", "beta", "gamma", "re", "im", "zoo", "oo", "x2", "_", "ψ"])
def test_names_that_mean_something_to_other_programs_are_plain_variables(name: str) -> None:
    assert parse(f"{name}*x + {name}").variables == (name, "x")


def test_variables_come_in_the_order_of_the_text() -> None:
    assert parse("z + sin(b)*a - z").variables == ("z", "b", "a")


def test_a_name_in_given_may_be_that_of_a_function() -> None:
    assert written(parse("sin(sin)*gamma", given=["sin", "gamma"]).tree) == "multiply(sin(sin), gamma)"


@pytest.mark.parametrize(
    "text",
    ["alpha*sin(beta)", "   alpha*sin(beta)", "\n alpha*sin(beta)", "é*alpha*sin(ψ)", "  ñ**2 + 数*(α - 5e-3)", "µ*x",
     "alpha +\n sin(beta)", "alpha +\r\n sin(beta)"],
)  # fmt: skip
def test_every_span_covers_the_words_of_its_node(text: str) -> None:
    for node, covered in leaves(parse(text)):
        if isinstance(node, Variable):
            assert covered.replace("µ", "μ") == node.name  # Python's names are in normal form KC
        elif isinstance(node, Number):
            assert float(covered) == node.value
        elif node.operation == "sin":
            assert re.fullmatch(r"sin\(\w+\)", covered)
    assert text[slice(*parse(text).tree.span)] == text.strip()


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_the_caret_of_an_unknown_function_stands_under_its_name(blank: str) -> None:
    text = f"{blank}é*数 + sni(x)"
    (problem,) = refused(text)
    assert text[slice(*problem.span or (0, 0))] == "sni"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("x*" * 50_000 + "x", "too-long", id="100001 characters"),
        pytest.param("+" * MAX_LENGTH + "x", "too-long", id="20000 signs"),
        pytest.param("x + " * 2999 + "x", "too-deep", id="sum of 3000 terms"),
        pytest.param("+" * 3000 + "x", "too-deep", id="3000 signs"),
        pytest.param("-" * 5000 + "x", "too-deep", id="5000 minuses"),
        pytest.param("x**" * 2000 + "x", "too-deep", id="power tower"),
        pytest.param("(" * 500 + "x" + ")" * 500, "too-deep", id="500 parentheses"),
        pytest.param("sin(" * 3000 + "x" + ")" * 3000, "too-deep", id="3000 calls"),
        pytest.param("not " * 4000 + "x", "too-deep", id="4000 nots"),
        pytest.param("9**9**9", "no-variable", id="9**9**9"),
        pytest.param("x + " + "1" * 5000, "number-size", id="integer of 5000 digits"),
        pytest.param("x + 0." + "1" * 5000, "number-size", id="fraction of 5000 digits"),
        pytest.param("x*1e400", "number-size", id="1e400"),
    ],
)
def test_what_is_too_large_is_refused_at_once(text: str, code: str) -> None:
    assert {problem.code for problem in refused(text)} == {code}


@pytest.mark.parametrize("text", ["x*9**9**9", "x**9**9**9", "x + " + "1" * 300, "x*1e308*1e308", "x**1e300"])
def test_a_tower_of_powers_is_a_tree_and_never_computed(text: str) -> None:
    began = time.perf_counter()
    assert parse(text).variables == ("x",)
    assert time.perf_counter() - began < AT_ONCE


@pytest.mark.parametrize(
    ("fits", "grown"),
    [
        pytest.param("x + " * MAX_DEPTH + "x", "x + " * (MAX_DEPTH + 1) + "x", id="depth of a sum"),
        pytest.param("-" * MAX_DEPTH + "x", "-" * (MAX_DEPTH + 1) + "x", id="depth of a chain of minuses"),
        pytest.param("(" * 100 + "x" + ")" * 100, "(" * 101 + "x" + ")" * 101, id="parentheses"),
        pytest.param("x" * MAX_LENGTH, "x" * (MAX_LENGTH + 1), id="length"),
    ],
)
def test_the_caps_are_where_they_are_said_to_be(fits: str, grown: str) -> None:
    assert len(parse(fits).variables) == 1
    assert {problem.code for problem in refused(grown)} <= {"too-deep", "too-long"}


@pytest.mark.parametrize("text", ["2*pi", "3", "e**inf", "where(1 < 2, 3, 4)"])
def test_without_a_variable_there_is_nothing_to_differentiate_by(text: str) -> None:
    (problem,) = refused(text)
    assert (problem.code, problem.span) == ("no-variable", (0, len(text)))
