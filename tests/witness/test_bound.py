"""The rounding bound of the exact walk, and its truth, against float reverse mode and differences written here."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from mpmath import mp
from plain_reverse import RULES, Tree, reverse, text, value

from gradtool.evidence import Exact, Request
from gradtool.target.dtype import FORMATS, rounded
from gradtool.witness.symbolic.derivative import derive

SAFETY = 4
TINY = 1e-290

_ONE = [name for name, rule in RULES.items() if rule[0].count("{}") == 1]
_TWO = [name for name, rule in RULES.items() if rule[0].count("{}") == 2]
_leaves = st.sampled_from(["x", "y", "x", "y", 0.1, 2.0, -3.0, 0.5])


def _grown(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(st.tuples(st.sampled_from(_ONE), children), st.tuples(st.sampled_from(_TWO), children, children))


def _names(tree: Tree) -> set[str]:
    if isinstance(tree, tuple):
        return set().union(*map(_names, tree[1:]))
    return {tree} if isinstance(tree, str) else set()


def _with_a_variable(tree: Tree) -> Tree:
    return tree if isinstance(tree, tuple) and _names(tree) else ("*", tree, "x")


TREES = st.recursive(_leaves, _grown, max_leaves=8).map(_with_a_variable)
COORDINATES = st.one_of(
    st.floats(-3, 3), st.floats(0.1, 10), st.floats(-1e-6, 1e-6), st.floats(1e3, 1e9), st.floats(-1e4, -1e2)
)
POINTS = st.fixed_dictionaries(dict.fromkeys(("x", "y"), COORDINATES))


def heard(tree: Tree, point: dict[str, float], dtype: str = "float64") -> Exact:
    names = sorted(_names(tree))
    return derive(Request(0, text(tree), {name: point[name] for name in names}, names, "torch", dtype))


def differences(tree: Tree, point: dict[str, float], name: str) -> Any:
    """A central difference at 1200 digits and a step of 1e-100 of the coordinate: good to 100 digits and more."""
    with mp.workdps(1200):
        numbers = {key: mp.mpf(number) for key, number in point.items()}
        step = (abs(numbers[name]) or mp.mpf(10) ** -300) * mp.mpf(10) ** -100
        up, down = ({**numbers, name: numbers[name] + sign * step} for sign in (1, -1))
        return (value(tree, up) - value(tree, down)) / (2 * step)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(TREES, POINTS)
def test_the_truth_agrees_with_a_difference_to_twenty_digits(tree: Tree, point: dict[str, float]) -> None:
    record = heard(tree, point)
    assume(record.status == "defined")
    for entry in record.entries:
        if entry.kind != "smooth" or entry.derivative is None:
            event("not smooth")
            continue
        event("compared")
        with mp.workdps(400):
            wanted, got = differences(tree, point, entry.variable), mp.mpf(entry.derivative)
            assert abs(got - wanted) <= mp.mpf(10) ** -20 * abs(wanted) + mp.mpf(10) ** -90, (text(tree), point)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(TREES, POINTS)
def test_float_reverse_mode_is_never_off_by_more_than_the_bound_explains(tree: Tree, point: dict[str, float]) -> None:
    """Four times the bound, wherever the bound is small enough to mean anything; the truth is told in 40 digits."""
    record = heard(tree, point)
    assume(record.status == "defined")
    try:
        computed, gradient = reverse(tree, point)
    except (ArithmeticError, ValueError):
        event("plain floats fail")
        assume(False)
    with mp.workdps(60):
        assert record.value is not None
        pairs = [(computed, record.value, record.value_bound)]
        pairs += [
            (gradient[entry.variable], entry.derivative, entry.bound) for entry in record.entries if entry.derivative
        ]
        for got, told, told_bound in pairs:
            truth, bound = mp.mpf(told), mp.mpf(told_bound)
            if not mp.isfinite(bound) or bound > abs(truth) / 1000:
                event("vague bound")
                continue
            event("compared")
            assert math.isfinite(got)
            assert abs(got - truth) <= SAFETY * bound + abs(truth) * mp.mpf(10) ** -39 + TINY, (
                text(tree),
                point,
                got,
                told,
                told_bound,
            )


@settings(derandomize=True, deadline=None, max_examples=400)
@given(TREES, POINTS, st.sampled_from(["float16", "bfloat16"]))
def test_in_16_bits_the_bound_holds_up_to_a_quarter_of_the_truth(
    tree: Tree, point: dict[str, float], dtype: str
) -> None:
    """Every result rounded to the dtype. There the first order is not enough: the bound looks beyond it."""
    point = {name: rounded(number, dtype) for name, number in point.items()}
    assume(all(map(math.isfinite, point.values())))
    record = heard(tree, point, dtype)
    assume(record.status == "defined")
    try:
        _, gradient = reverse(tree, point, lambda number: rounded(number, dtype))
    except (ArithmeticError, ValueError):
        event("plain floats fail")
        assume(False)
    for entry in record.entries:
        if not entry.derivative or entry.doubtful:
            continue
        truth, bound = float(entry.derivative), float(entry.bound)
        if bound > abs(truth) / 4:
            event("vague bound")
            continue
        event("compared")
        error = abs(gradient[entry.variable] - truth)
        assert error <= SAFETY * bound + FORMATS[dtype].smallest, (text(tree), point, gradient, entry)


def test_what_the_first_order_does_not_see_is_in_the_bound() -> None:
    """The argument of the cosine, 229, is off by one: more than its slope there says, and a fourth of it comes out."""
    tree = ("/", ("cos", ("*", ("*", "y", 10.0), ("log1p", 10.0))), ("+", "x", ("sigmoid", ("hypot", 10.0, "y"))))
    point = {"x": 9.125, "y": 9.5625}
    _, gradient = reverse(tree, point, lambda number: rounded(number, "bfloat16"))
    entry = heard(tree, point, "bfloat16").entries[0]
    assert entry.derivative is not None
    assert gradient["x"] < 0.25 * float(entry.derivative)
    assert float(entry.bound) > 0.25 * float(entry.derivative)


def test_an_infinite_bound_times_a_slope_of_0_is_no_number_of_digits() -> None:
    """Behind acos at 1 every bound is infinite, and the slope of max is 0: their product is nothing, not NaN."""
    text = "atan2(acos(hardtanh(y)) + elu(x), max(x, x*0.1) + elu(x))"
    assert derive(Request(0, text, {"x": -1.0, "y": 1.922}, ["x", "y"], "torch")).status == "defined"
