"""The verdict on every node: where nan enters, where digits are lost, and where there is no derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradtool.evidence import Autodiff, Exact, ExactEntry, ExactNode, ExactTrace, Trace
from gradtool.target.expression import parse
from gradtool.values import flat
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import Case
from gradtool.verdict.record import CheckRecord, Step
from gradtool.verdict.steps import steps

Checker = Callable[..., list[CheckRecord]]
FRAMEWORKS = pytest.mark.parametrize("framework", ["torch", "tensorflow"])


def told(check: Checker, expression: str, at: dict[str, str], **options: Any) -> dict[str, Step]:
    """The steps by their texts."""
    (record,) = check([{"expression": expression, "at": at}], steps=True, **options)
    assert not record.failures
    return {step.text: step for step in record.steps}


def notes(found: dict[str, Step]) -> dict[str, str]:
    return {text: step.note for text, step in found.items() if step.note}


@FRAMEWORKS
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_healthy_chain_is_verified_at_every_node(check: Checker, framework: str, dtype: str) -> None:
    found = told(check, "sin(x**2)*exp(-y) + x/y", {"x": "4", "y": "2"}, framework=framework, dtype=dtype)
    flowing = [step for step in found.values() if step.kind != "constant"]
    assert {step.verdict for step in flowing} == {"verified"}
    assert notes(found) == {}
    assert all(step.ulp is not None and step.ulp < 16 for step in flowing)


@FRAMEWORKS
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nan_enters_on_the_way_back_through_exp(check: Checker, framework: str, dtype: str) -> None:
    """log(1 + exp(x)): exp overflows in the value; 0 times infinity is nan on the last link only."""
    found = told(check, "log(1 + exp(x))", {"x": "1000"}, framework=framework, dtype=dtype)
    assert notes(found) == {
        "exp(x)": f"inf enters here, in the value: exp overflows {dtype}",
        "x": "nan enters here, on the way back through exp",
    }
    assert {text: step.verdict for text, step in found.items()} == {
        "1": "", "x": "unstable", "exp(x)": "verified", "1 + exp(x)": "verified", "log(1 + exp(x))": "verified",
    }  # fmt: skip
    assert [step.value_off for step in found.values()] == [False, False, True, True, True]


def test_its_healthy_twin_is_not_accused(check: Checker) -> None:
    assert notes(told(check, "log(1 + exp(x))", {"x": "1"})) == {}


def test_lost_digits_are_found_at_the_subtraction(check: Checker) -> None:
    """(1 - cos(x))/x**2 at 1e-8: the value of 1 - cos(x) is 0 instead of 5e-17, and what is divided by it too."""
    found = told(check, "(1 - cos(x))/x**2", {"x": "1e-8"})
    assert notes(found)["1 - cos(x)"] == "digits are lost here, in the value"
    assert "subtracts nearly equal numbers" in notes(found)["x**2"]
    assert (found["cos(x)"].verdict, found["x**2"].verdict, found["x"].verdict) == ("verified", "unstable", "unstable")


def test_a_wrong_gradient_is_wrong_where_its_operation_stands(check: Checker) -> None:
    """TensorFlow's gelu passes a constant through float32: seen at its argument, not above it."""
    found = told(check, "3*gelu(sin(x))", {"x": "1"}, framework="tensorflow")
    assert [found[text].verdict for text in ("3*gelu(sin(x))", "gelu(sin(x))", "sin(x)", "x")] == [
        "verified", "verified", "wrong", "wrong",
    ]  # fmt: skip
    assert "known deviation" in notes(found)["sin(x)"]
    assert "x" not in notes(found)


def test_a_branch_not_taken_lets_nan_in(check: Checker) -> None:
    found = told(check, "where(x > 0, sqrt(x), 0)", {"x": "-1"})
    assert notes(found) == {
        "sqrt(x)": "nan enters here, in the value",
        "x": "nan enters here, on the way back through sqrt",
    }


def test_below_a_kink_there_is_no_derivative(check: Checker) -> None:
    found = told(check, "3*relu(2*x)", {"x": "0"})
    assert (found["relu(2*x)"].adjoint, found["relu(2*x)"].verdict) == (
        ("3.000000000000000000000000000000000000000",),
        "verified",
    )
    for text in ("2*x", "x"):
        assert (found[text].adjoint, found[text].verdict) == ((None,), "not_differentiable")


