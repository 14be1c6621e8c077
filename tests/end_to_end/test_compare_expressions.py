"""Both real frameworks on the same expressions: the known differences are told right, and healthy code agrees."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from gradtool.verdict.compare.record import AGREE, CompareRecord
from gradtool.verdict.compare.summary import exit_code
from gradtool.verdict.record import CheckRecord

Comparer = Callable[..., list[CompareRecord]]
Checker = Callable[..., list[CheckRecord]]

# name, expression, x, gradients by PyTorch and TensorFlow, verdict, a part of the sentence. The gradients are those
# that both frameworks document or that their issue trackers name; the derivatives are school mathematics.
KNOWN: list[tuple[str, str, tuple[float, float], str, str]] = [
    ("max(x, 0)", "0", (0.5, 1.0), "convention",
     ("PyTorch's 0.5 lies between the slopes, TensorFlow's 1 is the slope "
      "from the right: conventions, and neither is wrong")),
    ("x**0", "0", (0.0, math.nan), "one_right",
     ("PyTorch is right: the derivative is 0, PyTorch gives 0, TensorFlow "
      "gives nan")),
    ("where(x > 0, sqrt(x), 0)", "0", (math.nan, 0.0), "convention",
     ("PyTorch's nan is no convention, TensorFlow's 0 "
      "is the slope from the left")),
    ("where(x > 0, sqrt(x), 0)", "-1", (math.nan, 0.0), "one_right",
     ("TensorFlow is right: the derivative is 0, "
      "TensorFlow gives 0, PyTorch gives nan")),
    ("sqrt(x**2)**2", "0", (math.nan, 0.0), "one_right", "TensorFlow is right: the derivative is 0"),
    ("gelu(x)", "1", (1.0833154705876864, 1.0833154664465336), "one_right",
     ("PyTorch is right: the derivative is "
      "1.083315471")),
    ("softplus(x)", "21", (1.0, 1 - 7.58256042e-10), "one_right",
     "TensorFlow is right: the derivative is 0.9999999992"),
    ("x**2", "1e-310", (2e-310, 0.0), "one_right",
     ("PyTorch is right: the derivative is 2e-310, PyTorch is exact to "
      "the last digit, TensorFlow gives 0")),
    ("sqrt(x)", "1e-310", (5.000000000000007e154, math.inf), "one_right", "PyTorch is right"),
    ("leaky_relu(x)", "-2", (0.01, 0.009999999776482582), "one_right", "PyTorch is right: the derivative is 0.01"),
    ("log(1 + exp(x))", "1000", (math.nan, math.nan), "both_wrong",
     ("neither is right: the derivative is 1, and both "
      "give nan")),
    ("relu(x)", "0", (0.0, 0.0), "same_convention", "both give 0, which is the slope from the left"),
    ("log(x)", "-1", (-1.0, -1.0), "undefined", "both give -1, and neither means anything"),
    ("exp(x)", "1000", (math.inf, math.inf), "out_of_range", "both give inf"),
]  # fmt: skip


@pytest.fixture(scope="module")
def known(compare: Comparer) -> dict[tuple[str, str], CompareRecord]:
    lines = [{"expression": expression, "at": {"x": x}} for expression, x, *_ in KNOWN]
    return dict(zip(((row[0], row[1]) for row in KNOWN), compare(lines), strict=True))


@pytest.mark.parametrize(
    ("expression", "x", "gradients", "verdict", "sentence"), KNOWN, ids=[f"{row[0]} at {row[1]}" for row in KNOWN]
)
def test_a_known_difference_is_told_right(
    known: dict[tuple[str, str], CompareRecord],
    expression: str,
    x: str,
    gradients: tuple[float, float],
    verdict: str,
    sentence: str,
) -> None:
    record = known[expression, x]
    (pair,) = record.entries
    assert [entry.autodiff for entry in pair.sides] == pytest.approx(list(gradients), rel=1e-15, abs=0, nan_ok=True)
    assert (record.verdict, pair.verdict) == (verdict, verdict)
    assert sentence in pair.reason


def test_tensorflows_gelu_is_off_by_4e_9_and_pytorchs_is_not(known: dict[tuple[str, str], CompareRecord]) -> None:
    pair = known["gelu(x)", "1"].entries[0]
    truth = Decimal(str(pair.first.symbolic))
    errors = [abs(float(Decimal(entry.autodiff or 0) - truth)) for entry in pair.sides]
    assert errors[0] < 3e-16
    assert errors[1] == pytest.approx(4.1e-9, rel=0.02)
    assert pair.gap.absolute == pytest.approx(4.1e-9, rel=0.02)


def test_the_exact_number_of_a_comparison_comes_from_outside(known: dict[tuple[str, str], CompareRecord]) -> None:
    """The derivative of gelu is Phi(x) + x phi(x)."""
    truth = 0.5 * (1 + math.erf(math.sqrt(0.5))) + math.exp(-0.5) / math.sqrt(2 * math.pi)
    for entry in known["gelu(x)", "1"].entries[0].sides:
        assert float(str(entry.symbolic)) == pytest.approx(truth, rel=1e-15)


HEALTHY: list[dict[str, Any]] = [
    {"expression": "x**2 * sin(y)", "at": {"x": "2", "y": "3"}},
    {"expression": "softmax(x)", "at": {"x": "[1, 2, 3]"}, "jacobian": True},
    {"expression": "logsumexp(x)", "at": {"x": "[1, 2, 3]"}},
    {"expression": "sum(X @ W)", "at": {"X": "normal(3,4)", "W": "normal(4,2)"}},
    {"expression": "cross_entropy(x, c)", "at": {"x": "normal(4,5)", "c": "[0, 4, 2, 2]"}, "wrt": "x"},
    {"expression": "x**3*y", "at": {"x": "1.5", "y": "-0.3"}, "hessian": True},
    {"expression": "tanh(x)", "at": {"x": "0.3"}, "order": 3},
    {"expression": "[x*y, sin(x)]", "at": {"x": "1", "y": "2"}, "upstream": "[1, -2]"},
    {"expression": "log(1 + x**2)"},
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_healthy_expressions_agree(compare: Comparer, dtype: str) -> None:
    records = compare(HEALTHY, dtype=dtype)
    assert len(records) == len(HEALTHY) + 4  # the last one at five points
    assert {r.target: [pair.reason for pair in r.entries] for r in records if r.verdict not in AGREE} == {}
    assert all(record.entries for record in records)


def test_the_slope_of_leaky_relu_is_the_same_in_both_although_their_defaults_differ(compare: Comparer) -> None:
    """tf.nn.leaky_relu has 0.2 by default; float32 rounds the slope that gradtool writes out for either."""
    (record,) = compare([{"expression": "leaky_relu(x)", "at": {"x": "-2"}}], dtype="float32")
    assert [entry.autodiff for entry in record.entries[0].sides] == pytest.approx([0.01, 0.01], rel=1e-7)
    assert record.verdict in AGREE


def test_of_a_gradient_too_large_for_the_truth_a_difference_of_the_functions_is_found(compare: Comparer) -> None:
    """Planted by TensorFlow: its gelu and its gradient have the same constant, 2.4e-8 off. sin is the healthy twin."""
    at = {"x": "uniform(0.5,2,300000)"}
    ill, well = compare([{"expression": f"sum({function}(x))", "at": at} for function in ("gelu", "sin")])
    assert (ill.verdict, well.verdict in AGREE) == ("mismatch", True)
    assert ill.entries[0].gap.relative == pytest.approx(3.4e-9, rel=0.1)
    assert well.entries[0].gap.relative < 1e-15


def test_at_the_cut_of_atan2_a_negative_zero_means_the_side_below(compare: Comparer) -> None:
    """IEEE 754: atan2(-0, x) is -pi for x < 0; a real 0 has no sign, so the value there is not judged."""
    below, above = compare([{"expression": "atan2(y, x)", "at": {"y": zero, "x": "-1.3"}} for zero in ("-0.0", "0")])
    assert [side.value for side in below.sides] == pytest.approx([-math.pi, -math.pi])
    assert not [finding for finding in below.findings if finding.code == "GT018"]
    assert below.value is not None
    assert (below.value.verdict, below.value.first.ulp) == ("inconclusive", None)
    assert above.value is not None
    assert above.value.verdict in AGREE


def test_a_function_that_refuses_arguments_outside_of_its_domain_keeps_its_gradient(check: Checker) -> None:
    """torch's binary_cross_entropy raises outside of [0, 1], where differences of 1e-200 step to."""
    for at in ("[0.7,0.4]", "[1e-12,0.5]"):
        (record,) = check([{"expression": "bce(x, y)", "at": {"x": at, "y": "[0.4,0.6]"}}])
        assert record.failures == ()
        assert all(entry.autodiff is not None for entry in record.entries)
    (record,) = check([{"expression": "bce(x, y)", "at": {"x": "[0.7,0.4]", "y": "[0.4,0.6]"}}])
    assert record.entries[0].autodiff == pytest.approx((0.7 - 0.4) / (0.7 * 0.3) / 2)
    assert record.verdict == "verified"


