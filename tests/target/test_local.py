"""Local derivatives in the user's own words, and the rules of operations over whole arrays."""

from __future__ import annotations

import math

import pytest

from gradtool.target.chain import chain
from gradtool.target.expression import parse
from gradtool.target.local import local_formula, pullback_rule
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Call
from gradtool.values import Array, Value


def formulas(text: str, **point: Value) -> list[str]:
    """Of the outermost operation: by each argument the formula, or the rule."""
    nodes = chain(parse(text, point), point, parse(text, point).variables)
    call = nodes[-1].tree
    assert isinstance(call, Call)
    below = [nodes[place] for place in nodes[-1].arguments]
    texts, shapes = [node.text for node in below], [node.shape for node in below]
    return [
        local_formula(call, place, texts) or pullback_rule(call, place, texts, text, shapes)
        for place in range(len(below))
    ]


@pytest.mark.parametrize(
    ("text", "by_first"),
    [
        ("sin(x**2)", "cos(x**2)"),
        ("x**2", "2*x"),
        ("x**3", "3*x**2"),
        ("x**1", "1"),
        ("x**0", "0"),
        ("x**-1", "-x**(-2)"),
        ("x**0.5", "0.5*x**(-0.5)"),
        ("(x + 1)**3", "3*(x + 1)**2"),
        ("(-x)**2", "2*(-x)"),
        ("x**y", "where(y == 0, 0, y*x**(y - 1))"),
        ("x*y", "y"),
        ("x - y", "1"),
        ("x/y", "1/y"),
        ("x/(y + 1)", "1/(y + 1)"),
        ("-x", "-1"),
        ("sqrt(x*y)", "1/(2*sqrt(x*y))"),
        ("exp(-x)", "exp(-x)"),
        ("cos(x - y)", "-sin(x - y)"),
        ("relu(x)", "where(x > 0, 1, 0)"),
        ("clip(x, -1, 1)", "where(-1 <= x and x <= 1, 1, 0)"),
        ("max(x, y)", "where(x >= y, 1, 0)"),
        ("atan(x + y)", "1/(1 + (x + y)**2)"),
        ("sin(" + " + ".join(["x"] * 20) + ")", "cos(u), u the argument"),
        ("atan2(" + " + ".join(["y"] * 9) + ", " + " + ".join(["x"] * 9) + ")",
         "v/(v**2 + u**2), u and v the arguments"),
    ],
)  # fmt: skip
def test_a_formula_is_in_the_users_own_words(text: str, by_first: str) -> None:
    assert formulas(text)[0] == by_first


def test_the_second_argument_has_its_own() -> None:
    assert formulas("2**x")[1] == "2**x*log(2)"
    assert formulas("x/y")[1] == "-x/y**2"
    assert formulas("(x + 1)/(y*y)")[1] == "-(x + 1)/(y*y)**2"


_FUNCTIONS = {
    name: getattr(math, name)
    for name in ("sin", "cos", "exp", "log", "sqrt", "cosh", "sinh", "erf", "erfc", "pi", "hypot", "cbrt")
}


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "atan", "asinh", "log10", "pow"])
def test_a_formula_is_the_slope(name: str) -> None:
    """Evaluated as Python it is the difference quotient of the operation, both by the math module."""
    operation = {"pow": lambda x: x**3}.get(name) or getattr(math, name)
    (formula, *_) = formulas("x**3" if name == "pow" else f"{name}(x)")
    for x in (0.3, 1.7):
        slope = (operation(x + 1e-6) - operation(x - 1e-6)) / 2e-6
        assert eval(formula, {}, {**_FUNCTIONS, "x": x}) == pytest.approx(slope, rel=1e-8)  # noqa: S307  # our own text


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("mean(x)", ["G/3 for every entry"]),
        ("mean(X, axis=0)", ["G/2 for every entry"]),
        ("mean(X)", ["G/6 for every entry"]),
        ("X @ (y + 1)", ["G @ (y + 1).T", "X.T @ G"]),
        ("softmax(x)", ["softmax(x)*(G - sum(G*softmax(x)))"]),
        ("mse(x, y - 1)", ["G*2*(x - (y - 1))/3", "G*2*((y - 1) - x)/3"]),
        ("var(x, ddof=1)", ["G*2*(x - mean(x))/(3 - 1)"]),
        ("[x[0], x[1]]", ["the item's entry of G"] * 2),
        ("softmax(" + "x + " * 20 + "x)", ["out*(G - sum(G*out)), out the result"]),
    ],
)
def test_a_rule_names_the_users_arguments(text: str, rules: list[str]) -> None:
    vector = Array.of((3,), [1, 2, 3])
    assert formulas(text, x=vector, y=vector, X=Array.of((2, 3), range(6))) == rules


def test_every_operation_has_a_formula_or_a_rule() -> None:
    """But for conditions, trigamma, which has no derivative in the table, and the table's own rows."""
    for row in OPERATIONS.values():
        if not row.hidden and not row.logical and row.name != "trigamma":
            assert row.derivatives or row.pullback, row.name
