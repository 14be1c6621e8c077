"""The exact walk on whole arrays: against the walk number by number, PyTorch, closed forms; kinks, holes, sizes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from large_programs import Floats, program, request, steps_of
from mpmath import mp

from gradtool.evidence import Exact, ExactEntry, Request
from gradtool.values import Array
from gradtool.witness.pytorch.expression import PyTorch
from gradtool.witness.symbolic.derivative import derive
from gradtool.witness.symbolic.large.gradient import Grid, LargeGradient, LargeUndefinedError, derive_large
from gradtool.witness.symbolic.program import TooLargeError

SAFETY = 4
INF, NAN = float("inf"), float("nan")


def large(text: str, point: dict[str, Any], **how: Any) -> LargeGradient:
    asked = request(text, point, **how)
    return derive_large(asked, steps_of(asked))


def grid(text: str, point: dict[str, Any], variable: str = "x", **how: Any) -> Grid:
    return next(found for found in large(text, point, **how).grids if found.variable == variable)


def drawn(seed: int, dtype: str, framework: str) -> tuple[Request, dict[str, Floats]]:
    made = program(seed)
    point = {name: part.astype(dtype).astype(np.float64) for name, part in made.point.items()}
    return request(made.text, point, dtype, framework), point


# ---- against the walk number by number


@pytest.mark.parametrize("start", range(0, 240, 24))
def test_it_agrees_with_the_walk_number_by_number(start: int) -> None:
    compared = 0
    for seed in range(start, start + 24):
        asked, _ = drawn(seed, "float32" if seed % 5 == 0 else "float64", "tensorflow" if seed % 3 == 0 else "torch")
        one_by_one, found = derive(asked), derive_large(asked, steps_of(asked))
        assert one_by_one.status == "defined"
        grids = {part.variable: part for part in found.grids}
        for entry in one_by_one.entries:
            compared += not entry.touched
            assert_same(asked, entry, grids[entry.variable])
        assert_same_value(asked, one_by_one, found)
    assert compared > 60


def assert_same(asked: Request, entry: ExactEntry, found: Grid) -> None:
    at, where = entry.index, (asked.expression, entry)
    assert bool(found.touched[at]) == bool(entry.touched), where
    assert bool(found.doubtful[at]) == entry.doubtful, where
    if entry.touched:
        assert_same_sides(entry, found, where)
        return
    assert not found.unknown[at], where
    assert entry.derivative is not None
    with mp.workdps(60):
        truth = mp.mpf(entry.derivative)
        got = mp.mpf(float(found.high[at])) + mp.mpf(float(found.low[at]))
        assert abs(got - truth) <= mp.mpf(10) ** -25 * abs(truth), where
        bound, unit = float(mp.mpf(entry.bound)), 2.0 ** -(24 if asked.dtype == "float32" else 53)
    few_units = abs(bound - found.bound[at]) <= 4 * unit * abs(found.high[at])  # such as sums with a path of slope 0
    assert few_units or bound / 3 <= found.bound[at] <= 5 * bound, (where, found.bound[at])


def assert_same_sides(entry: ExactEntry, found: Grid, where: object) -> None:
    """Where the sides are told at all, they are those of the walk beside the point."""
    at = entry.index
    if found.unknown[at]:
        assert np.isnan(found.high[at]), where
        return
    for told, got in ((entry.left, found.left[at]), (entry.right, found.right[at])):
        wanted = told if told is not None else entry.derivative
        assert wanted is not None, where
        assert got == pytest.approx(float(mp.mpf(wanted)), rel=1e-9, abs=1e-30), where


def assert_same_value(asked: Request, told: Exact, found: LargeGradient) -> None:
    if told.value is None:
        return
    with mp.workdps(60):
        truth, got = mp.mpf(told.value), mp.mpf(float(found.value.high)) + mp.mpf(float(found.value.low))
        assert abs(got - truth) <= mp.mpf(10) ** -25 * abs(truth), asked.expression
        bound = float(mp.mpf(told.value_bound))
        assert bound / 3 <= float(found.value.bound) <= 3 * bound or bound <= 1e-300, asked.expression


# ---- against PyTorch


def autodiff(asked: Request, point: dict[str, Floats]) -> tuple[Floats, dict[str, Floats | None]]:
    torch = PyTorch()
    leaves = {name: torch.tensor(part, asked.dtype) for name, part in point.items()}
    steps = steps_of(asked, "")
    value, pull = torch.pullback(lambda given: torch.run(steps, given, asked.dtype), leaves, asked.wrt)
    return torch.numbers(value), pull(np.ones(value.shape))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_pytorch_is_never_off_by_more_than_the_bound_explains(dtype: str) -> None:
    compared = 0
    for seed in range(1000, 1300):
        asked, point = drawn(seed, dtype, "torch")
        found = derive_large(asked, steps_of(asked))
        value, gradients = autodiff(asked, point)
        settled = not any(part.doubtful.any() for part in found.grids)
        error = np.abs(value - found.value.high - found.value.low)
        assert not settled or (error <= SAFETY * found.value.bound).all(), asked
        for part in found.grids:
            got = gradients[part.variable]
            judged = ~part.unknown & (part.touched == 0) & ~part.doubtful
            error = np.abs((0 if got is None else got) - part.high - part.low)
            assert (error <= SAFETY * part.bound + 1e-300)[judged].all(), (asked, part, got)
            compared += int(judged.sum())
    assert compared > 1500


# ---- closed forms


def test_it_gives_thirty_digits() -> None:
    numbers = np.random.default_rng(1).normal(size=100) * 3
    found = grid("sum(sin(x**2) + cos(x))", {"x": numbers})
    with mp.workdps(60):
        for number, high, low in zip(numbers.tolist(), found.high.tolist(), found.low.tolist(), strict=True):
            x = mp.mpf(number)
            truth = 2 * x * mp.cos(x * x) - mp.sin(x)
            assert high == float(truth)
            assert abs(mp.mpf(high) + mp.mpf(low) - truth) <= mp.mpf(2) ** -104 * abs(truth)


def test_the_gradient_of_a_matrix_product_is_the_sums_of_the_other_side() -> None:
    draw = np.random.default_rng(2)
    a, b = draw.integers(-9, 9, size=(30, 20)) * 0.125, draw.integers(-9, 9, size=(20, 10)) * 0.25
    found = large("sum(a @ b)", {"a": a, "b": b})
    assert (found.grids[0].high == np.broadcast_to(b.sum(axis=1), a.shape)).all()
    assert (found.grids[1].high == np.broadcast_to(a.sum(axis=0)[:, None], b.shape)).all()
    assert not found.value.bound  # every partial sum is a number of the dtype


def test_upstream_weights_the_entries_and_leaves_out_those_of_weight_0() -> None:
    upstream = Array.of((3,), [2.0, -1.0, 0.0])
    found = grid("log(x)", {"x": np.array([2.0, 0.5, -1.0])}, upstream=upstream)
    assert found.high.tolist() == [1.0, -2.0, 0.0]


def test_a_derivative_that_cancels_to_nothing_is_0() -> None:
    assert (grid("sum(sin(x)**2 + cos(x)**2)", {"x": np.linspace(-2, 2, 9)}).high == 0).all()
    assert (grid("sum(softmax(x))", {"x": np.linspace(-2, 2, 9)}).high == 0).all()


def test_cancellation_of_hundreds_of_digits_is_followed() -> None:
    found = grid("sum(exp(x) - exp(x)*(1 - y))", {"x": np.array([1.0, 2.0]), "y": 1e-150})
    with mp.workdps(60):
        assert found.high.tolist() == [float(mp.exp(x) * mp.mpf(1e-150)) for x in (1, 2)]


# ---- kinks


KINKS = [
    ("sum(relu(x))", [0.0, 1.0, -1.0], [0.0, NAN, NAN], [1.0, NAN, NAN]),
    ("3*amax(x)", [1.0, 5.0, 5.0], [NAN, 0.0, 0.0], [NAN, 3.0, 3.0]),
    ("-amin(x)", [2.0, 1.0, 1.0], [NAN, -1.0, -1.0], [NAN, 0.0, 0.0]),
    ("sum(abs(-2*x))", [0.0, 3.0], [-2.0, NAN], [2.0, NAN]),
    ("sum(clip(x, -1, inf))", [-1.0, 3.0], [0.0, NAN], [1.0, NAN]),
    ("sum(cumsum(relu(x)))", [0.0, 0.0], [0.0, 0.0], [2.0, 1.0]),
    ("sum(transpose([relu(x), x])[0])", [0.0, 2.0], [1.0, NAN], [2.0, NAN]),
    ("sum(relu(x)) + sum(abs(x))", [0.0, 2.0], [-1.0, NAN], [2.0, NAN]),
]


@pytest.mark.parametrize(("text", "point", "left", "right"), KINKS)
def test_one_sided_slopes_follow_from_those_of_the_steps(
    text: str, point: list[float], left: list[float], right: list[float]
) -> None:
    found = grid(text, {"x": np.array(point)})
    np.testing.assert_array_equal(found.left, left)
    np.testing.assert_array_equal(found.right, right)
    np.testing.assert_array_equal(found.touched > 0, ~np.isnan(left))
    np.testing.assert_array_equal(np.isnan(found.high), ~np.isnan(left))
    assert not found.unknown.any()


def test_kinks_that_cancel_leave_a_derivative() -> None:
    found = grid("sum(relu(x) - relu(-x))", {"x": np.array([0.0, 1.0])})
    assert found.high.tolist() == [1.0, 1.0]
    assert found.touched[0]
    assert not found.unknown.any()


def test_one_side_of_a_matrix_meets_kinks_through_every_row() -> None:
    found = grid("sum(relu(w @ x))", {"w": np.array([[1.0, -1.0], [2.0, 3.0]]), "x": np.ones(2)})
    assert found.left.tolist() == [2.0, 2.0]
    assert found.right.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("text", ["sum(relu(x - 2*x))", "sum(where(x > 0, x, 2*x))", "sum(sqrt(x))", "sum(floor(x))"])
def test_what_can_not_be_told_is_unknown(text: str) -> None:
    found = grid(text, {"x": np.array([0.0, 4.5])})
    assert found.touched.astype(bool).tolist() == [True, False]
    assert found.unknown.tolist() == [True, False]
    assert np.isnan(found.high[0])


# ---- branches, holes and the range of the dtype


def test_a_branch_that_is_not_taken_does_no_harm() -> None:
    point = {"x": np.array([-4.0, 4.0, -1e200, 0.5])}
    found = grid("sum(where(x > 0, sqrt(x), exp(x)*log(abs(x) + 1)))", point)
    assert found.high[1] == 0.25
    assert not found.unknown.any()
    assert not found.touched.any()


def test_an_operation_outside_its_domain_is_named_with_the_index() -> None:
    with pytest.raises(LargeUndefinedError) as caught:
        large("sum(x*sqrt(y))", {"x": np.ones((2, 3)), "y": np.array([1.0, 0.5, -2.0])})
    assert caught.value.step.operation == "sqrt"
    assert caught.value.index == (2,)
    assert caught.value.arguments == [-2.0]


def test_overflow_makes_the_bound_infinite_where_it_happens_only() -> None:
    found = large("sum(exp(x))", {"x": np.array([800.0, 1.0])})
    assert np.isinf(found.grids[0].bound).tolist() == [True, False]
    assert found.cause(int(found.grids[0].cause[0])) == "overflow"
    assert not found.grids[0].unknown[1]


OUTDONE = [
    ("sum(exp(-x)*exp(x))", {"x": np.array([720.0, 760.0])}, "exp"),
    ("sum(log(exp(-x)*exp(x)))", {"x": np.array([720.0, 780.0])}, "exp"),
    ("sum((exp(-x)/sum(exp(-x)))*exp(x))", {"x": np.array([740.0, 745.0, 750.0])}, "exp"),
    ("sum(sqrt(x**2 + y**2))", {"x": np.array([1e-200, 1e-180]), "y": np.array([1e160, 1e170])}, "pow"),
    ("sum((a @ exp(-x))*(a @ exp(x)))", {"a": np.ones((2, 2)), "x": np.array([720.0, 760.0])}, "exp"),
]


@pytest.mark.parametrize(("text", "point", "operation"), OUTDONE, ids=[case[0] for case in OUTDONE])
def test_an_overflow_is_named_beside_the_worst_underflow(text: str, point: dict[str, Any], operation: str) -> None:
    """exp is beyond float64 from 709.8 on, and so is the square of 1e160: both walks name that.

    What is lost where 1e-330 is no float64 was infinite to the walk on whole arrays, and as bad as an overflow.
    """
    asked = request(text, point)
    found = derive_large(asked, steps_of(asked))
    grids = {part.variable: part for part in found.grids}
    for entry in derive(asked).entries:
        part = grids[entry.variable]
        step = found.step(int(part.loss[entry.index]))
        assert entry.loss is not None
        assert step is not None
        assert (entry.loss.operation, entry.cause) == (operation, "overflow")
        assert (step.operation, found.cause(int(part.cause[entry.index]))) == (operation, "overflow")


def test_a_local_derivative_beyond_the_dtype_overflows_backward() -> None:
    """1/x is 1e310 at 1e-310, and its product with the adjoint 1e-10 is no more than 1e300."""
    asked = request("sum(log(x)*1e-10)", {"x": np.array([1e-310, 1e-320])})
    found = derive_large(asked, steps_of(asked))
    causes = [entry.cause for entry in derive(asked).entries]
    assert [found.cause(int(code)) for code in found.grids[0].cause] == causes == ["backward_overflow"] * 2


def test_a_number_beyond_any_computer_is_unknown() -> None:
    found = grid("sum(sin(exp(exp(x))))", {"x": np.array([1e10, 1.0])})
    assert found.unknown.tolist() == [True, False]


def test_the_step_that_loses_the_digits_is_named() -> None:
    found = large("sum(((x + 1e8) - 1e8)**2)", {"x": np.array([1e-3, 1e9])})
    loss = found.step(int(found.grids[0].loss[0]))
    assert loss is not None
    assert (loss.operation, found.cause(int(found.grids[0].cause[0]))) == ("subtract", "cancellation")


def test_a_loss_travels_through_two_matrix_products() -> None:
    """Its cause once had another shape than its factor behind the first of them."""
    x = np.array([[1.0, 2.0, 3.0], [0.1, 0.2, 0.3]])
    point = {"x": x, "w": np.full((3, 2), 0.7), "v": np.eye(2), "y": np.array([[9.0], [0.42]])}
    found = large("sum(((x @ w @ v) - y)**3)", point)
    assert {found.cause(int(code)) for code in found.grids[0].cause[1]} == {"cancellation"}
    assert {found.cause(int(code)) for code in found.grids[1].cause.flat} == {"cancellation"}


def test_a_condition_decided_by_rounding_is_doubtful() -> None:
    found = grid("sum(abs(x*x - 0.09))", {"x": np.array([0.3, 1.0])})
    assert found.doubtful.tolist() == [True, False]


def test_tensorflow_takes_subnormal_numbers_for_0() -> None:
    point = {"x": np.array([1e-310, 1.0])}
    found = large("sum(sqrt(x))", point, framework="tensorflow")
    assert found.cause(int(found.grids[0].cause[0])) == "flushed"
    assert found.grids[0].bound[0] > 1e14 * grid("sum(sqrt(x))", point).bound[0]


# ---- size


def test_a_hundred_thousand_entries_take_seconds() -> None:
    began = time.process_time()
    found = grid("sum(sin(x**2) + cos(x))", {"x": np.random.default_rng(3).normal(size=100_000)})
    assert time.process_time() - began < 8  # measured: 2.4
    assert not found.unknown.any()


def test_what_does_not_fit_into_memory_is_refused_at_once() -> None:
    with pytest.raises(TooLargeError, match="GB"):
        large("sum(tanh(x)*x + sin(x))", {"x": np.ones(2_000_000)})


def test_a_large_classifier_agrees_with_pytorch() -> None:
    draw = np.random.default_rng(4)
    point = {
        "x": draw.normal(size=(64, 20)), "w": draw.normal(size=(20, 30)), "v": draw.normal(size=(30, 10)),
        "labels": draw.integers(0, 10, size=64).astype(float),
    }  # fmt: skip
    asked = request("cross_entropy(relu(x @ w) @ v, labels)", point)
    found = derive_large(asked, steps_of(asked))
    leaves = {**point, "labels": point["labels"].astype(np.int64)}
    torch = PyTorch()
    tensors = {name: torch.tensor(part, "int64" if name == "labels" else "float64") for name, part in leaves.items()}
    steps = steps_of(asked, "")
    _, pull = torch.pullback(lambda given: torch.run(steps, given, "float64"), tensors, asked.wrt)
    gradients = pull(np.ones(()))
    for part in found.grids:
        got = gradients[part.variable]
        assert got is not None
        assert (np.abs(got - part.high - part.low) <= SAFETY * part.bound).all()
        assert not part.unknown.any()