def test_a_branch_taken_because_tensorflow_flushes_is_told_as_that(compare: Comparer) -> None:
    """For x = 1e-310 the function is x, whatever y is; TensorFlow takes x for 0, and so the other branch."""
    ill, well = compare([{"expression": "where(x > 0, x, y)", "at": {"x": x, "y": "2"}} for x in ("1e-310", "1e-300")])
    assert [pair.second.autodiff for pair in ill.entries] == [0.0, 1.0]
    for pair in ill.entries:
        assert "TensorFlow takes a subnormal number for 0" in pair.second.reason
    assert well.verdict in AGREE


FLUSHED = [
    ({"expression": "x*2", "at": {"x": "1e-310"}}, "float64", 2e-310, "TensorFlow takes a subnormal number for 0"),
    ({"expression": "x*2", "at": {"x": "1e-40"}}, "float32", 2e-40, "TensorFlow takes a subnormal number for 0"),
    ({"expression": "x/4", "at": {"x": "5e-308"}}, "float64", 1.25e-308, "TensorFlow takes a subnormal number for 0"),
    ({"expression": "x*1e-200*1e-110*1e300", "at": {"x": "1"}}, "float64", 1e-10, "underflows float64"),
]
"""The truth is the decimal number that the expression says, to the digits a subnormal number has."""


