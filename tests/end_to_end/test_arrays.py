"""Textbook values of arrays: gradients, Jacobians, Hessians, higher orders and upstream gradients, in both frameworks.

The expected numbers are worked out by hand, published, or computed by NumPy from the textbook's formula.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from gradtool.report.entries import chosen
from gradtool.values import Array, flat
from gradtool.verdict.record import CheckRecord

FRAMEWORKS = ("torch", "tensorflow")
X = [[1, 2, 3], [4, 5, 6]]
W = [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]


def checked(check: Any, expression: str, framework: str, at: dict[str, Any], **options: Any) -> CheckRecord:
    (record,) = check([expression], framework=framework, at={name: str(v) for name, v in at.items()}, **options)
    assert record.problems == ()
    assert record.failures == ()
    return record  # type: ignore[no-any-return]


def verified(record: CheckRecord, variable: str) -> Any:
    """Autodiff's numbers for one variable; the exact ones equal them to 15 digits."""
    entries = [entry for entry in record.entries if entry.variable == variable]
    assert {entry.verdict for entry in entries} == {"verified"}
    for entry in entries:
        assert entry.symbolic is not None
        assert float(Decimal(entry.symbolic)) == pytest.approx(entry.autodiff, rel=1e-13, abs=1e-15)
    shape = [max(entry.index[axis] for entry in entries) + 1 for axis in range(len(entries[0].index))]
    return np.array([entry.autodiff for entry in entries]).reshape(shape)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_product_of_a_single_number_is_that_number(check: Any, framework: str) -> None:
    """TensorFlow has no axis 0 to work along there."""
    record = checked(check, "prod(x)*x", framework, {"x": 3})
    assert record.value == 9
    assert [(entry.autodiff, entry.verdict) for entry in record.entries] == [(6, "verified")]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("expression", "value", "gradient"),
    [
        ("sum(x**2)", 14, [2, 4, 6]),
        ("mean(x**2)", 14 / 3, [2 / 3, 4 / 3, 2]),
        ("prod(x)", 6, [6, 3, 2]),
        ("var(x)", 2 / 3, [-2 / 3, 0, 2 / 3]),
        ("var(x, ddof=1)", 1, [-1, 0, 1]),
        ("norm(x)", math.sqrt(14), [1 / math.sqrt(14), 2 / math.sqrt(14), 3 / math.sqrt(14)]),
        ("max(x)", 3, [0, 0, 1]),
        ("min(x)", 1, [1, 0, 0]),
        ("dot(x, x)", 14, [2, 4, 6]),
        ("x @ x", 14, [2, 4, 6]),
        ("sum(cumsum(x))", 10, [3, 2, 1]),
        ("sum(x[::2])", 4, [1, 0, 1]),
        ("x[-1]*x[0]", 3, [3, 0, 1]),
        ("sum(x[:, None]*x)", 36, [12, 12, 12]),
        ("sum(reshape(x, 3, 1) @ [[1, 10]])", 66, [11, 11, 11]),
        ("sum([x[0], 2*x[1], x[2]**2])", 14, [1, 2, 6]),
        ("mse(x, [0, 0, 0])", 14 / 3, [2 / 3, 4 / 3, 2]),
        ("logsumexp(x)", 3.4076059644443806, [0.09003057317038046, 0.24472847105479764, 0.6652409557748218]),
        ("softmax(x)[1]", 0.24472847105479764,
         [-0.02203304452017381, 0.18483644650997874, -0.1628034019898049]),
        ("log_softmax(x)[2]", -0.4076059644443803, [-0.09003057317038046, -0.24472847105479764, 0.3347590442251782]),
        ("bce_logits(x, [1, 0, 1])", 0.8295923500449792,
         [-0.0896471404566650, 0.2935990259926274, -0.0158086243925222]),
    ],
)  # fmt: skip
def test_a_vector(check: Any, framework: str, expression: str, value: float, gradient: list[float]) -> None:
    record = checked(check, expression, framework, {"x": [1, 2, 3]})
    assert record.value == pytest.approx(value, rel=1e-14)
    assert verified(record, "x") == pytest.approx(np.array(gradient), rel=1e-13)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_linear_layer_with_mean_squared_error(check: Any, framework: str) -> None:
    at = {"X": X, "W": W, "b": [0.1, 0.2], "T": [[1, 0], [0, 1]]}
    record = checked(check, "mean((X @ W + b - T)**2)", framework, at, wrt=("W", "b"))
    assert record.value == pytest.approx(16.7625, rel=1e-14)
    assert verified(record, "W") == pytest.approx(np.array([[10.65, 12.7], [13.8, 17], [16.95, 21.3]]), rel=1e-13)
    assert verified(record, "b") == pytest.approx(np.array([3.15, 4.3]), rel=1e-13)
    assert record.norm == pytest.approx(
        math.sqrt(10.65**2 + 12.7**2 + 13.8**2 + 17**2 + 16.95**2 + 21.3**2 + 3.15**2 + 4.3**2), rel=1e-13
    )


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_relu_layer_of_random_numbers_against_numpy(check: Any, framework: str) -> None:
    """dW = X^T (2/n (Y - T) [Z > 0]) with Z = XW + b, Y = max(Z, 0) and n the number of outputs."""
    at = {"X": "normal(5,3)", "W": "normal(3,2)", "b": "normal(2)", "T": "normal(5,2)"}
    record = checked(check, "mean((relu(X @ W + b) - T)**2)", framework, at, wrt=("W", "b"))
    x, w, b, t = (_numpy(record.point[name]) for name in "XWbT")
    z = x @ w + b
    upstream = 2 / 10 * (np.maximum(z, 0) - t) * (z > 0)
    assert (x.shape, w.shape, b.shape) == ((5, 3), (3, 2), (2,))
    assert verified(record, "W") == pytest.approx(x.T @ upstream, rel=1e-12)
    assert verified(record, "b") == pytest.approx(upstream.sum(axis=0), rel=1e-12)


