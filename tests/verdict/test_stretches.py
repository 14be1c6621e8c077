"""Stretches of a sweep: neighbours with the same verdict are one interval, and nothing verified is in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradtool.evidence import Failure
from gradtool.problem import Problem
from gradtool.values import Array
from gradtool.verdict.record import WORDS, CheckRecord, Entry
from gradtool.verdict.rules import finding
from gradtool.verdict.stretches import Stretch, along, remedies, stretches, swept, why


def record(point: Mapping[str, object], *entries: Entry, verdict: str = "", **cells: object) -> CheckRecord:
    word = verdict or (entries[0].verdict if entries else "inconclusive")
    told: dict[str, object] = {"point": point, "entries": entries, "verdict": word, **cells}
    return CheckRecord("f", "f", "torch", "PyTorch", "float64", 0, **told)  # type: ignore[arg-type]


def sweep(words: Sequence[str], ulps: Sequence[float | None] = ()) -> list[CheckRecord]:
    """Records at x = 0, 1, 2, ... with these verdicts."""
    errors = [*ulps, *[None] * (len(words) - len(ulps))]
    return [
        record({"x": float(x)}, Entry("x", 1.0, word, f"reason {x}", ulp=error))
        for x, (word, error) in enumerate(zip(words, errors, strict=True))
    ]


def test_neighbours_with_the_same_verdict_are_one_interval() -> None:
    words = ["unstable", "unstable", "verified", "undefined", "unstable", "verified"]
    assert stretches(sweep(words, [3.0, 7.0, 0.5]), "x") == [
        Stretch("unstable", 0.0, 1.0, 2, 7.0, "reason 1"),
        Stretch("undefined", 3.0, 3.0, 1, None, "reason 3"),
        Stretch("unstable", 4.0, 4.0, 1, None, "reason 4"),
    ]


def test_a_sweep_downwards_has_the_same_stretches() -> None:
    records = sweep(["wrong", "wrong", "verified", "not_differentiable"], [1.0, 2.0])
    assert stretches(records[::-1], "x") == stretches(records, "x")
    assert [one.point["x"] for one in along(records[::-1], "x")] == [0.0, 1.0, 2.0, 3.0]


@given(st.lists(st.sampled_from(list(WORDS)), max_size=40))
def test_every_point_that_is_not_verified_is_in_exactly_one_stretch(words: list[str]) -> None:
    found = stretches(sweep(words), "x")
    covered = [(x, one.verdict) for one in found for x in range(int(one.start), int(one.stop) + 1)]
    assert covered == [(x, word) for x, word in enumerate(words) if word != "verified"]
    assert all(one.points == one.stop - one.start + 1 for one in found)


def test_the_verdict_is_that_of_the_whole_point() -> None:
    fine, bad = Entry("x", 1.0, "verified", "fine", ulp=9e9), Entry("y", 1.0, "unstable", "by y", ulp=5.0)
    worse = Entry("y", 1.0, "unstable", "by y, worse", ulp=6.0, index=(1,))
    points = [record({"x": x, "y": 2.0}, fine, bad, worse, verdict="unstable") for x in (1.0, 2.0)]
    assert stretches(points, "x") == [Stretch("unstable", 1.0, 2.0, 2, 6.0, "by y, worse")]


def test_a_witness_that_failed_is_the_reason_where_there_is_no_entry() -> None:
    failed = record({"x": 1.0}, failures=(Failure(0, "torch", "timeout", "PyTorch was stopped after 120 s"),))
    assert why(failed) == "PyTorch was stopped after 120 s"
    assert stretches([failed], "x")[0].reason == "PyTorch was stopped after 120 s"
    assert why(record({"x": 1.0})) == ""


@pytest.mark.parametrize(
    ("points", "names"),
    [
        ([{"x": 1.0, "y": 2.0}, {"x": 2.0, "y": 2.0}], ["x"]),
        ([{"y": 1.0, "x": 1.0}, {"y": 2.0, "x": 2.0}], ["y", "x"]),
        ([{"x": 1.0}], []),
        ([{"x": 0.0}, {"x": -0.0}], []),
        ([{"x": 1.0, "w": Array.of([1], [1.0])}, {"x": 2.0, "w": Array.of([1], [2.0])}], ["x"]),
        ([], []),
        ([{"x": 1}, {}, {"x": 2}], ["x"]),
    ],
)
def test_swept_are_the_scalars_that_change(points: list[dict[str, object]], names: list[str]) -> None:
    assert swept([record(point) for point in points]) == names


def test_what_could_not_be_read_is_left_out() -> None:
    unread = record({}, problems=(Problem("symbol", "no"),))
    assert stretches([unread, *sweep(["wrong"])], "x") == stretches(sweep(["wrong"]), "x")
    assert stretches([], "x") == []


def test_a_remedy_of_a_sweep_says_at_how_many_points_it_was_tried_with_what_end() -> None:
    """At this point, said of a whole sweep, was about the first."""
    write = "write softplus(x) instead of log(1 + exp(x)): "
    ends = ["still wrong at this point", "verified at this point", "verified at this point"]
    told = [
        record({"x": float(x)}, findings=(finding("GT002", "x", "lost", write + end),)) for x, end in enumerate(ends)
    ]
    fine = record({"x": 4.0}, findings=(finding("GT011", "x", "vanishing"),))
    assert remedies([*told, fine]) == [
        f"{write}verified at 2 of these 3 points",
        f"{write}still wrong at 1 of these 3 points",
    ]
    assert remedies([*told[1:], fine]) == [f"{write}verified at all of these 2 points"]
    assert remedies([told[0], fine]) == [f"{write}still wrong at this point"]
    assert remedies([fine]) == []
