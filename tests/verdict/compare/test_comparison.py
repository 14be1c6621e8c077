"""The verdict on two gradients, from two verdicts of a check and two numbers."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from gradtool.evidence import Failure
from gradtool.problem import Problem
from gradtool.values import Array, Value
from gradtool.verdict.compare.comparison import compared, gap_of
from gradtool.verdict.compare.record import WORDS, CompareRecord, Gap, Pair
from gradtool.verdict.record import WORDS as CHECK_WORDS
from gradtool.verdict.record import CheckRecord, Entry, worst

TITLES = {"torch": "PyTorch", "tensorflow": "TensorFlow"}


def side(framework: str, *entries: Entry, **cells: Any) -> CheckRecord:
    told = {"value": 1.0, "verdict": worst([entry.verdict for entry in entries]), "dtype": "float64", **cells}
    return CheckRecord("f", "f(x)", framework, TITLES[framework], seed=0, point={"x": 1.0}, entries=entries, **told)


def gradients(entries: tuple[Entry, ...]) -> dict[str, Value | None]:
    return {entry.variable: entry.autodiff for entry in entries}


def both(one: CheckRecord, two: CheckRecord) -> CompareRecord:
    return compared((one, two), (gradients(one.entries), gradients(two.entries)), 0.5)


def entry(number: float | None, verdict: str = "verified", truth: str | None = "1", **cells: Any) -> Entry:
    return Entry("x", number, verdict, f"because {verdict}", truth, **cells)


def pair(one: Entry, two: Entry, **cells: Any) -> Pair:
    (found,) = both(side("torch", one, **cells), side("tensorflow", two, **cells)).entries
    assert found.verdict in WORDS
    return found


KINK: dict[str, Any] = {"verdict": "not_differentiable", "truth": None, "spot": "a kink of max"}

CASES = [
    (entry(1.0, ulp=0.0), entry(1.0, ulp=0.0), "same", "the same number, and exact"),
    (entry(1.0, ulp=0.4), entry(1.0, ulp=0.4), "same", "the same number, 0.4 ulp off the exact one"),
    (entry(0.0, truth="0"), entry(-0.0, truth="0"), "same", "the same number, and exact"),
    (
        entry(1.0, ulp=0.0), entry(1.0000000000000002, ulp=1.0), "rounding",
        "both are right, 1 ulp apart: PyTorch is exact to the last digit, TensorFlow is 1 ulp off",
    ),
    (
        entry(1.0, ulp=0.2), entry(1.5, "wrong", ulp=2e15), "one_right",
        "they differ, and PyTorch is right: the derivative is 1, PyTorch is 0.2 ulp off, TensorFlow is 2e+15 ulp off",
    ),
    (
        entry(math.nan, "unstable"), entry(1.0, ulp=0.0), "one_right",
        ("they differ, and TensorFlow is right: the derivative is 1, TensorFlow is exact to the last digit, PyTorch "
         "gives nan"),
    ),
    (
        entry(math.nan, "unstable"), entry(math.nan, "wrong"), "both_wrong",
        "neither is right: the derivative is 1, and both give nan",
    ),
    (
        entry(1.1, "wrong", ulp=4e14), entry(1.4, "wrong", ulp=2e15), "both_wrong",
        ("neither is right: the derivative is 1, PyTorch is 4e+14 ulp off, TensorFlow is 2e+15 ulp off: PyTorch is "
         "nearer"),
    ),
    (
        entry(0.5, left="0", right="1", **KINK), entry(1.0, left="0", right="1", **KINK), "convention",
        ("a kink of max; PyTorch's 0.5 lies between the slopes, TensorFlow's 1 is the slope from the right: "
         "conventions, and neither is wrong"),
    ),
    (
        entry(0.0, left="0", right="1", **KINK), entry(0.0, left="0", right="1", **KINK), "same_convention",
        "a kink of max; both give 0, which is the slope from the left",
    ),
    (
        entry(math.nan, left="0", right="Infinity", **KINK), entry(math.nan, left="0", right="Infinity", **KINK),
        "convention", "a kink of max; both give nan, which is no convention",
    ),
    (
        entry(math.inf, left=None, right="Infinity", **KINK), entry(math.inf, left=None, right="Infinity", **KINK),
        "same_convention", "a kink of max; both give inf, which is that slope",
    ),
    (
        entry(0.0, "undefined", None, spot="log of -1"), entry(math.nan, "undefined", None, spot="log of -1"),
        "undefined", "log of -1; PyTorch gives 0 and TensorFlow nan, and neither means anything",
    ),
    (
        entry(math.inf, "out_of_range", spot="too large"), entry(math.inf, "out_of_range", spot="too large"),
        "out_of_range", "too large; both give inf",
    ),
    (
        entry(1.0, "verified", None, power=1e-12), entry(1.0 + 1e-6, "verified", None, power=1e-12), "mismatch",
        ("each fits the function that its own framework computes, and they are 4.5e+09 ulp apart: the two functions "
         "differ"),
    ),
    (
        entry(1.0, "verified", None, power=1e-7), entry(1.0 + 1e-7, "verified", None, power=1e-7), "rounding",
        "both are right, 4.5e+08 ulp apart",
    ),
    (
        entry(1.0, "inconclusive", None), entry(2.0, "inconclusive", None), "inconclusive",
        ("they are 2.3e+15 ulp apart, and nothing tells which one is right; PyTorch: because inconclusive; TensorFlow: "
         "because inconclusive"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two", "verdict", "sentence"), CASES, ids=[f"{c[2]}-{n}" for n, c in enumerate(CASES)])
def test_the_word_and_the_sentence(one: Entry, two: Entry, verdict: str, sentence: str) -> None:
    found = pair(one, two)
    assert (found.verdict, found.reason) == (verdict, sentence)


def test_every_two_verdicts_of_a_check_have_one_of_a_comparison_whichever_side_is_first() -> None:
    for one, two in itertools.product(CHECK_WORDS, repeat=2):
        words = {pair(entry(1.0, a), entry(2.0, b)).verdict for a, b in ((one, two), (two, one))}
        assert len(words) == 1, (one, two)
        faulty = {one, two} & {"wrong", "unstable"}
        expected = {
            0: {"same", "rounding", "mismatch", "convention", "undefined", "out_of_range", "inconclusive"},
            1: {"both_wrong"}
            if {one, two} == faulty
            else {"one_right"}
            if "verified" in (one, two)
            else {"inconclusive"},
            2: {"both_wrong"},
        }[len(faulty)]
        assert words <= expected, (one, two)


def test_a_framework_without_evidence_leaves_the_others_verdict() -> None:
    gone = side(
        "tensorflow", entry(None, "inconclusive"), value=None, failures=(Failure(0, "tensorflow", "missing", "m"),)
    )
    found = compared((side("torch", entry(1.0, ulp=0.0)), gone), ({"x": 1.0}, {}), 0.0)
    (only,) = found.entries
    assert only.verdict == "inconclusive"
    assert only.reason == "TensorFlow gave no gradient to compare with; PyTorch's is verified: because verified"
    assert only.second.symbolic == "1"
    assert [failure.witness for failure in found.failures] == ["tensorflow"]


def test_none_from_both_frameworks_is_0_twice() -> None:
    found = pair(entry(0.0, truth="0", unconnected=True), entry(0.0, truth="0", unconnected=True))
    assert (found.verdict, found.gap.absolute) == ("same", 0.0)


def test_a_target_that_could_not_be_read_has_no_pairs() -> None:
    bad = {"problems": (Problem("syntax", "bad"),), "value": None}
    found = both(side("torch", **bad), side("tensorflow", **bad))
    assert (found.entries, found.problems, found.verdict) == ((), bad["problems"], "inconclusive")


# ---- distances


@pytest.mark.parametrize(
    ("one", "two", "dtype", "gap"),
    [
        (1.0, 1.0 + 2.0**-52, "float64", Gap(2.0**-52, 2.0**-52 / (1 + 2.0**-52), 1.0)),
        (1.0, 1.0 + 2.0**-23, "float32", Gap(2.0**-23, 2.0**-23 / (1 + 2.0**-23), 1.0)),
        (3.0, -3.0, "float64", Gap(6.0, 2.0, 6 / 2.0**-51)),
        (0.0, 5e-324, "float64", Gap(5e-324, 1.0, 1.0)),
        (math.nan, math.nan, "float64", Gap(0.0, 0.0, 0.0)),
        (math.inf, math.inf, "float64", Gap(0.0, 0.0, 0.0)),
        (math.inf, -math.inf, "float64", Gap()),
        (math.nan, 1.0, "float64", Gap()),
        (None, 1.0, "float64", Gap()),
    ],
)
def test_how_far_two_numbers_are_apart(one: float | None, two: float | None, dtype: str, gap: Gap) -> None:
    for first, second in ((one, two), (two, one)):
        found = gap_of(first, second, dtype)
        assert found == gap


def test_the_distance_in_ulp_is_told_in_units_of_the_truth() -> None:
    """Just below 1 they are half as large as at 1."""
    assert gap_of(1.0, 1.0 - 2.0**-53, "float64", "0.99999999999999994").ulp == 1.0
    assert gap_of(1.0, 1.0 - 2.0**-53, "float64").ulp == 0.5


def test_the_largest_numbers_of_both_signs_are_apart_by_more_than_a_float() -> None:
    assert gap_of(1.7e308, -1.7e308, "float64").absolute == math.inf
    assert gap_of(1.7e308, -1.7e308, "float64").relative == 2.0


# ---- whole gradients


def whole(verdict: str = "verified", power: float | None = 1e-12) -> Entry:
    return Entry("x", None, verdict, f"because {verdict}", power=power, label="x (3 entries)", count=3, whole=True)


def of_arrays(one: list[float], two: list[float], *rest: Entry, first: Entry | None = None) -> list[Pair]:
    sides = side("torch", first or whole()), side("tensorflow", whole(), *rest)
    arrays = tuple({"x": Array.of([3], numbers)} for numbers in (one, two))
    return list(compared(sides, (arrays[0], arrays[1]), 0.0).entries)


def test_whole_gradients_are_apart_by_the_norm_of_their_difference() -> None:
    (found,) = of_arrays([3.0, 4.0, 0.0], [3.0, 4.0, 5e-6])
    assert (found.verdict, found.count) == ("mismatch", 3)
    assert found.gap == Gap(5e-6, pytest.approx(1e-6, rel=1e-9), None)


def test_whole_gradients_within_what_both_checks_could_miss_differ_by_rounding() -> None:
    (found,) = of_arrays([3.0, 4.0, 0.0], [3.0, 4.0, 2e-11])
    assert found.verdict == "rounding"


def test_a_wrong_entry_of_a_large_gradient_is_set_beside_the_others_number() -> None:
    faulty = Entry("x", 9.0, "wrong", "off", index=(1,), label="x[1]", finite_difference=4.0)
    _, found = of_arrays([3.0, 4.0, 5.0], [3.0, 9.0, 5.0], faulty)
    assert (found.label, found.verdict, found.first.autodiff, found.second.autodiff) == ("x[1]", "one_right", 4.0, 9.0)
    assert found.reason == "they differ, and PyTorch is right: TensorFlow is wrong: off"


def test_a_gradient_that_only_one_side_tells_as_a_whole_is_folded() -> None:
    entries = [Entry("x", float(n), "verified", "fine", str(n), index=(n,), power=1e-14) for n in range(3)]
    sides = side("torch", *entries), side("tensorflow", whole())
    arrays = {"x": Array.of([3], [0.0, 1.0, 2.0])}
    (found,) = compared(sides, (arrays, arrays), 0.0).entries
    assert (found.first.label, found.verdict, found.gap.absolute) == ("x (3 entries)", "same", 0.0)
