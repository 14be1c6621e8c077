"""Wrapping: words and operators may end a line, a number or a name never is broken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from gradtool.report.wrap import wrapped

WORDS = st.sampled_from(
    [
        "-1.5e-300",
        "3.14",
        "x1",
        "sin(x)",
        "+",
        "-",
        "**",
        "2*x",
        "exp(-x**2)",
        "(1.2",
        "s)",
        "数",
        "f(x, y)",
        "a/b",
        "1e+22",
    ]
)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 20, ["one two three"]),
        ("one two three", 13, ["one two three"]),
        ("one two three", 12, ["one two", "three"]),
        ("one two three", 3, ["one", "two", "three"]),
        ("x*y + sin(x)*cos(y)", 10, ["x*y + sin(", "x)*cos(y)"]),
        ("at x = -1.2345678e-300, y = 2", 12, ["at x =", "-1.2345678e-300,", "y = 2"]),
        ("unbreakable", 4, ["unbreakable"]),
        ("数数 数数", 6, ["数数", "数数"]),
        ("", 10, [""]),
        ("x**2*y**3", 6, ["x**2*", "y**3"]),
    ],
)
def test_lines_end_between_words_and_after_operators(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width) == lines


@settings(derandomize=True, deadline=None, max_examples=500)
@given(st.lists(WORDS, max_size=12).map(" ".join), st.integers(1, 60))
def test_wrapping_changes_blanks_only_and_keeps_numbers_whole(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    numbers = r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[+-]\d+)?"
    assert [found for line in lines for found in re.findall(numbers, line)] == re.findall(numbers, text)
    for line in lines:
        assert line == line.rstrip()
        assert cell_len(line) <= width or not re.search(r"[\s*/(),](?=[^\s*/(),])", line.strip())
