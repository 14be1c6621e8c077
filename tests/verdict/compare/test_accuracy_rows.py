"""Many comparisons of one operation in one row: counts, who is right, the worst spot, subnormal points told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gradtool.verdict.compare.accuracy import FLUSHED, ORDER, accuracy, causes, offenders
from gradtool.verdict.compare.record import WORDS, CompareRecord, Gap, Pair, worst
from gradtool.verdict.record import WORDS as CHECK_WORDS
from gradtool.verdict.record import CheckRecord, Entry

Side = tuple[float, str, float | None]
"""A number, the verdict of its check, its error in ulp."""

RIGHT: Side = (1.0, "verified", 0.5)
WRONG: Side = (1.1, "wrong", 4e8)
LOST: Side = (math.nan, "unstable", None)
FLAT: Side = (0.0, "verified", 4e15)


def record(
    word: str, one: Side = RIGHT, two: Side = RIGHT, at: float = 0.7, name: str = "gelu", **cells: Any
) -> CompareRecord:
    sides = []
    for framework, title, (number, verdict, error) in zip(
        ("torch", "tensorflow"), ("PyTorch", "TensorFlow"), (one, two), strict=True
    ):
        entry = Entry("x", number, verdict, "16 of 16 digits are lost: it cancels", "1", ulp=error)
        sides.append(
            CheckRecord(name, f"{name}(x)", framework, title, cells.get("dtype", "float64"), 0, point={"x": at},
                        at={"x": repr(at)}, entries=(entry,), seconds=0.1)
        )  # fmt: skip
    pair = Pair(sides[0].entries[0], sides[1].entries[0], Gap(), word, f"told {word}")
    return CompareRecord((sides[0], sides[1]), (pair,), None, worst([word]), 0.25)


def row(records: Sequence[CompareRecord | CheckRecord]) -> Any:
    (found,) = accuracy(records)
    return found


def test_every_word_of_a_check_and_of_a_comparison_has_its_place() -> None:
    assert {*ORDER} == {*WORDS, *CHECK_WORDS, FLUSHED}


def test_a_row_counts_its_points_and_names_who_is_right() -> None:
    found = row([record("same"), record("rounding"), record("one_right", two=WRONG), record("one_right", one=LOST)])
    assert (found.points, found.counts) == (4, {"one_right": 2, "rounding": 1, "same": 1})
    assert found.right == {"PyTorch": 1, "TensorFlow": 1}
    assert found.errors == (math.inf, 4e8)
    assert found.verdict == "one_right"
    assert found.seconds == pytest.approx(1.0)


def test_rows_are_kept_apart_by_operation_and_dtype() -> None:
    found = accuracy([record("same"), record("same", dtype="float32"), record("same", name="exp", dtype="float32")])
    assert [(one.name, one.dtype) for one in found] == [("gelu", "float64"), ("gelu", "float32"), ("exp", "float32")]


def test_where_all_agree_the_largest_error_is_the_worst() -> None:
    found = row([record("rounding", at=1.0), record("same", (1.0, "verified", 3.0), at=2.0)])
    assert found.worst.record.point == {"x": 2.0}


def test_a_convention_stands_before_a_larger_error_and_a_fault_before_both() -> None:
    kink = record("convention", (0.5, "not_differentiable", None), (1.0, "not_differentiable", None), at=0.0)
    rough = record("rounding", (1.0, "verified", 99.0), at=2.0)
    assert row([rough, kink]).worst.verdict == "convention"
    assert row([rough, kink, record("one_right", one=WRONG)]).worst.verdict == "one_right"


def test_a_fault_at_an_ordinary_point_stands_before_a_worse_one_far_out() -> None:
    found = row([record("both_wrong", LOST, LOST, at=1e200), record("one_right", two=WRONG)])
    assert found.worst.record.point == {"x": 0.7}
    assert found.verdict == "both_wrong"


def test_that_tensorflow_flushes_subnormal_numbers_is_no_fault_of_an_operation() -> None:
    found = row([record("same"), record("one_right", two=LOST, at=1e-310), record("rounding", two=FLAT, at=1e-310)])
    assert found.counts == {FLUSHED: 2, "same": 1}
    assert found.errors == (0.5, 0.5)
    assert found.worst.verdict == "same"


@pytest.mark.parametrize(
    "healthy",
    [
        record("one_right", one=LOST, at=1e-310),  # PyTorch errs
        record("both_wrong", WRONG, WRONG, at=1e-310),  # both do
        record("one_right", two=LOST, at=1e-300),  # no subnormal number
    ],
)
def test_what_flushing_does_not_explain_is_a_fault(healthy: CompareRecord) -> None:
    assert FLUSHED not in row([healthy]).counts
    assert len(offenders(accuracy([healthy]))) == 1


def test_a_subnormal_number_of_float32_is_none_of_float64() -> None:
    assert row([record("one_right", two=LOST, at=1e-40)]).verdict == "one_right"
    assert row([record("one_right", two=LOST, at=1e-40, dtype="float32")]).verdict == FLUSHED


def test_points_without_a_derivative_that_fits_say_nothing_about_the_accuracy() -> None:
    found = row(
        [record("same"), record("out_of_range", (math.inf, "out_of_range", None), (math.inf, "out_of_range", None))]
    )
    assert (found.verdict, found.worst.verdict, found.errors) == ("same", "same", (0.5, 0.5))


def test_offenders_wrong_before_lost_and_ordinary_before_extreme() -> None:
    names = {"exp": (LOST, 0.7), "sin": (WRONG, 0.7), "cos": (WRONG, 1e200), "tan": ((1.1, "wrong", 9e9), 0.7)}
    rows = accuracy([record("one_right", one=side, at=at, name=name) for name, (side, at) in names.items()])
    assert [spot.record.name for spot in offenders([*rows, row([record("rounding")])])] == ["tan", "sin", "exp", "cos"]


def test_the_causes_of_an_error() -> None:
    (known,) = offenders(accuracy([record("one_right", two=WRONG)]))
    assert causes(known) == ["tf.nn.gelu passes 1/sqrt(2) through float32, 2.4e-8 off"]
    (lost,) = offenders(accuracy([record("both_wrong", LOST, LOST)]))
    assert causes(lost) == ["it cancels"]
    (lacking,) = offenders(accuracy([record("one_right", two=WRONG, name="exp2")]))
    assert causes(lacking) == ["TensorFlow has no exp2 of its own, and runs the formula"]


def test_checks_of_one_framework_make_a_row_too() -> None:
    one = record("same").sides[0]
    off = replace(one, entries=(Entry("x", 1.1, "wrong", "off", "1", ulp=9.0),))
    found = row([one, off])
    assert (found.titles, found.counts, found.errors) == (("PyTorch",), {"wrong": 1, "verified": 1}, (9.0,))
    assert [spot.verdict for spot in offenders([found])] == ["wrong"]
