"""One verdict for each entry of a callable, from records made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from gradtool.evidence import (
    Autodiff,
    CallableEvidence,
    CallablePoint,
    Difference,
    Exact,
    ExactEntry,
    Slot,
    Survey,
    WrongEntry,
)
from gradtool.verdict.callable import case_of, judge_point
from gradtool.verdict.record import Entry

AGREES = Survey([(1.0, 1.0, 1e-12)], True, 1e-10, {"x": 1e-10}, [], {}, True, 60)
BLIND = Survey([(1.0, 1.0, 1.0)], True, math.inf, {"x": math.inf}, [], {}, True, 60)


def bar(
    value: float = 2.0, width: float = 1e-10, regime: str = "smooth", left: float = math.nan, right: float = math.nan
) -> Difference:
    return Difference("x", regime, value, width, left, 1e-9, right, 1e-9, 125)


def opinion(
    claim: float | None,
    difference: Difference | None,
    survey: Survey | None = AGREES,
    confirmed: Sequence[WrongEntry] = (),
    dtype: str = "float64",
    exact: Exact | None = None,
    *,
    surrogate: bool = False,
) -> Entry:
    """The verdict on the only entry of f(x)."""
    autodiff = Autodiff(0, "torch", "2", 1.0, {"x": claim}, [difference] if difference else [], 0.0, survey)
    point = CallablePoint("given", {"x": 1.0}, [1.0], autodiff, list(confirmed))
    slots = [Slot("x", (), dtype)]
    evidence = CallableEvidence(
        0, "torch", "2", "f", "autograd function", "ops.py:1", dtype, slots, slots, [point], [], surrogate=surrogate
    )
    (entry,) = judge_point(evidence, point, case_of(evidence, point, "2*x" if exact else "", exact, "PyTorch"))
    return entry


def test_two_that_agree_verify() -> None:
    entry = opinion(2.0, bar())
    assert entry.verdict == "verified"
    assert "finite differences and with the path integral" in entry.reason
    assert entry.power == pytest.approx(2e-10)


def test_a_ladder_that_the_path_integral_confirms_convicts() -> None:
    entry = opinion(2.5, bar(), confirmed=[WrongEntry("x", (), 2.5, 2.0, 1e-10)])
    assert entry.verdict == "wrong"
    assert "the path integral along this entry agrees with them" in entry.reason


def test_one_estimator_alone_does_not_convict() -> None:
    assert opinion(2.5, bar()).verdict == "inconclusive"


@pytest.mark.parametrize(("dtype", "width", "word"), [
    ("float64", 0.05, "inconclusive"), ("bfloat16", 0.05, "verified"), ("bfloat16", 0.5, "inconclusive"),
])  # fmt: skip
def test_a_wide_bar_verifies_only_where_the_dtype_is_as_coarse(dtype: str, width: float, word: str) -> None:
    assert opinion(2.0, bar(width=width), BLIND, dtype=dtype).verdict == word


def test_where_the_ladder_is_too_coarse_the_path_integral_verifies() -> None:
    entry = opinion(2.0, bar(width=0.5))
    assert entry.verdict == "verified"
    assert entry.power == 1e-10


@pytest.mark.parametrize(("claim", "word"), [(0.0, "not_differentiable"), (1.0, "not_differentiable"),
                                             (0.5, "not_differentiable"), (1.5, "wrong"), (-0.1, "wrong")])  # fmt: skip
def test_at_a_kink_what_lies_between_both_slopes_is_a_convention(claim: float | None, word: str) -> None:
    entry = opinion(claim, bar(math.nan, math.inf, "kink", 0.0, 1.0))
    assert entry.verdict == word
    assert (entry.left, entry.right) == ("0.0", "1.0")


@pytest.mark.parametrize(("claim", "word"), [(0.0, "not_differentiable"), (1.0, "not_differentiable"),
                                             (0.5, "not_differentiable"), (1.5, "wrong"), (-0.1, "wrong"),
                                             (1 + 2.0**-50, "not_differentiable")])  # fmt: skip
def test_so_it_is_where_the_slopes_are_known_exactly(claim: float, word: str) -> None:
    exact = Exact(0, "defined", "1", [ExactEntry("x", "kink", None, left="0", right="1")])
    entry = opinion(claim, bar(math.nan, math.inf, "kink", 0.0, 1.0), exact=exact)
    assert entry.verdict == word


def test_at_a_jump_there_is_nothing_that_a_number_could_lie_between() -> None:
    exact = Exact(0, "defined", "1", [ExactEntry("x", "jump", None, left="0", right="0")])
    assert opinion(1.0, bar(regime="jump"), exact=exact).verdict == "not_differentiable"


@pytest.mark.parametrize("regime", ["jump", "steep", "one_sided"])
def test_there_is_no_derivative_at_a_jump(regime: str) -> None:
    assert opinion(0.0, bar(regime=regime)).verdict == "not_differentiable"


def test_none_counts_as_0() -> None:
    entry = opinion(None, bar(0.0))
    assert (entry.verdict, entry.unconnected, entry.autodiff) == ("verified", True, 0.0)
    assert "returned None" in opinion(None, bar(), confirmed=[WrongEntry("x", (), 0.0, 2.0, 1e-10)]).reason


def test_no_number_where_there_is_a_slope() -> None:
    assert opinion(math.nan, bar()).verdict == "unstable"


def test_the_exact_derivative_outranks_both() -> None:
    entry = ExactEntry("x", "smooth", "2", bound="1e-16", sensitivity="1e-16")
    exact = Exact(0, "defined", "2", [entry])
    assert opinion(2.0, bar(3.0), exact=exact).verdict == "verified"
    assert opinion(2.0 + 2e-8, bar(2.0, 1e-3), exact=exact).verdict == "wrong"


def test_another_way_to_compute_the_same_may_round_otherwise() -> None:
    exact = Exact(0, "defined", "2", [ExactEntry("x", "smooth", "2", bound="0", sensitivity="0")])
    assert opinion(2.0 + 4 * 2.0**-52, bar(), exact=exact).verdict == "verified"


def test_a_surrogate_is_not_judged() -> None:
    entry = opinion(7.0, bar(), surrogate=True)
    assert entry.verdict == "verified"
    assert "declared a surrogate" in entry.reason
