"""A gradient of very many entries: a verdict for each variable, and for each entry that was found wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.evidence import Autodiff, Exact, Survey, WrongEntry
from gradtool.values import Array
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import Case
from gradtool.verdict.record import CheckRecord, Entry
from gradtool.verdict.summary import counts, total

X = Array.of((2, 3), range(6))


def judged(**cells: Any) -> list[Entry]:
    told: dict[str, Any] = {
        "segments": [(1.0, 1.0, 1e-12)] * 3, "agree": True, "power": 1e-11, "entries": {"x": 1e-9, "y": 1e-9},
        "wrong": [], "scaled": {}, "complete": True, "evaluations": 96, **cells,
    }  # fmt: skip
    autodiff = Autodiff(0, "torch", "2", 1.0, {"x": X, "y": 2.0}, [], 0.0, Survey(**told))
    exact = Exact(0, "beyond", None, [], reason="too many")
    case = Case("f", "float64", "torch", "PyTorch", autodiff, exact, frozenset(), ("x", "y"), {"x": X, "y": 1.0})
    return judge(case, ["x", "y"])


def test_what_agrees_is_verified_within_its_power() -> None:
    first, second = judged()
    assert (first.label, first.count, first.verdict, first.power) == ("x (6 entries)", 6, "verified", 1e-11)
    assert "a relative error of 1e-11 of the whole, or an absolute one of 1e-09 in any one entry" in first.reason
    assert "no single entry was looked at" in first.reason
    assert (first.whole, second.whole, second.label) == (True, True, "y (1 entry)")
    assert (second.verdict, second.count) == ("verified", 1)


def test_the_totals_say_that_no_single_entry_was_looked_at() -> None:
    record = CheckRecord("f", "f", "torch", "PyTorch", "float64", 0, entries=tuple(judged()))
    assert total([record]) == "7 gradient entries: 7 verified, as a whole: no single entry was looked at"


@pytest.mark.parametrize("power", [0.5, 2.0, math.inf])
def test_what_says_nothing_verifies_nothing(power: float) -> None:
    assert [entry.verdict for entry in judged(power=power)] == ["inconclusive"] * 2


def test_a_wrong_entry_is_named_and_the_rest_is_not_accused() -> None:
    wrong = [WrongEntry("x", (1, 2), 5.05, 5.0, 1e-9)]
    x, entry, y = judged(agree=False, wrong=wrong)
    assert (x.verdict, x.count, y.verdict) == ("verified", 5, "verified")
    assert (entry.label, entry.verdict, entry.autodiff, entry.finite_difference) == ("x[1,2]", "wrong", 5.05, 5.0)
    record = CheckRecord("f", "f", "torch", "PyTorch", "float64", 0, entries=(x, entry, y))
    assert counts([record]) == {"wrong": 1, "verified": 6}
    assert total([record]) == (
        "7 gradient entries: 1 wrong, 6 verified, 6 of them as a whole: no single entry was looked at"
    )


def test_a_search_that_was_not_finished_leaves_the_rest_open() -> None:
    wrong = [WrongEntry("x", (0, 0), 1.0, 0.5, 1e-9)]
    assert [e.verdict for e in judged(agree=False, wrong=wrong, complete=False)] == [
        "inconclusive", "wrong", "inconclusive",
    ]  # fmt: skip


def test_one_estimator_alone_does_not_convict() -> None:
    assert [entry.verdict for entry in judged(agree=False)] == ["inconclusive"] * 2


def test_one_factor_for_the_whole_gradient_is_told() -> None:
    whole = judged(agree=False, scaled={"": 2.0})
    assert [entry.verdict for entry in whole] == ["wrong"] * 2
    assert "2 times" in whole[0].reason
    one = judged(agree=False, scaled={"x": -1.0})
    assert one[0].verdict == "wrong"