def test_a_kink_inside_a_formula_does_not_accuse_its_arguments(check: Checker) -> None:
    """TensorFlow has no hypot; the formula's comparison stands on a tie, and hypot is smooth there."""
    found = told(check, "hypot(2*x, 2*x)", {"x": "3"}, framework="tensorflow")
    assert found["2*x"].verdict == found["x"].verdict == "verified"


def test_kinks_that_cancel_have_no_contributions(check: Checker) -> None:
    """max(x, y) + min(x, y) is x + y."""
    x = told(check, "max(x, y) + min(x, y)", {"x": "1", "y": "1"})["x"]
    assert x.verdict == "verified"
    assert [path.contribution for path in x.paths] == [(None,), (None,)]


@pytest.mark.parametrize(
    ("expression", "at", "verdict"), [("log(x)*2", "-1", "undefined"), ("exp(exp(x))", "1000", "out_of_range")]
)
def test_without_exact_numbers_the_frameworks_are_shown(check: Checker, expression: str, at: str, verdict: str) -> None:
    found = told(check, expression, {"x": at})
    assert found[expression].verdict == verdict
    assert found["x"].adjoint == found[expression].adjoint == ()
    assert found[expression].retained == 1.0


def test_a_variable_that_is_only_compared_is_told(check: Checker) -> None:
    found = told(check, "where(c > 0, x, -x)", {"x": "3", "c": "1"})
    assert (found["c"].kind, found["c"].paths, found["c"].value, found["c"].retained) == ("leaf", (), 1.0, None)
    assert found["c > 0"].value == 1.0


@FRAMEWORKS
def test_arrays_are_judged_number_by_number(check: Checker, framework: str) -> None:
    """mean((x - t)**2): adjoint of the square 1/n, of the difference 2 (x - t)/n."""
    found = told(check, "mean((x - t)**2)", {"x": "[1,2,4,8]", "t": "ones(4)"}, framework=framework)
    assert list(flat(found["x - t"].retained or 0.0)) == [0, 0.5, 1.5, 3.5]
    assert [float(text or "nan") for text in found["x - t"].adjoint] == [0, 0.5, 1.5, 3.5]
    (path,) = found["(x - t)**2"].paths
    assert (path.rule, path.local_shape, len(path.local)) == ("G/4 for every entry", (4,), 4)


def planted(retained: float) -> Step:
    """The middle node of sin(2*x) at 0, df/d(2*x) = 1, with a gradient of our own making."""
    expression, point = parse("sin(2*x)"), {"x": 0.0}
    entry = ExactEntry("x", "smooth", "2", bound="1e-16")
    autodiff = Autodiff(0, "torch", "2", 0.0, {"x": 2.0}, [], 0.0)
    case = Case("sin(2*x)", "float64", "torch", "PyTorch", autodiff, Exact(0, "defined", "0", [entry]),
                frozenset({"sin", "multiply"}), ("x",), point)  # fmt: skip
    kept = Trace(0, "torch", [2.0, 0.0, 0.0, 0.0], [None, 2.0, retained, 1.0], ["", "A", "M", "S"])
    nodes = [
        ExactNode([value], ["0"], [ExactEntry(str(mark), "smooth", slope, bound="1e-16")])
        for mark, (value, slope) in enumerate([("2", "0"), ("0", "2"), ("0", "1"), ("0", "1")])
    ]
    found = steps(case, expression, ["x"], kept, ExactTrace(0, nodes), judge(case, ["x"]))
    return next(step for step in found if step.text == "2*x")


@pytest.mark.parametrize(
    ("retained", "verdict"), [(1.0, "verified"), (1 + 2**-52, "verified"), (1.001, "wrong"), (float("nan"), "unstable")]
)
def test_a_planted_fault_is_found_at_its_node(retained: float, verdict: str) -> None:
    step = planted(retained)
    assert step.verdict == verdict
    assert bool(step.note) == (verdict != "verified")


def test_a_witness_that_failed_leaves_the_other_ones_numbers() -> None:
    expression, point = parse("sin(x)"), {"x": 0.0}
    case = Case("sin(x)", "float64", "torch", "PyTorch", None, None, frozenset({"sin"}), ("x",), point)
    found = steps(case, expression, ["x"], None, None, judge(case, ["x"]))
    assert [(step.text, step.value, step.verdict) for step in found] == [
        ("x", None, "inconclusive"), ("sin(x)", None, "inconclusive"),
    ]  # fmt: skip
