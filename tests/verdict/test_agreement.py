"""The verdict where the derivative exists, on records made by hand: no framework, no arithmetic but the verdict's."""

from __future__ import annotations

import math

import pytest
from testimony import exact, judged

from gradtool.evidence import Autodiff, Exact, ExactEntry, Grid, Place
from gradtool.values import Array
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import Case

EPS = 2.0**-52
NEXT = math.nextafter(1.0, 2.0)


@pytest.mark.parametrize(
    ("claimed", "entry", "word"),
    [
        pytest.param(1.0, exact(), "verified", id="equal"),
        pytest.param(NEXT, exact(bound="5.5511151231257827021181583404541015625e-17"), "verified", id="at the bound"),
        pytest.param(NEXT, exact(bound="5.55e-17"), "wrong", id="one ulp past the bound is wrong, however small"),
        pytest.param(1 + 2.0**-27, exact(bound="1e-8"), "verified", id="half the digits"),
        pytest.param(1 + 2.0**-26, exact(bound="1e-8"), "unstable", id="less than half the digits"),
        pytest.param(1 + 2.0**-26, exact(bound="1e-9"), "wrong", id="less than half, not explained"),
        pytest.param(1 + 2.0**-20, exact(bound="1e-6", sensitivity="2.4e-7"), "verified", id="the point's own doubt"),
        pytest.param(1 + 2.0**-20, exact(bound="1e-6", sensitivity="2.3e-7"), "unstable", id="more than that doubt"),
        pytest.param(1 + 2.0**-20, exact(bound="1e-9", sensitivity="1"), "wrong", id="that doubt explains nothing"),
        pytest.param(5.0, exact(bound="1.1e-3"), "unstable", id="bound too wide for the first order"),
        pytest.param(5.0, exact(bound="9e-4"), "wrong", id="bound narrow enough"),
        pytest.param(-1.0, exact(bound="1e-16"), "wrong", id="sign"),
        pytest.param(5.0, exact(doubtful=True, cause="branch", loss=Place("sin", (0, 3))), "unstable", id="a branch"),
    ],
)  # fmt: skip
def test_rounding_explains_four_times_its_bound_and_half_the_digits_are_enough(
    claimed: float, entry: ExactEntry, word: str
) -> None:
    assert judged(claimed, entry).verdict == word


@pytest.mark.parametrize(
    ("claimed", "entry", "word"),
    [
        pytest.param(1 + 2.0**-12, exact(bound="1e-4"), "verified", id="half of 24 bits"),
        pytest.param(1 + 2.0**-11, exact(bound="2e-4"), "unstable", id="less than half of 24 bits"),
        pytest.param(1 + 2.0**-11, exact(bound="1e-4"), "wrong", id="not explained"),
        pytest.param(0.0, exact("1e-46"), "verified", id="underflow"),
        pytest.param(0.0, exact("1e-40", bound="1e-40"), "unstable", id="flushed subnormal"),
        pytest.param(2.0**127, exact(str(2**127)), "verified", id="large"),
        pytest.param(math.inf, exact("1e39"), "out_of_range", id="too large"),
    ],
)
def test_float32_has_its_own_digits_and_range(claimed: float, entry: ExactEntry, word: str) -> None:
    assert judged(claimed, entry, dtype="float32").verdict == word


@pytest.mark.parametrize(
    ("dtype", "claimed", "entry", "word"),
    [
        pytest.param("float16", 1 + 2.0**-6, exact(bound="4e-3"), "verified", id="half of 11 bits, 6"),
        pytest.param("float16", 1 + 2.0**-5, exact(bound="8e-3"), "unstable", id="5 of 11 bits"),
        pytest.param("float16", 1 + 2.0**-5, exact(bound="7e-3"), "wrong", id="5 of 11 bits, not explained"),
        pytest.param("float16", 3e-8, exact("2e-8", bound="0"), "verified", id="a subnormal number, rounded"),
        pytest.param("float16", math.inf, exact("65600"), "out_of_range", id="too large for float16"),
        pytest.param("bfloat16", 1 + 2.0**-4, exact(bound="2e-2"), "verified", id="half of 8 bits"),
        pytest.param("bfloat16", 1 + 2.0**-3, exact(bound="4e-2"), "unstable", id="3 of 8 bits"),
        pytest.param("bfloat16", 1 + 2.0**-3, exact(bound="3e-2"), "wrong", id="3 of 8 bits, not explained"),
        pytest.param("bfloat16", 2.0, exact(bound="0.24"), "wrong", id="a factor of 2"),
        pytest.param("bfloat16", -1.0, exact(bound="0.24"), "wrong", id="a sign"),
        pytest.param("bfloat16", -1.0, exact(bound="0.26"), "unstable", id="a bound that says nothing"),
    ],
)
def test_16_bits_have_their_own_digits_and_a_bound_of_a_quarter_still_counts(
    dtype: str, claimed: float, entry: ExactEntry, word: str
) -> None:
    assert judged(claimed, entry, dtype=dtype).verdict == word


def test_where_no_single_step_loses_the_digits_none_is_blamed() -> None:
    assert "the rounding of all steps together" in judged(1.25, exact(bound="0.1"), dtype="bfloat16").reason
    assert "breaks here" in judged(math.nan, exact(bound="0.1"), dtype="bfloat16").reason