@pytest.mark.parametrize(("line", "dtype", "truth", "why"), FLUSHED)
def test_a_value_flushed_to_0_is_at_fault_although_the_gradients_agree(
    compare: Comparer, line: dict[str, Any], dtype: str, truth: float, why: str
) -> None:
    """It was: the same number, exact to the last digit, and exit code 0."""
    (record,) = compare([line], dtype=dtype)
    assert record.value is not None
    assert (record.value.verdict, record.verdict) == ("one_right", "same")
    assert record.value.first.autodiff == pytest.approx(truth, rel=1e-4)
    assert record.value.second.autodiff == 0.0
    (found,) = [finding for finding in record.sides[1].findings if finding.code == "GT023"]
    assert why in found.message
    assert not [finding for finding in record.sides[0].findings if finding.code == "GT023"]
    assert exit_code([record], strict=False) == 1


@pytest.mark.parametrize(
    ("expression", "x", "dtype"),
    [("x*2", "1e-300", "float64"), ("x**2", "1e-200", "float64"), ("x*2", "1e-5", "float16")],
)
def test_its_healthy_twins_agree(compare: Comparer, expression: str, x: str, dtype: str) -> None:
    """A normal number; one whose nearest in the dtype is 0; and float16, whose subnormal numbers nothing flushes."""
    (record,) = compare([{"expression": expression, "at": {"x": x}}], dtype=dtype)
    assert record.value is not None
    assert (record.value.verdict, exit_code([record], strict=False)) == ("same", 0)


def test_a_value_that_underflows_in_both_is_right_in_neither(compare: Comparer) -> None:
    """x**2 is 1e-340, and 0 in float64; the value is 1e-40. It was: the same number."""
    (record,) = compare([{"expression": "x**2*1e300", "at": {"x": "1e-170"}}])
    assert record.value is not None
    assert [side.autodiff for side in record.value.sides] == [0.0, 0.0]
    assert record.value.verdict == "both_wrong"
    assert {finding.code for finding in record.findings if finding.where == "value"} == {"GT023"}