def _numpy(value: Any) -> Any:
    return np.array(flat(value)).reshape(value.shape) if isinstance(value, Array) else value


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_softmax_cross_entropy_is_p_minus_y(check: Any, framework: str) -> None:
    record = checked(check, "cross_entropy(x, t)", framework, {"x": [[1, 2, 3], [4, 5, 7]], "t": [0, 2]})
    logits = np.array([[1, 2, 3], [4, 5, 7.0]])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert verified(record, "x") == pytest.approx((p - np.array([[1, 0, 0], [0, 0, 1]])) / 2, rel=1e-13)
    assert [entry.variable for entry in record.entries] == ["x"] * 6


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_network_of_two_layers_in_one_expression(check: Any, framework: str) -> None:
    """Against NumPy's backpropagation by hand."""
    at = {"X": "normal(4,3)", "A": "normal(3,5)", "a": "normal(5)", "B": "normal(5,2)", "T": "normal(4,2)"}
    record = checked(check, "mean((tanh(X @ A + a) @ B - T)**2)", framework, at, wrt=("A", "a", "B"))
    x, one, shift, two, t = (_numpy(record.point[name]) for name in ("X", "A", "a", "B", "T"))
    hidden = np.tanh(x @ one + shift)
    upstream = 2 / 8 * (hidden @ two - t)
    inner = (upstream @ two.T) * (1 - hidden**2)
    assert verified(record, "B") == pytest.approx(hidden.T @ upstream, rel=1e-11)
    assert verified(record, "A") == pytest.approx(x.T @ inner, rel=1e-11)
    assert verified(record, "a") == pytest.approx(inner.sum(axis=0), rel=1e-11)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("expression", "at", "value", "derivatives"),
    [
        ("x**3", 2, 8, [12, 12]),
        ("x**4", 2, 16, [32, 48, 48]),
        ("exp(x)*sin(x)", 1, 2.2873552871788423, [3.756049227094728, 2.937387879831771]),
        ("sin(x)", 0.5, math.sin(0.5), [math.cos(0.5), -math.sin(0.5), -math.cos(0.5), math.sin(0.5), math.cos(0.5)]),
        ("exp(2*x)", 0, 1, [2, 4, 8, 16, 32]),
        ("1/x", 2, 0.5, [-1 / 4, 2 / 8, -6 / 16, 24 / 32, -120 / 64]),
        ("log(x)", 2, math.log(2), [1 / 2, -1 / 4, 2 / 8, -6 / 16, 24 / 32]),
        ("sqrt(x)", 4, 2, [1 / 4, -1 / 32, 3 / 256, -15 / 2048, 105 / 16384]),
        ("tanh(x)", 0, 0, [1, 0, -2, 0, 16]),
        ("sigmoid(x)", 0, 0.5, [1 / 4, 0, -1 / 8, 0, 1 / 4]),
        ("3*x", 1, 3, [3, 0, 0]),
        ("abs(x)", -2, 2, [-1, 0, 0, 0, 0]),
    ],
)
def test_higher_orders(
    check: Any, framework: str, expression: str, at: float, value: float, derivatives: list[float]
) -> None:
    record = checked(check, expression, framework, {"x": at}, mode="orders", order=len(derivatives))
    assert record.value == pytest.approx(value, rel=1e-14, abs=1e-300)
    assert [entry.label for entry in record.entries] == [", ".join("x" * n) for n in range(1, len(derivatives) + 1)]
    assert [entry.verdict for entry in record.entries] == ["verified"] * len(derivatives)
    assert [entry.autodiff for entry in record.entries] == pytest.approx(derivatives, rel=1e-13, abs=1e-15)


