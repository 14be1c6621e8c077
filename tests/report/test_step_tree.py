"""The tree of the chain rule: what it shows, and that nothing is lost at any width or in ASCII."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from textwrap import dedent, indent

import pytest
from handmade import VERIFIED, told
from handmade_steps import PRODUCT, STEPS, SUM, X, Y, arrays, hostile
from rich.cells import cell_len

from gradtool.report.steps import step_lines
from gradtool.terminal import Terminal
from gradtool.verdict.record import CheckRecord

WIDTHS = pytest.mark.parametrize("width", [40, 80, 120])


def tree(record: CheckRecord, width: int = 80, *, unicode: bool = True) -> str:
    lines = step_lines(record, Terminal(io.StringIO(), width, colour=False, unicode=unicode))
    return "\n".join(f"{before}{text}".rstrip() for before, text, _ in lines)


def test_the_tree() -> None:
    expected = dedent("""\
          The chain rule from the output down: adjoint = df/d(node) = adjoint above *
          local derivative.

          x*y + x = 2002   output, AddBackward0
          │  adjoint  1
          │  PyTorch  1, 0 ulp, verified
          ├─ x*y = 2000   intermediate, MulBackward0
          │  │  exactly  2000
          │  │  local    1
          │  │  adjoint  1 * 1 = 1
          │  │  PyTorch  1, 0 ulp, verified
          │  ├─ x = 2   leaf, path 1 of 2
          │  │     local    y = 1000
          │  │     adds     1 * 1000 = 1000
          │  └─ y = 1000   leaf, AccumulateGrad
          │        local    x = 2
          │        adjoint  1 * 2 = 2
          │        PyTorch  nan, unstable
          │        →        nan enters here, on the way back through * (multiply)
          └─ x = 2   leaf, path 2 of 2
                local    1
                adds     1 * 1 = 1

          x = 2   leaf, AccumulateGrad
             paths meet  1000 + 1 = 1001
             PyTorch     1001, 0 ulp, verified""")
    assert tree(STEPS) == indent(expected, "  ", lambda line: bool(line.strip()))


@WIDTHS
@pytest.mark.parametrize("unicode", [True, False], ids=["UTF-8", "ASCII"])
@pytest.mark.parametrize("record", [STEPS, hostile(), arrays(4), arrays(20)], ids=["scalars", "hostile", "4", "20"])
def test_no_line_is_longer_than_the_width(record: CheckRecord, width: int, unicode: bool) -> None:
    text = tree(record, width, unicode=unicode)
    assert [line for line in text.splitlines() if cell_len(line) > width] == []
    if not unicode and record is not hostile():
        assert text.replace("λ", "l").isascii()


@WIDTHS
def test_no_number_is_broken_or_cut(width: int) -> None:
    digits = "-0.12345678901234567"
    record = replace(STEPS, steps=(
        replace(X, adjoint=(digits,), paths=(replace(X.paths[0], local=(digits,), contribution=(digits,)), X.paths[1])),
        replace(Y, retained=float(digits)), replace(PRODUCT, value=1.23456789012345e-300), SUM,
    ))  # fmt: skip
    words = re.split(r"[\s,()]+", tree(record, width))
    assert words.count(digits) >= 3
    assert "1.23456789012345e-300" in words


def test_ascii_draws_the_branches_too() -> None:
    text = tree(STEPS, unicode=False)
    assert "|- x*y" in text
    assert "`- y = 1000" in text


def test_small_arrays_are_written_out_and_large_ones_summed_up() -> None:
    assert "adjoint  [2, 2, 2, 2]" in tree(arrays(4))
    assert "x = [0.1, 0.1, 0.1, 0.1]" in tree(arrays(4))
    large = tree(arrays(16))
    assert "x = 16 array, norm 0.4" in large
    assert "adjoint  16 array, norm 8" in large
    assert "rule     G for every entry" in large
    assert "G is the adjoint above" in " ".join(large.split())


def test_the_largest_distance_of_an_array_is_told() -> None:
    assert "PyTorch  [2, 2, 2, 2], at most 0.5 ulp, verified" in tree(arrays(4))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"adjoint": (None,)}, "paths meet  there is no derivative here"),
        ({"paths": tuple(replace(path, contribution=(None,)) for path in X.paths)}, "their kinks cancel: 1001"),
        ({"retained": None}, "None, which counts as 0, 0 ulp"),
        ({"paths": (X.paths[0], replace(X.paths[1], contribution=("-3",)))}, "1000 - 3 = 1001"),
    ],
)
def test_a_meeting_point_says_what_happens(change: dict[str, object], expected: str) -> None:
    assert expected in tree(replace(STEPS, steps=(replace(X, **change), Y, PRODUCT, SUM)))  # type: ignore[arg-type]


def test_a_long_text_is_called_by_its_operation() -> None:
    assert "+ (add) = 2002   output" in tree(
        replace(STEPS, steps=(X, Y, PRODUCT, replace(SUM, text="x + " * 40 + "x")))
    )


@WIDTHS
def test_a_deep_tree_keeps_room_for_its_text(width: int) -> None:
    """Beyond half the width the level is written as a number."""
    chain = [replace(SUM, id=0, kind="leaf", operation="variable", text="x", arguments=(), paths=X.paths[:1])]
    for place in range(1, 60):
        below = replace(chain[-1], paths=(replace(X.paths[0], parent=place, place=0),))
        chain[-1] = below
        chain.append(replace(PRODUCT, id=place, arguments=(place - 1,), text="sin(x)"))
    text = tree(replace(STEPS, steps=tuple(chain)), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "59: x = 2002" in text


def test_the_table_shows_the_tree_before_the_totals() -> None:
    report = told([STEPS])
    assert report.index("gradient norm") < report.index("The chain rule") < report.index("2 gradient entries")
    assert "The chain rule" not in told([VERIFIED])


def test_json_has_every_step() -> None:
    steps = json.loads(told([STEPS], "json"))["steps"]
    assert [step["text"] for step in steps] == ["x", "y", "x*y", "x*y + x"]
    assert steps[0]["paths"][0] == {
        "parent": 2, "argument": 0, "formula": "y", "rule": "", "local": "1000", "contribution": "1000",
    }  # fmt: skip
    assert (steps[1]["retained"], steps[1]["verdict"], steps[1]["framework_node"]) == (
        "nan",
        "unstable",
        "AccumulateGrad",
    )
    assert (steps[2]["exact"], steps[2]["arguments"]) == ("2000", [0, 1])
    assert json.loads(told([VERIFIED], "json"))["steps"] == []
    assert json.loads(told([arrays(3)], "json"))["steps"][0]["adjoint"] == ["2", "2", "2"]


def test_markdown_has_a_diagram() -> None:
    report = told([STEPS], "markdown")
    assert report.count("```mermaid\nflowchart BT\n") == 1
    assert "```" not in told([VERIFIED], "markdown")
