"""The picture in the terminal: it fits every width, needs no Braille and no colour, and marks what is wrong."""

from __future__ import annotations

import io
import re

import pytest
from handmade import VERIFIED
from rich.cells import cell_len
from sweeps import CURVES, grid

from gradtool.problem import ProblemError
from gradtool.report.picture.text import draw_text
from gradtool.terminal import Terminal
from gradtool.verdict.record import CheckRecord

PICTURES = {**CURVES, "grid": grid()}


def drawn(records: list[CheckRecord], width: int = 80, *, unicode: bool = True, colour: bool = False) -> list[str]:
    return draw_text(records, Terminal(io.StringIO(), width, colour, unicode))


@pytest.mark.parametrize("width", [24, 40, 80, 120])
@pytest.mark.parametrize("name", PICTURES)
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    lines = drawn(PICTURES[name], width)
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() and line.isprintable() for line in lines)


@pytest.mark.parametrize("name", PICTURES)
def test_ascii_where_there_is_nothing_else(name: str) -> None:
    assert all(line.isascii() for line in drawn(PICTURES[name], unicode=False))


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("name", PICTURES)
def test_colour_adds_nothing_but_colour(name: str, *, unicode: bool) -> None:
    painted = drawn(PICTURES[name], unicode=unicode, colour=True)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in painted] == drawn(PICTURES[name], unicode=unicode)
    assert any("\x1b[" in line for line in painted)
    assert all(line.count("\x1b[0m") * 2 == line.count("\x1b[") for line in painted)


def test_the_whole_picture() -> None:
    assert drawn(CURVES["kinked"], 40, unicode=False) == [
        "f(x)",
        "PyTorch 2.13.0, float64, 41 points: 1",
        "not_differentiable, 40 verified",
        "",
        "       f(x)",
        "    2 |..                              .",
        "      | ...                         ...",
        "  1.5 |    ...                    ...",
        "    1 |      ...               ...",
        "      |         ...          ...",
        "  0.5 |           ...     ....",
        "      |             .......",
        "    0 |                .",
        "       df/dx",
        "    1 |                >................",
        "      |",
        "  0.5 |",
        "    0 |                o",
        "      |",
        " -0.5 |",
        "      |",
        "   -1 |................<",
        "       error in ulp",
        "      |",
        "    1 |",
        "      |................ ................",
        "      |",
        "exact |",
        "                       K",
        "       -2              0               2",
        "       x",
        "",
        ".. exact",
        "o PyTorch where it is off the line",
        "< slope from the left",
        "> slope from the right",
        "K not_differentiable",
    ]


def test_letters_stand_under_the_points_they_are_about() -> None:
    lines = drawn(CURVES["overflowing"])
    letters = next(line for line in lines if set(line) == {" ", "U"})
    crosses = next(line for line in lines if "x x" in line)
    assert letters.index("U") == crosses.index("x")
    assert letters.rindex("U") == crosses.rindex("x")
    assert letters.strip() == "U" * len(letters.strip())
    assert lines[-1].endswith("U unstable")
    assert not any(set(line) == {" ", "U"} for line in drawn(CURVES["parabola"]))


def test_a_map_of_two_variables() -> None:
    lines = drawn(grid(), 30)
    assert lines[4:] == [
        "",
        "  y",
        "3 │................--",
        "  │..................",
        "  │................",
        "  │..................",
        "  │..................",
        "  │..................",
        "0 │UU................",
        "   -2               2",
        "   x",
        "",
        "U unstable   - undefined",
        ". verified",
    ]


def test_signs_are_explained_where_they_are_used() -> None:
    last = " ".join(drawn(CURVES["rooted"], 120)[-2:])
    assert "x PyTorch gives nan" in last
    assert "^ PyTorch gives inf" in last
    assert "> slope from the right" in last
    assert "slope from the left" not in last
    assert "- undefined   K not_differentiable" in last


def test_one_point_is_no_picture() -> None:
    with pytest.raises(ProblemError, match="a picture needs a sweep"):
        drawn([VERIFIED])