def test_the_derivatives_of_lgamma_at_1_are_zeta_values(check: Any) -> None:
    """-gamma, zeta(2), -2 zeta(3), 6 zeta(4); PyTorch's trigamma is a short series, and found out."""
    expected = [-0.5772156649015329, math.pi**2 / 6, -2.4041138063191885, math.pi**4 / 15]
    right = checked(check, "lgamma(x)", "tensorflow", {"x": 1}, mode="orders", order=4)
    assert [entry.verdict for entry in right.entries] == ["verified"] * 4
    assert [entry.autodiff for entry in right.entries] == pytest.approx(expected, rel=1e-13)
    off = checked(check, "lgamma(x)", "torch", {"x": 1}, mode="orders", order=2)
    assert [entry.verdict for entry in off.entries] == ["verified", "wrong"]
    assert [float(Decimal(entry.symbolic or "nan")) for entry in off.entries] == pytest.approx(expected[:2], rel=1e-15)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("names", [("x", "xx"), ("xx", "x")])
def test_a_name_that_ends_like_another_keeps_its_own_derivatives(
    check: Any, framework: str, names: tuple[str, str]
) -> None:
    first, second = names
    record = checked(check, f"{first}**2*{second}", framework, {first: 3, second: 2}, mode="orders", order=2)
    expected = {first: 12, f"{first}, {first}": 4, second: 9, f"{second}, {second}": 0}
    assert {entry.label: entry.autodiff for entry in record.entries} == expected
    assert {entry.verdict for entry in record.entries} == {"verified"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_jacobians(check: Any, framework: str) -> None:
    cubes = checked(check, "x**3", framework, {"x": [1, 2, 3]}, mode="jacobian")
    assert verified(cubes, "x") == pytest.approx(np.diag([3.0, 12, 27]))
    record = checked(check, "[x**2+y**2, x*y, sin(x)+cos(y)]", framework, {"x": 2, "y": 3}, mode="jacobian")
    assert verified(record, "x") == pytest.approx(np.array([4, 3, -0.4161468365471424]), rel=1e-14)
    assert verified(record, "y") == pytest.approx(np.array([6, 2, -0.1411200080598672]), rel=1e-14)
    assert [entry.label for entry in record.entries][:3] == ["f[0] by x", "f[1] by x", "f[2] by x"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_hessians(check: Any, framework: str) -> None:
    cubes = checked(check, "sum(x**3)", framework, {"x": [1, 2, 3]}, mode="hessian")
    assert verified(cubes, "x,x") == pytest.approx(np.diag([6.0, 12, 18]))
    assert cubes.asymmetry == 0
    record = checked(check, "x**2*y", framework, {"x": 1, "y": 2}, mode="hessian")
    assert {entry.label: entry.autodiff for entry in record.entries} == {"x, x": 4, "x, y": 2, "y, x": 2, "y, y": 0}
    assert {entry.verdict for entry in record.entries} == {"verified"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_hessian_of_fifty_variables(check: Any, framework: str) -> None:
    """log(sum(exp(x))) has the Hessian diag(p) - p p^T; it is symmetric to rounding."""
    record = checked(check, "logsumexp(x)", framework, {"x": "normal(50)"}, mode="hessian")
    p = np.exp(_numpy(record.point["x"]))
    p /= p.sum()
    assert verified(record, "x,x") == pytest.approx(np.diag(p) - np.outer(p, p), rel=1e-11, abs=1e-17)
    assert record.asymmetry is not None
    assert record.asymmetry < 1e-17


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_upstream_gradient_and_the_ones_that_are_assumed(check: Any, framework: str) -> None:
    weighed = checked(check, "x**2", framework, {"x": [1, 2, 3]}, upstream="[1,10,0]")
    assert verified(weighed, "x") == pytest.approx(np.array([2, 40, 0]))
    assert weighed.findings == ()
    ones = checked(check, "x**2", framework, {"x": [1, 2, 3]}, upstream="[1,1,1]")
    silent = checked(check, "x**2", framework, {"x": [1, 2, 3]})
    assert verified(ones, "x") == pytest.approx(verified(silent, "x"))
    assert [finding.code for finding in ones.findings] == []
    assert [finding.code for finding in silent.findings] == ["GT020"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("expression", "at", "tied"),
    [
        ("max(x)", [1, 3, 3, 2], [1, 2]),
        ("sum(max(x, axis=0))", [[1, 2], [1, 1]], [0, 2]),
        ("sum(min(x, axis=1))", [[1, 2], [1, 1]], [2, 3]),
        ("sum(relu(x))", [-1, 0, 2, 0], [1, 3]),
        ("sum(abs(x)*x)", [0, 1], []),
        ("sum(max(x, 1))", [0, 1, 2], [1]),
        ("sum(where(x > 1, x, 0))", [0, 1, 2], [1]),
        ("sum(where(x > 1, x, 1))", [0, 1, 2], [1]),
        ("sum(sqrt(x))", [4, 0, 1], [1]),
        ("norm(x)", [0, 0], [0, 1]),
    ],
)
def test_only_the_tied_entries_are_not_differentiable(
    check: Any, framework: str, expression: str, at: list[Any], tied: list[int]
) -> None:
    record = checked(check, expression, framework, {"x": at})
    words = [entry.verdict for entry in record.entries]
    assert [place for place, word in enumerate(words) if word == "not_differentiable"] == tied
    assert set(words) <= {"not_differentiable", "verified"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_sum_that_gradcheck_blames(check: Any, framework: str) -> None:
    expected = [-2.8820159, -3.5238719]
    for dtype, digits in (("float64", 1e-7), ("float32", 1e-6)):
        record = checked(check, "sum(sin(x**2)+cos(x))", framework, {"x": [1.5, 2.0]}, dtype=dtype)
        assert [entry.verdict for entry in record.entries] == ["verified"] * 2
        assert [entry.autodiff for entry in record.entries] == pytest.approx(expected, rel=digits)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_ten_thousand_entries_are_all_covered(check: Any, framework: str) -> None:
    """d/dx (sin(x^2) + cos(x)) = 2 x cos(x^2) - sin(x), by NumPy."""
    record = checked(check, "sum(sin(x**2)+cos(x))", framework, {"x": "normal(10000)"})
    x = _numpy(record.point["x"])
    assert verified(record, "x") == pytest.approx(2 * x * np.cos(x * x) - np.sin(x), rel=1e-7, abs=1e-12)
    assert len(record.entries) == 10_000
    assert [bar.claim for bar in record.directions] == pytest.approx([bar.value for bar in record.directions], rel=1e-6)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_in_a_large_array_the_kinks_are_named(check: Any, framework: str) -> None:
    """relu at exact zeros: every third of 3000 entries."""
    zeros = ",".join(str((place % 3) * (1 if place % 2 else -1)) for place in range(3000))
    record = checked(check, "sum(relu(x)*x + x)", framework, {"x": f"[{zeros}]"})
    assert {entry.verdict for entry in record.entries} == {"verified"}  # relu(x)*x is smooth at 0
    kinked = checked(check, "sum(relu(x))", framework, {"x": f"[{zeros}]"})
    words = [entry.verdict for entry in kinked.entries]
    assert [place for place, word in enumerate(words) if word == "not_differentiable"] == list(range(0, 3000, 3))
    assert kinked.entries[0].left is not None
    assert (float(kinked.entries[0].left), float(kinked.entries[0].right or "nan")) == (0, 1)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_three_hundred_thousand_entries_are_tested_as_a_whole(check: Any, framework: str) -> None:
    record = checked(check, "sum(tanh(x)*x)", framework, {"x": "normal(300000)"})
    (entry,) = record.entries
    assert (entry.verdict, entry.count, entry.label) == ("verified", 300_000, "x (300000 entries)")
    assert entry.power is not None
    assert entry.power < 1e-9
    x = _numpy(record.point["x"])
    assert record.norm == pytest.approx(float(np.linalg.norm(np.tanh(x) + x / np.cosh(x) ** 2)), rel=1e-12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("upstream", [2, -0.5, 0])
def test_an_upstream_gradient_scales_every_witness_of_a_single_number(
    check: Any, framework: str, upstream: float
) -> None:
    (entry,) = (record := checked(check, "x**3", framework, {"x": 2}, upstream=str(upstream))).entries
    assert (entry.verdict, entry.autodiff) == ("verified", 12 * upstream)
    assert float(Decimal(entry.symbolic or "nan")) == 12 * upstream
    assert entry.finite_difference == pytest.approx(12 * upstream, rel=1e-9, abs=1e-12)
    assert record.findings == ()


def test_what_is_no_number_comes_first_and_many_warnings_are_one(check: Any) -> None:
    record = checked(check, "mean(log(1+exp(400*x)))", "torch", {"x": "normal(1500)"})
    shown, _ = chosen(record)
    assert sum(math.isnan(entry.autodiff or 0.0) for entry in record.entries) > 8
    assert all(math.isnan(entry.autodiff or 0.0) for entry in shown)
    assert len(record.findings) < 10