@pytest.mark.parametrize(
    ("claimed", "entry", "word"),
    [
        pytest.param(0.0, exact("0"), "verified", id="0"),
        pytest.param(-0.0, exact("0"), "verified", id="-0"),
        pytest.param(1e-17, exact("0", bound="1e-17"), "verified", id="nothing beside the value of 1"),
        pytest.param(1e-5, exact("0", bound="1e-5"), "unstable", id="much beside the value of 1"),
        pytest.param(1e-17, exact("0", bound="1e-17", sensitivity="1e-17"), "verified", id="as the point's doubt"),
        pytest.param(5.0, exact("0"), "wrong", id="5 without rounding"),
        pytest.param(5.0, exact("0", bound="1e-20"), "wrong", id="5 with rounding of 1e-20"),
        pytest.param(1e-300, exact("0", bound="1e-320"), "wrong", id="1e-300 with rounding of 1e-320"),
    ],
)
def test_where_the_truth_is_0_only_rounding_may_be_left(claimed: float, entry: ExactEntry, word: str) -> None:
    found = judged(claimed, entry)
    assert (found.verdict, found.ulp, found.power) == (word, None, None)


@pytest.mark.parametrize(
    ("claimed", "derivative", "bound", "word"),
    [
        (0.0, "1e-400", "0", "verified"),
        (-0.0, "-1e-5000000", "0", "verified"),
        (0.0, "2.4e-324", "0", "verified"),
        (0.0, "4e-324", "0", "unstable"),
        (5e-324, "4e-324", "0", "verified"),
        (1e-323, "4e-324", "1e-400", "wrong"),
        (0.0, "1e-310", "1e-310", "unstable"),
        (0.0, "1e-300", "1e-316", "wrong"),
    ],
)
def test_underflow_is_right_only_where_it_is_correctly_rounded(
    claimed: float, derivative: str, bound: str, word: str
) -> None:
    assert judged(claimed, exact(derivative, bound=bound)).verdict == word


@pytest.mark.parametrize("claimed", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("derivative", ["2", "0", "1e-400"])
def test_no_number_where_the_truth_is_one_is_unstable(claimed: float, derivative: str) -> None:
    found = judged(claimed, exact(derivative, loss=Place("exp", (9, 15)), cause="overflow"))
    assert (found.verdict, found.ulp) == ("unstable", None)
    assert "exp in exp(x) overflows float64" in found.reason


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("overflow", "overflows float64 on the way"),
        ("backward_overflow", "the backward pass of exp in exp(x) overflows"),
        ("underflow", "exp in exp(x) underflows float64"),
        ("cancellation", "exp in exp(x) subtracts nearly equal numbers"),
        ("adjoint", "cancel in the backward pass"),
        ("backward", "PyTorch computes the derivative of exp in exp(x)"),
        ("branch", "is decided by rounding"),
        ("amplification", "amplifies the rounding of its argument"),
    ],
)
def test_an_unstable_entry_says_where_its_digits_go(cause: str, said: str) -> None:
    found = judged(1.001, exact(bound="2e-3", loss=Place("exp", (9, 15)), cause=cause))
    assert found.verdict == "unstable"
    assert said in found.reason


def test_a_branch_not_taken_is_blamed_where_nothing_overflows() -> None:
    assert "branch that where() does not take" in judged(math.nan, exact(), operations=("where",)).reason


def test_the_error_is_told_in_units_in_the_last_place() -> None:
    """One step from 1 up is 1 ulp, one step down is half of one; in float32 a step is 2^29 times as wide."""
    assert judged(1 + EPS, exact(bound="1e-15")).ulp == 1.0
    assert judged(1 - EPS / 2, exact(bound="1e-15")).ulp == 0.5
    assert judged(1 + 2.0**-23, exact(bound="1e-6"), dtype="float32").ulp == 1.0
    assert judged(1.0, exact()).ulp == 0.0


def test_the_power_is_the_smallest_relative_error_that_would_be_found() -> None:
    assert judged(2.0, exact("2", bound="1e-15")).power == pytest.approx(2e-15, rel=1e-12)


@pytest.mark.parametrize(
    ("framework", "operations", "said"),
    [("tensorflow", ("gelu",), "float32"), ("torch", ("softplus",), "straight line"), ("torch", ("sin",), "off by")],
)
def test_a_wrong_entry_names_the_deviation_that_is_known(
    framework: str, operations: tuple[str, ...], said: str
) -> None:
    found = judged(1.1, exact(bound="1e-16"), framework=framework, operations=operations)
    assert found.verdict == "wrong"
    assert said in found.reason
    assert ("known deviation" in found.reason) == (operations != ("sin",))


@pytest.mark.parametrize("failed", [True, False], ids=["no autodiff", "returned None"])
def test_a_large_gradient_that_only_the_exact_walk_knows_is_told_entry_by_entry(failed: bool) -> None:
    """Where the framework failed, the grid of ordinary entries was asked for an entry without an index."""
    flat = Array.of((3,), [0.0] * 3)
    grid = Grid("x", Array.of((3,), [1.0, 2.0, 3.0]), flat, flat, flat, flat, [])
    special = ExactEntry("x", "smooth", "5", index=(1,))
    autodiff = None if failed else Autodiff(0, "torch", "2", 1.0, {"x": None}, [], 0.0)
    walked = Exact(0, "defined", "1", [special], grids=[grid])
    point = {"x": Array.of((3,), [1.0] * 3)}
    case = Case("sum(x)", "float64", "torch", "PyTorch", autodiff, walked, frozenset(), ("x",), point)
    found = judge(case, ["x"])
    assert [(entry.index, entry.symbolic) for entry in found] == [((0,), "1"), ((1,), "5"), ((2,), "3")]
    assert {entry.verdict for entry in found} == {"inconclusive" if failed else "wrong"}
