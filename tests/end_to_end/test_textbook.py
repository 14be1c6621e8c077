"""The textbook values of the field, in both frameworks: autodiff, the symbolic witness and the textbook agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from gradtool.verdict.record import CheckRecord

Checker = Callable[..., list[CheckRecord]]
FRAMEWORKS = ("torch", "tensorflow")

NEURON = "-(y*log(sigmoid(w*x + b)) + (1 - y)*log(1 - sigmoid(w*x + b)))"
CLIPPED = NEURON.replace("sigmoid(w*x + b)", "clip(sigmoid(w*x + b), 1e-8, 1 - 1e-8)")
NEURON_AT = {"x": "6.7", "w": "1", "b": "0", "y": "0"}

# expression, point, gradient: the numbers of tutorials and textbooks.
TEXTBOOK: list[tuple[str, dict[str, str], dict[str, float]]] = [
    ("x**2 + 2*x + 1", {"x": "3"}, {"x": 8}),
    ("3*x**3 + 2*x**2 + x + 1", {"x": "2"}, {"x": 45}),
    ("x**2*y + x*y**2 + x + y", {"x": "2", "y": "3"}, {"x": 22, "y": 17}),
    ("x**2*y + x*y**2", {"x": "1", "y": "2"}, {"x": 8, "y": 5}),
    ("((x**2) + 1)**3", {"x": "2"}, {"x": 300}),
    ("sin(x**2)", {"x": "4"}, {"x": -7.661275842587077}),
    ("x**2 + 3*x*y + y**3", {"x": "2", "y": "3"}, {"x": 13, "y": 33}),
    ("sin(x) + cos(y)", {"x": "2", "y": "3"}, {"x": math.cos(2), "y": -math.sin(3)}),
    (NEURON, NEURON_AT, {"w": 6.69176301, "b": 0.99877060}),
    ("x*y + x**2", {"x": "2", "y": "3"}, {"x": 7, "y": 2}),
    ("(x**2 + 3)**2", {"x": "2"}, {"x": 56}),
    ("sin(x**2)**3", {"x": "2"}, {"x": 12 * math.cos(4) * math.sin(4) ** 2}),
]


def line(expression: str, at: dict[str, str], wrt: list[str] | None = None) -> dict[str, Any]:
    return {"expression": expression, "at": at, **({"wrt": wrt} if wrt else {})}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("expression", "at", "expected"), TEXTBOOK, ids=[row[0] for row in TEXTBOOK])
def test_the_textbook_gradient_is_verified(
    check: Checker, framework: str, expression: str, at: dict[str, str], expected: dict[str, float]
) -> None:
    (record,) = check([line(expression, at, list(expected))], framework=framework)
    assert record.verdict == "verified", [entry.reason for entry in record.entries]
    for entry in record.entries:
        assert entry.autodiff == pytest.approx(expected[entry.variable], rel=5e-8)
        assert float(Decimal(str(entry.symbolic))) == pytest.approx(expected[entry.variable], rel=5e-8)
        assert abs(entry.finite_difference - expected[entry.variable]) <= entry.finite_difference_bar + 5e-7


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_neuron_in_float32_is_verified_within_its_ulps(check: Checker, framework: str) -> None:
    (record,) = check([line(NEURON, NEURON_AT, ["w", "b"])], framework=framework, dtype="float32")
    assert [entry.verdict for entry in record.entries] == ["verified", "verified"]
    # 1 - sigmoid(6.7) is 1.2e-3 and is left with half an ulp of 1 of error: a few hundred ulps of its own.
    assert all(entry.ulp < 1000 for entry in record.entries)
    assert record.entries[0].autodiff == pytest.approx(6.69176301, rel=1e-4)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_clip_bound_that_float32_rounds_to_1_makes_the_loss_unstable(check: Checker, framework: str) -> None:
    """1 - 1e-8 is 1 in float32, so the saturated neuron reaches log(0)."""
    (record,) = check([line(CLIPPED, {**NEURON_AT, "w": "3"}, ["w"])], framework=framework, dtype="float32")
    (entry,) = record.entries
    assert entry.verdict in ("unstable", "undefined"), entry.reason
    assert not math.isfinite(entry.autodiff) or entry.autodiff == 0


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_where_the_clip_is_active_in_float64_the_derivative_is_exactly_0(check: Checker, framework: str) -> None:
    (record,) = check([line(CLIPPED, {**NEURON_AT, "w": "3"}, ["w"])], framework=framework)
    (entry,) = record.entries
    assert (entry.verdict, entry.autodiff, entry.symbolic) == ("verified", 0.0, "0")


KNOWN: list[tuple[str, dict[str, str], dict[str, tuple[str, float]]]] = [
    ("max(x, 0)", {"x": "0"}, {"torch": ("not_differentiable", 0.5), "tensorflow": ("not_differentiable", 1.0)}),
    ("floor(x)", {"x": "1.5"}, {"torch": ("verified", 0.0), "tensorflow": ("verified", 0.0)}),
    ("floor(x)", {"x": "2"}, {"torch": ("not_differentiable", 0.0), "tensorflow": ("not_differentiable", 0.0)}),
    ("x**0", {"x": "0"}, {"torch": ("verified", 0.0), "tensorflow": ("unstable", math.nan)}),
    (
        "where(x > 0, sqrt(x), 0)",
        {"x": "-1"},
        {"torch": ("unstable", math.nan), "tensorflow": ("verified", 0.0)},
    ),
    ("softplus(x)", {"x": "21"}, {"torch": ("wrong", 1.0), "tensorflow": ("verified", 1.0)}),
]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("expression", "at", "expected"), KNOWN, ids=[f"{row[0]} at {row[1]}" for row in KNOWN])
def test_the_known_differences_between_the_frameworks_come_out_right(
    check: Checker, framework: str, expression: str, at: dict[str, str], expected: dict[str, tuple[str, float]]
) -> None:
    (record,) = check([line(expression, at)], framework=framework)
    (entry,) = record.entries
    assert (entry.verdict, entry.autodiff) == (
        expected[framework][0],
        pytest.approx(expected[framework][1], nan_ok=True),
    )


def test_tensorflows_none_counts_as_0_and_is_said_so(check: Checker) -> None:
    (record,) = check([line("floor(x)", {"x": "1.5"})], framework="tensorflow")
    assert record.entries[0].unconnected
    assert "None" in record.entries[0].reason
    assert "GT010" in [finding.code for finding in record.findings]


def test_tensorflows_gelu_is_found_to_be_off_by_4e_9_and_torchs_is_not(check: Checker) -> None:
    """The planted fault is TensorFlow's own: a float32 constant; PyTorch is the healthy twin."""
    (ill,) = check([line("gelu(x)", {"x": "1"})], framework="tensorflow")
    (well,) = check([line("gelu(x)", {"x": "1"})], framework="torch")
    assert ill.verdict == "wrong"
    assert "known deviation in this expression: tf.nn.gelu" in ill.entries[0].reason
    truth = Decimal(str(ill.entries[0].symbolic))
    assert abs(Decimal(ill.entries[0].autodiff) - truth) == pytest.approx(Decimal("4.1e-9"), abs=Decimal("1e-10"))
    assert (well.verdict, well.entries[0].ulp < 2) == ("verified", True)


