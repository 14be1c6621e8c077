"""The stable forms: each equals its pattern, in exact arithmetic, and is written with the user's own terms."""

from __future__ import annotations

import ast
import itertools
import operator
import random
import re
from collections.abc import Mapping
from typing import Any

import pytest
from mpmath import mp, mpf

from gradtool.verdict.patterns import PATTERNS
from gradtool.verdict.rewrites import rewrites

DIGITS = 50
POINTS = 4


class UndefinedError(ValueError):
    """The text has no real value at the point."""


def _floor_divide(x: Any, y: Any) -> Any:
    return mp.floor(x / y)


FUNCTIONS = {
    "log": mp.log, "exp": mp.exp, "sqrt": mp.sqrt, "tanh": mp.tanh, "cosh": mp.cosh, "sinh": mp.sinh, "sin": mp.sin,
    "cos": mp.cos, "erf": mp.erf, "erfc": mp.erfc, "expm1": mp.expm1, "hypot": mp.hypot, "abs": abs,
    "log1p": lambda x: mp.log(1 + x),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "logsigmoid": lambda x: -mp.log(1 + mp.exp(-x)),
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
}  # fmt: skip
OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.Mod: lambda x, y: x - y * mp.floor(x / y), ast.FloorDiv: _floor_divide,
    ast.Gt: operator.gt, ast.Lt: operator.lt,
}  # fmt: skip


def value(text: str, names: Mapping[str, Any], *, eager: bool = False) -> Any:
    """``text`` by mpmath; ``eager`` computes both branches of where(), as a framework does."""

    def walk(node: ast.expr) -> Any:
        try:
            found = step(node)
        except ZeroDivisionError:
            raise UndefinedError(text) from None
        if isinstance(found, mp.mpc) or not (isinstance(found, bool) or mp.isfinite(found)):
            raise UndefinedError(text)
        return found

    def step(node: ast.expr) -> Any:
        match node:
            case ast.Constant(number):
                return mpf(str(number))
            case ast.Name(name):
                return names[name]
            case ast.UnaryOp(ast.USub(), part):
                return -walk(part)
            case ast.BinOp(left, op, right):
                return OPERATORS[type(op)](walk(left), walk(right))
            case ast.Compare(left, [op], [right]):
                return bool(OPERATORS[type(op)](walk(left), walk(right)))
            case ast.BoolOp(ast.And(), parts):
                return all(walk(part) for part in parts)
            case ast.Call(ast.Name("where"), [condition, first, second]):
                taken, other = (first, second) if walk(condition) else (second, first)
                if eager:
                    walk(other)
                return walk(taken)
            case ast.Call(ast.Name(name), parts):
                return FUNCTIONS[name](*map(walk, parts))
        raise AssertionError(ast.dump(node))

    return walk(ast.parse(text, mode="eval").body)


def compared(before: str, after: str, points: list[dict[str, Any]], *, eager: bool = False) -> int:
    """At how many points the first text has a value; the second has the same there."""
    count = 0
    for point in points:
        try:
            expected = value(before, point)
        except UndefinedError:
            continue
        found = value(after, point, eager=eager)
        assert abs(found - expected) <= mpf(10) ** (8 - DIGITS) * (1 + abs(expected)), (before, after, point)
        count += 1
    return count


@pytest.fixture(autouse=True)
def _precise() -> Any:
    with mp.workdps(DIGITS):
        yield


def drawn(names: str, low: float, high: float) -> list[dict[str, Any]]:
    source = random.Random(f"{names} {low}")  # noqa: S311  # reproducible points, no secrets
    return [{name: mpf(source.uniform(low, high)) for name in names} for _ in range(POINTS)]


