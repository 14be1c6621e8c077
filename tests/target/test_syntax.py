"""What is no expression: each mistake is named, pointed at and answered with a remedy, and nothing is ever executed."""

from __future__ import annotations

import builtins

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradtool.problem import Problem, ProblemError
from gradtool.target.expression import parse


def refused(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ProblemError) as caught:
        parse(text)
    return caught.value.problems


def marked(problem: Problem) -> str:
    """The part of the source that the carets stand under."""
    assert problem.span is not None
    return problem.source[slice(*problem.span)]


MISTAKES = [
    ("sine(x)", "unknown-function", "sine", "did you mean sin?"),
    ("sni(x)*y", "unknown-function", "sni", "did you mean sin?"),
    ("SIN(x)", "unknown-function", "SIN", "did you mean sin?"),
    ("arcsine(x)", "unknown-function", "arcsine", "did you mean arcsin?"),
    ("sigmoyd(x)", "unknown-function", "sigmoyd", "did you mean sigmoid?"),
    ("qqqqq(x)", "unknown-function", "qqqqq", "gradtool ops"),
    ("x(y + 1)", "unknown-function", "x", "x*(y + 1)"),
    ("x^2", "symbol", "^", "**"),
    ("2x", "multiply", "2x", "2*x"),
    ("x + 5 y", "multiply", "5 y", "5*y"),
    ("x y", "multiply", "x y", "x*y"),
    ("1e5x", "multiply", "1e5x", "1e5*x"),
    ("3j*x", "multiply", "3j", ""),
    ("2(x)", "multiply", "2(", "2*("),
    ("(x+1)(x-1)", "multiply", ")(", ")*("),
    ("sin(x)cos(x)", "multiply", ")cos", ")*cos"),
    ("sin x", "call", "sin x", "sin(x)"),
    ("sin + x", "function-name", "sin", "sin(x)"),
    ("(x + 1", "brackets", "(", "close it"),
    ("sin(x*(y + 1)", "brackets", "(", "close it"),
    ("x + 1)", "brackets", ")", "remove it"),
    ("(x]", "brackets", "]", ""),
    ("y = x**2", "symbol", "=", "--at"),
    ("sin(x=1)", "symbol", "=", ""),
    ("(y := x)", "symbol", ":", ""),
    ("x.real", "outside", "x.real", "sin(x)"),
    ("np.sin(x)", "outside", "np.sin", "sin(x)"),
    ("x.__class__", "outside", "x.__class__", "sin(x)"),
    ("__import__('os')", "symbol", "'", "expression itself"),
    ("__import__(x)", "unknown-function", "__import__", ""),
    ("lambda x: x**2", "outside", "lambda", "body"),
    ("[x for x in y]", "outside", "for", "terms"),
    ("sum(x for x in y)", "outside", "for", "terms"),
    ("f'{x}'", "symbol", "'", "expression itself"),
    ('"x"', "symbol", '"', "expression itself"),
    ("x if y else z", "outside", "if", "where("),
    ("x*True", "outside", "True", "numbers"),
    ("None*x", "outside", "None", "numbers"),
    ("x*...", "outside", "...", "numbers"),
    ("[]", "arguments", "[]", "write its items"),
    ("x[y]", "option", "y", "as in x[0]"),
    ("x[::-1]", "option", "::-1", "no negative steps"),
    ("x[..., ...]", "option", "x[..., ...]", "write : for the other axes"),
    ("sum(x, axis=0.5)", "option", "0.5", "as in x[0]"),
    ("sum(x, 0, axis=1)", "option", "1", "give it once"),
    ("sum(x, y)", "option", "y", "as in x[0]"),
    ("sum(x, keepdims=2)", "option", "2", "keepdims=True"),
    ("sum(x, shape=2)", "option", "sum(x, shape=2)", "sum(x, axis=None, keepdims=False)"),
    ("x, y", "outside", "x, y", "are a list"),
    ("x; y", "symbol", ";", "one expression"),
    ("x << 2", "outside", "x << 2", ""),
    ("sin(*x)", "outside", "*x", ""),
    ("sin(**x)", "keyword", "sin(**x)", "sin(x)"),
    ("sin()", "arguments", "sin()", "sin(x)"),
    ("sin(x, y)", "arguments", "sin(x, y)", "sin(x)"),
    ("max()", "arguments", "max()", "max(x, y)"),
    ("clip(x)", "arguments", "clip(x)", "clip(x, lo, hi)"),
    ("x*1e400", "number-size", "1e400", "1.8e308"),
    ("x > 0", "condition", "x > 0", "where("),
    ("sin(x > 0)", "condition", "x > 0", "where("),
    ("x and y", "condition", "x and y", "where("),
    ("where(x, 1, 2)", "condition", "x", "where(x > 0"),
    ("where(x > 0, x > 1, 2)", "condition", "x > 1", "where("),
    ("where(x > 0 and y, 1, 2)", "condition", "y", "where(x > 0"),
    ("where(x is 1, 1, 2)", "outside", "is", ""),
    ("x × y", "symbol", "×", "*"),
    ("x ÷ y", "symbol", "÷", "/"),
    ("x − 1", "symbol", "−", "-"),
    ("√x", "symbol", "√", "sqrt"),
    ("2*π*x", "symbol", "π", "pi"),
    ("x²", "symbol", "²", "**2"),
    ("sin(x)³", "symbol", "³", "**3"),
    ("x!", "symbol", "!", "lgamma"),
    ("abs|x|", "symbol", "|", "abs(x)"),
    ("x & y", "symbol", "&", "and"),
    ("{x}", "symbol", "{", "round"),
    ("x # note", "symbol", "#", ""),
    ("  x $ y", "symbol", "$", ""),
    ("é*x ? y", "symbol", "?", ""),
    ("x + y\0", "symbol", "\0", ""),
    ("x\u200b + 1", "symbol", "\u200b", ""),
]


