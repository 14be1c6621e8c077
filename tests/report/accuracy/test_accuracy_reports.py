"""What the reports on accuracy say: cells, sentences, commands that can be typed, pages of any width."""

from __future__ import annotations

import io
import math
import shlex
from dataclasses import replace
from typing import Any

import pytest

from gradtool.evidence import Failure
from gradtool.report.accuracy.cells import agreement, cells, command, flushed, heads, told, total
from gradtool.report.accuracy.markdown import write as write_markdown
from gradtool.report.accuracy.table import write as write_table
from gradtool.terminal import Terminal
from gradtool.verdict.compare.accuracy import accuracy
from gradtool.verdict.compare.record import CompareRecord, Gap, Pair
from gradtool.verdict.record import CheckRecord, Entry


def record(
    name: str, target: str, word: str, *, at: float = 0.7, mode: str = "gradient", **sides: Any
) -> CompareRecord:
    """``torch`` and ``tensorflow``: a number, a verdict and an error in ulp."""
    checks = []
    for framework, title in (("torch", "PyTorch"), ("tensorflow", "TensorFlow")):
        number, verdict, error = sides.get(framework, (1.0, "verified", 0.5))
        entry = Entry("x", number, verdict, "autodiff is off", "1", ulp=error)
        checks.append(
            CheckRecord(name, target, framework, title, "float64", 0, point={"x": at}, at={"x": repr(at)}, mode=mode,
                        versions={framework: "2.0"}, entries=(entry,))
        )  # fmt: skip
    pair = Pair(checks[0].entries[0], checks[1].entries[0], Gap(), word, "they differ, and PyTorch is right: it is 1")
    return CompareRecord((checks[0], checks[1]), (pair,), None, word, 0.25)


WRONG = (1.1, "wrong", 4.5e8)
LOST = (math.nan, "unstable", None)
GELU = [record("gelu", "gelu(x)", "same"), record("gelu", "gelu(x)", "one_right", tensorflow=WRONG, at=-1.3)]
RECORDS = [
    record("exp", "exp(x)", "rounding", torch=(1.0, "verified", 0.9)),
    *GELU,
    record("max", "max(x, y)", "convention", torch=(0.5, "not_differentiable", None)),
    record("sqrt", "sqrt(x)", "one_right", tensorflow=LOST, at=1e-310),
    record("logical_and", "where(x > 0 and y > 0, x + 1, y)", "same", torch=(1.0, "verified", 0.0),
           tensorflow=(1.0, "verified", 0.0)),
]  # fmt: skip


def test_the_cells_of_a_row() -> None:
    rows = accuracy(RECORDS)
    assert heads(rows[0]) == ["operation", "points", "PyTorch, ulp", "TensorFlow, ulp", "agreement", "worst at", "s"]
    assert [cells(row) for row in rows] == [
        ["exp(x)", "1", "0.9", "0.5", "rounding", "x = 0.7", "0.2"],
        ["gelu(x)", "2", "0.5", "4.5e+08", "PyTorch right 1", "x = -1.3", "0.5"],
        ["max(x, y)", "1", "-", "0.5", "convention 1", "x = 0.7", "0.2"],
        ["sqrt(x)", "1", "-", "-", "flushed 1", "-", "0.2"],
        ["where(x > 0 and y > 0, x + 1, y)", "1", "0", "0", "same", "-", "0.2"],
    ]


def test_nan_for_a_number_is_the_largest_error() -> None:
    (row,) = accuracy([*GELU, record("gelu", "gelu(x)", "both_wrong", torch=LOST, tensorflow=LOST)])
    assert cells(row)[2:4] == ["nan", "nan"]
    assert agreement(row) == "both off 1, PyTorch right 1"


def test_a_spot_is_told_with_what_is_known_and_a_command_that_can_be_typed() -> None:
    (row,) = accuracy(GELU)
    assert row.worst
    assert told(row.worst) == (
        "gelu(x), float64, at x = -1.3: x: PyTorch is right: it is 1 "
        "(tf.nn.gelu passes 1/sqrt(2) through float32, 2.4e-8 off)"
    )
    assert shlex.split(command(row.worst)) == [
        "gradtool", "compare", "gelu(x)", "--at", "x=-1.3", "--dtype", "float64"
    ]  # fmt: skip


def test_a_command_asks_for_the_derivatives_that_were_looked_at() -> None:
    (row,) = accuracy([record("softmax", "softmax(x)", "one_right", torch=WRONG, mode="jacobian")])
    assert row.worst
    assert "--jacobian" in shlex.split(command(row.worst))


def test_flushing_is_told_once_for_all_operations() -> None:
    rows = accuracy(RECORDS)
    assert flushed(rows).endswith("1 operation errs there for that reason alone")
    assert flushed(rows[:2]) == ""
    assert total(rows) == "5 operations at 6 points in float64: 1 with a gradient or value that is off"


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_no_line_of_the_table_is_wider_than_the_terminal_and_no_figure_is_lost(width: int) -> None:
    stream = io.StringIO()
    write_table(RECORDS, Terminal(stream, width, colour=False, unicode=True), 1.0)
    text = stream.getvalue()
    longest = max(map(len, text.splitlines()))
    assert longest <= max(width, len("gelu(x)'"))
    for figure in ("4.5e+08", "PyTorch right 1", "x = -1.3", "convention 1"):
        assert figure in " ".join(text.split()), figure


@pytest.mark.parametrize("write", [write_table, write_markdown])
def test_a_witness_that_gave_no_evidence_is_told_with_the_remedy(write: Any) -> None:
    gone = (Failure(0, "tensorflow", "missing", "TensorFlow is not installed", "pip install it"),)
    lacking = [
        replace(one, sides=(one.sides[0], replace(one.sides[1], failures=gone)))
        for one in (record("exp", "exp(x)", "inconclusive", tensorflow=(None, "inconclusive", None)),) * 3
    ]
    stream = io.StringIO()
    write(lacking, Terminal(stream, 80, colour=False, unicode=True), 1.0)
    text = stream.getvalue()
    assert "no evidence at 3 points: TensorFlow is not installed" in text
    assert "pip install it" in text
    assert "✓" not in text


def test_markdown_says_every_offender_and_every_convention() -> None:
    stream = io.StringIO()
    write_markdown(RECORDS, Terminal(stream, 80, colour=False, unicode=True), 1.0)
    text = stream.getvalue()
    assert text.startswith("PyTorch 2.0 and TensorFlow 2.0, ")
    assert "## Off at ordinary magnitudes\n\n- gelu(x), float64" in text
    assert "  `gradtool compare 'gelu(x)' --at x=-1.3 --dtype float64`\n" in text
    assert "## Conventions that differ\n\n- max(x, y), float64" in text
    assert "nearer to 0" not in text
    assert "| `gelu(x)` | 2 | 0.5 | 4.5e+08 | PyTorch right 1 | `x = -1.3` | 0.5 |" in text
    assert text.endswith("|\n")
