"""The verdict on a mode: planted faults are found, and what rounding, a kink or a cancellation does is none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradtool.evidence import Autodiff, Exact, ExactEntry, Mode
from gradtool.values import Array
from gradtool.verdict.case import Case
from gradtool.verdict.compare.modes import judged_modes, mode_findings
from gradtool.verdict.compare.record import MODE_WORDS, JudgedMode
from gradtool.verdict.rules import RULES

EPS = 2.0**-52


def row(mode: str, gradient: Any, **cells: Any) -> Mode:
    gap = cells.pop("gap", 0.0)
    return Mode(0, "torch", "2", mode, mode.upper(), 1.0, {"x": gradient}, ulp=0.0, ulp_of_largest=gap, **cells)


def case(reverse: float, entry: ExactEntry | None, dtype: str = "float64", value: float = 1.0) -> Case:
    walked = Exact(0, "defined", str(value), [entry]) if entry else None
    autodiff = Autodiff(0, "torch", "2", value, {"x": reverse}, [], 0.0)
    return Case("f(x)", dtype, "torch", "PyTorch", autodiff, walked, frozenset(), ("x",), {"x": 1.0})


def judged(reverse: float, other: Mode, entry: ExactEntry | None = None, **cells: Any) -> JudgedMode:
    """The verdict on ``other`` beside reverse mode, whose derivative is 1 to some ulp unless ``entry`` says more."""
    known = entry or ExactEntry("x", "smooth", "1", bound="2e-16")
    first, second = judged_modes([row("reverse", reverse), other], case(reverse, known, **cells), ["x"])
    assert first.verdict == "reference"
    assert {first.verdict, second.verdict} <= set(MODE_WORDS)
    assert bool(second.code) == (second.verdict == "differs")
    return second


@pytest.mark.parametrize(
    ("number", "word"),
    [(1.0, "agrees"), (1 + EPS, "agrees"), (1 - 3 * EPS, "agrees"), (1 + 1e-9, "differs"), (-1.0, "differs"),
     (0.0, "differs"), (None, "differs"), (math.nan, "differs"), (math.inf, "differs")],
)  # fmt: skip
def test_a_gradient_that_rounding_does_not_explain_differs(number: float | None, word: str) -> None:
    assert judged(1.0, row("compiled", number)).verdict == word


def test_the_sentence_says_which_is_right() -> None:
    assert judged(1.0, row("vmap", 2.0)).reason == (
        "VMAP gives 2.0 for the derivative by x, reverse mode 1.0; reverse mode is right"
    )
    assert judged(math.nan, row("vmap", 1.0)).reason.endswith("reverse mode nan; VMAP is right")


def test_nan_beside_nan_and_infinity_beside_infinity_agree() -> None:
    for number in (math.nan, math.inf):
        assert judged(number, row("graph", number)).verdict == "agrees"


def test_a_cancellation_is_no_fault_of_a_mode_where_both_lose_the_digits() -> None:
    """Reverse mode has lost all digits, as the bound explains; so has the other, in its own way."""
    lossy = ExactEntry("x", "smooth", "1e-20", bound="1e-15")
    assert judged(3e-16, row("compiled", -2e-16), lossy).verdict == "agrees"
    assert judged(3e-16, row("compiled", 0.5), lossy).verdict == "differs"


def test_what_rounding_leaves_of_0_is_nothing() -> None:
    nothing = ExactEntry("x", "smooth", "0", bound="1e-16")
    assert judged(1.4e-17, row("forward", -2.8e-17, left=1e-17, right=-3e-17, scale=4e-17), nothing).verdict == "agrees"
    assert judged(0.0, row("vmap", 1e-17, points=16, gap=4.5e15), nothing).verdict == "agrees"
    assert judged(0.0, row("vmap", 1e-3), nothing).verdict == "differs"


def test_another_convention_at_a_kink_is_told_and_nobody_is_accused() -> None:
    kink = ExactEntry("x", "kink", None, left="0", right="1")
    other = judged(0.5, row("compiled", 1.0), kink)
    assert (other.verdict, other.code) == ("convention", "")
    assert other.reason == "there is no derivative by x here; reverse mode gives 0.5 and COMPILED 1"
    assert judged(0.5, row("compiled", 0.5), kink).verdict == "agrees"


def test_without_an_exact_derivative_half_the_digits_must_be_the_same() -> None:
    rows = [row("reverse", 1.0), row("vmap", 1 + 2e-9), row("graph", 1 + 1e-7)]
    assert [one.verdict for one in judged_modes(rows, case(1.0, None), ["x"])] == ["reference", "agrees", "differs"]


def test_a_fault_at_another_point_of_the_batch_is_found() -> None:
    """The asked point is right; elsewhere half the digits, or a number, are missing."""
    assert judged(1.0, row("vmap", 1.0, points=16, gap=40.0)).verdict == "agrees"
    other = judged(1.0, row("vmap", 1.0, points=16, gap=2.0**40))
    assert (other.verdict, other.code) == ("differs", "GT301")
    assert "at one of 16 points" in other.reason
    assert "gives NaN or Inf" in judged(1.0, row("vmap", 1.0, points=16, gap=math.inf)).reason


@pytest.mark.parametrize(
    ("left", "product", "word"),
    [(0.7, "passes", "agrees"), (0.7 + EPS, "passes", "agrees"), (0.7 * 1.001, "fails", "differs"),
     (0.7 + 1e-12, "fails", "differs"), (math.nan, "fails", "differs"), (-0.7, "fails", "differs")],
)  # fmt: skip
def test_forward_mode_has_to_pass_the_dot_product_test(left: float, product: str, word: str) -> None:
    """<J^T w, v> is 0.7; without a gradient of its own the products alone convict."""
    for gradients in ({"x": 1.0}, {}):
        forward = Mode(0, "torch", "2", "forward", "jvp", 1.0, gradients, left=left, right=0.7, scale=1.4)
        found = judged(1.0, forward)
        assert (found.product, found.verdict) == (product, word)
        assert found.code == ("GT302" if word == "differs" else "")


def test_the_bound_of_the_dot_product_test_grows_with_the_dtype_and_the_scale() -> None:
    near = Mode(0, "torch", "2", "forward", "jvp", 1.0, {}, left=0.7 + 1e-7, right=0.7, scale=1.4)
    assert judged(1.0, near).product == "fails"
    assert judged(1.0, near, dtype="float32").product == "passes"
    large = Mode(0, "torch", "2", "forward", "jvp", 1.0, {}, left=0.7 + 1e-12, right=0.7, scale=1e6)
    assert judged(1.0, large).product == "passes"


def test_infinite_products_say_nothing() -> None:
    forward = Mode(0, "torch", "2", "forward", "jvp", 1.0, {}, left=math.inf, right=math.inf, scale=math.inf)
    assert judged(1.0, forward).product == ""


def test_skipped_modes_and_a_missing_reverse_mode() -> None:
    none = Mode(0, "torch", "2", "compiled", "torch.compile", skipped="no compiler")
    rows = judged_modes([none, row("vmap", 1.0)], case(1.0, None), ["x"])
    assert [(one.verdict, one.reason) for one in rows] == [
        ("skipped", "no compiler"), ("inconclusive", "reverse mode gave nothing to compare with"),
    ]  # fmt: skip
    assert mode_findings(rows) == ()


def test_each_mode_that_differs_is_a_finding() -> None:
    (found,) = mode_findings([judged(1.0, row("vmap", 2.0)), judged(1.0, row("graph", 1.0))])
    assert (found.code, found.severity, found.where) == ("GT301", "error", "vmap")
    assert found.remedy == RULES["GT301"].remedy


def test_a_large_gradient_is_compared_number_by_number() -> None:
    from gradtool.evidence import Survey  # noqa: PLC0415  # only here

    survey = Survey([(1.0, 1.0, 1e-9)], True, 1e-9, {"x": 1e-6}, [], {}, True, 10)
    size = 300
    right, wrong = ([1.0 + n for n in range(size)] for _ in range(2))
    wrong[7] *= 1.01
    autodiff = Autodiff(0, "torch", "2", 1.0, {"x": Array.of((size,), right)}, [], 0.0, survey)
    point = {"x": Array.of((size,), [1.0] * size)}
    whole = Case("f(x)", "float64", "torch", "PyTorch", autodiff, None, frozenset(), ("x",), point)
    rows = [row(mode, Array.of((size,), numbers)) for mode, numbers in
            (("reverse", right), ("vmap", right), ("compiled", wrong))]  # fmt: skip
    found = judged_modes(rows, whole, ["x"])
    assert [one.verdict for one in found] == ["reference", "agrees", "differs"]
    assert "by x[7]" in found[2].reason