@pytest.mark.parametrize(("text", "code", "under", "hint"), MISTAKES, ids=[ascii(row[0]) for row in MISTAKES])
def test_a_mistake_is_named_pointed_at_and_answered(text: str, code: str, under: str, hint: str) -> None:
    found = [problem for problem in refused(text) if problem.code == code and marked(problem) == under]
    assert found, refused(text)
    assert hint in found[0].hint


@pytest.mark.parametrize("operator", ["+", "-", "*", "**", "/", "//", "%", "<", "<=", "==", "!=", " and", " or"])
def test_where_the_text_ends_too_early_the_caret_stands_at_its_end(operator: str) -> None:
    (problem,) = refused(f"where(x > 0, x, 1) + x{operator}")
    assert problem.code == "syntax"
    assert marked(problem) in operator
    assert problem.span is not None
    assert problem.span[1] == len(problem.source)


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u00a0"], ids=ascii)
def test_nothing_is_the_empty_expression(text: str) -> None:
    (problem,) = refused(text)
    assert problem.code == "empty"
    assert "x**2" in problem.hint


def test_several_mistakes_are_told_at_once() -> None:
    """Each unknown function, wrong count and misplaced condition of one text, in its order."""
    problems = refused("sni(x) + cso(y) + atan(x, y) + (x > 1)")
    assert [problem.code for problem in problems] == ["unknown-function"] * 2 + ["arguments", "condition"]
    assert [problem.hint for problem in problems[:2]] == ["did you mean sin?", "did you mean cos?"]


@pytest.mark.parametrize("name", ["xy", "数"])
def test_of_a_long_text_a_window_around_the_mistake_is_shown(name: str) -> None:
    """Wide characters take two cells; the window fits the width, and the carets stand under the mistake."""
    (problem,) = refused(f"{name}*" * 100 + "sni(x)" + " + x" * 100)
    _, shown, carets, *_ = problem.lines(60)
    cells = shown.replace("数", "数数")
    assert cells[carets.index("^") : len(carets)] == "sni"
    assert len(cells) <= 60


@pytest.mark.parametrize(
    "text",
    [
        "planted(1)",
        "planted(1)*x",
        "(planted)(1)",
        "x.planted(1)",
        "(lambda: planted(1))()",
        "[planted(1) for x in (1, 2)]",
        "f'{planted(1)}'",
        "__import__('builtins').planted(1)",
        "eval('planted(1)')",
        "where(planted(1) > 0, x, 1)",
        "x if planted(1) else y",
        "(y := planted(1))",
        "max(*planted(1))",
        "x[planted(1)]",
        "sin(x, key=planted(1))",
    ],
)
def test_nothing_is_executed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(builtins, "planted", called.append, raising=False)
    assert refused(text)
    assert called == []


def problems_of(text: str) -> tuple[Problem, ...]:
    """What is wrong with a text; any other error than a problem passes through."""
    try:
        parse(text)
    except ProblemError as error:
        return error.problems
    return ()


TOKENS = [*"+-*/%^()[],.<>=!&|'\"{}:;#@~\\ ", "**", "//", "==", "<=", "x", "y", "é", "数", "2", "1e5", ".5", "1e400"]
WORDS = ["sin(", "max(", "where(", "pi", "inf", " and ", " not ", " if ", "lambda ", "True", "\n", "\r\n", "\0", "²"]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text(st.characters(exclude_categories=())) | st.lists(st.sampled_from(TOKENS + WORDS)).map("".join))
def test_any_text_is_an_expression_or_a_problem_with_a_place(text: str) -> None:
    for problem in problems_of(text):
        start, stop = problem.span or (0, 0)
        assert 0 <= start <= stop <= len(problem.source)
        assert problem.message
        assert not any("\n" in line for line in problem.lines(40))