@pytest.mark.parametrize(("pattern", "replacement"), PATTERNS, ids=[pattern for pattern, _ in PATTERNS])
def test_a_replacement_equals_its_pattern(pattern: str, replacement: str) -> None:
    """At points of both signs; of a where() also where the branch not taken has no value."""
    points = drawn("abcd", -3, 3) + drawn("abcd", 0.1, 3)
    if pattern.startswith("where(a"):
        bad = {"b": mpf(-2), "c": mpf(0), "d": mpf(3)} if "/" in pattern else {"b": mpf(-2), "c": mpf(3)}
        points = [{**point, "a": choice} for point in [*points, bad] for choice in (True, False)]
    assert compared(pattern, replacement, points, eager=True) >= POINTS


TERMS = ["x + y", "x - y", "-x", "x*y", "x/y", "x % y", "x // y", "x**2", "-x**2", "sin(x)", "2", "where(x > y, x, y)"]
CONDITIONS = ["x > 0", "x > 0 and y > 0"]


def written(pattern: str, terms: Mapping[str, str]) -> str:
    return re.sub(r"\b[abcd]\b", lambda letter: f"({terms[letter.group()]})", pattern)


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in PATTERNS])
def test_the_users_terms_keep_their_meaning(pattern: str) -> None:
    """Every pair of terms for the letters: what is advised equals what it is to replace."""
    letters = sorted(set(re.findall(r"\b[abcd]\b", pattern)))
    large, small = drawn("x", 1, 3), drawn("y", 0.2, 0.9)  # x // y is never 0, where a quotient of roots is 0/0
    points = [{"x": sign * x["x"], "y": sign * y["y"]} for sign in (1, -1) for x, y in zip(large, small, strict=True)]
    count = 0
    for number, pair in enumerate(itertools.product(TERMS, TERMS)):
        terms = dict(zip(letters, pair * 2, strict=False))
        if pattern.startswith("where(a"):
            terms["a"] = CONDITIONS[number % 2]
        for rewrite in rewrites(f"{written(pattern, terms)} + 0*x", ["x", "y"]):
            count += compared(rewrite.before, rewrite.after, points)
    assert count >= len(TERMS)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("log(1 + exp(x))", ["softplus(x)"]),
        ("log(exp(x) + 1)", ["softplus(x)"]),
        ("log(1 + exp(-(x + y)))", ["softplus(-(x + y))"]),
        ("log(exp(x*y) + exp(2))", ["logaddexp(x*y, 2)"]),
        ("exp(x)/(exp(x) + 1)", ["sigmoid(x)"]),
        ("3*(1 - cos(x - y))", ["2*sin((x - y)/2)**2"]),
        ("sqrt(x + 1) - sqrt(x)", ["1/(sqrt(x + 1) + sqrt(x))"]),
        ("(x + 1)**2 - y**2", ["(x + 1 - y)*(x + 1 + y)"]),
        ("x**2 - (y - 1)**2", ["(x - (y - 1))*(x + y - 1)"]),
        ("where(x > 0, sqrt(x), y)", ["where(x > 0, sqrt(where(x > 0, x, 1)), y)"]),
        ("log(1 + exp(x)) + (exp(y) - 1)", ["softplus(x)", "expm1(y)"]),
        ("(1 - cos(x))/x**2", ["2*sin(x/2)**2"]),
        ("x**2 + y", []),
        ("log(2 + exp(x))", []),
        ("exp(x)/(1 + exp(y))", []),
        ("sqrt(x**2 + y**2)*sqrt(x*y + y*x)", ["hypot(x, y)"]),
    ],
)  # fmt: skip
def test_the_advice_for_familiar_formulas(text: str, advice: list[str]) -> None:
    """Sums match in either order; the same letter only matches the same term; what is stable is left alone."""
    assert [rewrite.after for rewrite in rewrites(text, ["x", "y"])] == advice


def test_advice_is_a_sentence_in_the_users_words() -> None:
    (rewrite,) = rewrites("5*log(1 + exp(rate*t))", ["rate", "t"])
    assert rewrite.advice() == "write softplus(rate*t) instead of log(1 + exp(rate*t))"