NATIVE_LOSSES = [
    ("sigmoid(x)", "30", "torch", 1e-3),
    ("elu(x)", "-30", "tensorflow", 1.7e-4),
    ("gelu(x)", "-10", "torch", 1e-2),
    ("tanh(x)", "20", "torch", 1.0),
    ("tanh(x)", "20", "tensorflow", 1.0),
]


@pytest.mark.parametrize(("expression", "x", "framework", "loss"), NATIVE_LOSSES)
def test_a_native_backward_pass_that_cancels_is_unstable(
    check: Checker, expression: str, x: str, framework: str, loss: float
) -> None:
    (record,) = check([line(expression, {"x": x})], framework=framework)
    (entry,) = record.entries
    truth = Decimal(str(entry.symbolic))
    assert entry.verdict == "unstable"
    assert float(abs(Decimal(entry.autodiff) - truth) / abs(truth)) == pytest.approx(loss, rel=0.5)


ORDINARY = [
    *(("tanh(x)", str(x)) for x in (2, 3, 4, 5, 6)),
    *(("sigmoid(x)", str(x)) for x in (3, 6, 9, 12, 15)),
    ("asin(x)", "0.9999999"),
    ("sin(x)", "1e22"),
    ("(x - 5)**2", "5"),
    ("(x - 5)**2", "5.000000001"),
]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_ordinary_code_is_not_accused(check: Checker, framework: str) -> None:
    records = check([line(expression, {"x": x}) for expression, x in ORDINARY], framework=framework)
    assert {
        f"{record.target} at {record.point}": record.verdict for record in records if record.verdict != "verified"
    } == {}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_advised_rewrite_was_tried_at_the_point(check: Checker, framework: str) -> None:
    (record,) = check([line("log(1 + exp(x))", {"x": "1000"})], framework=framework)
    (remedy,) = [finding.remedy for finding in record.findings if finding.code == "GT002"]
    if framework == "torch":
        assert remedy == "write softplus(x) instead of log(1 + exp(x)): verified at this point"
    (better,) = check([line("softplus(x)", {"x": "1000"})], framework=framework)
    assert ("verified at this point" in remedy) == (better.verdict == "verified")
