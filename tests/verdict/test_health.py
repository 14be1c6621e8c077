"""What is noticed beside the verdict: each finding at its threshold and just short of it, on records made by hand."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from testimony import bar

from gradtool.evidence import Autodiff, Difference, Exact, ExactEntry, Formulas, Link, Place
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import Case
from gradtool.verdict.health import findings
from gradtool.verdict.record import Entry, Finding
from gradtool.verdict.rules import RULES

TEXT = "tanh(x)*exp(y)"
TANH, EXP, TIMES = Place("tanh", (0, 7)), Place("exp", (8, 14)), Place("multiply", (0, 14))


def noticed(
    gradient: float | None,
    truth: str | None = None,
    *,
    dtype: str = "float64",
    absolute: bool = False,
    text: str = TEXT,
    shadowed: tuple[str, ...] = (),
    formula: str | None = None,
    difference: Difference | None = None,
    value: float = 1.0,
    exact_value: str | None = "1",
    value_bound: str = "0",
    better: dict[str, Entry] | None = None,
    status: str = "defined",
    **cells: Any,
) -> list[Finding]:
    """The findings on df/dx; without a ``truth`` the gradient is exactly right."""
    derivative = truth or str(Decimal(gradient or 0.0))
    entry = ExactEntry("x", cells.pop("kind", "smooth"), derivative, **{"bound": "1e-10", **cells})
    autodiff = Autodiff(0, "torch", "2", value, {"x": gradient}, [difference] if difference else [], 0.0)
    exact = Exact(0, status, exact_value, [entry], value_bound=value_bound)
    case = Case(text, dtype, "torch", "PyTorch", autodiff, exact, frozenset(), ("x", "y"), {})
    formulas = Formulas(0, {"x": "1"}, {"x": formula}, "1.14") if formula else None
    return findings(case, judge(case, ["x"]), formulas, shadowed, better or {}, absolute=absolute)


def codes(found: list[Finding]) -> list[str]:
    return [item.code for item in found]


def test_a_plain_verified_gradient_is_not_commented() -> None:
    assert noticed(1.0, formula="1", difference=bar(1.0, 1e-9)) == []


@pytest.mark.parametrize(
    ("gradient", "cells", "code"),
    [
        (2.0, {"truth": "1", "bound": "1e-16"}, "GT001"),
        (1.001, {"truth": "1", "bound": "1e-3"}, "GT002"),
        (1.0, {"kind": "kink"}, "GT003"),
        (1.0, {"status": "undefined"}, "GT004"),
        (1.0, {"exact_value": "1e999"}, "GT005"),
        (1.0, {"status": "beyond", "exact_value": None}, "GT006"),
    ],
    ids=["wrong", "unstable", "kink", "undefined", "out of range", "inconclusive"],
)
def test_each_verdict_but_verified_is_a_finding_with_the_reason_and_a_remedy(
    gradient: float, cells: dict[str, Any], code: str
) -> None:
    (found,) = noticed(gradient, **cells)
    assert (found.code, found.where, found.remedy) == (code, "x", RULES[code].remedy)
    assert found.message


@pytest.mark.parametrize(
    ("dtype", "gradient", "said"),
    [
        ("float64", 1.3e154, ""),
        ("float64", -1.4e154, "overflows"),
        ("float64", 1.6e-154, ""),
        ("float64", 1.4e-154, "underflows"),
        ("float64", 0.0, ""),
        ("float32", 1.8e19, ""),
        ("float32", 1.9e19, "overflows"),
        ("float32", -1.1e-19, ""),
        ("float32", 1e-19, "underflows"),
        ("float64", 1e19, ""),
        ("float16", 255.0, ""),
        ("float16", 257.0, "overflows"),
        ("float16", 2.5e-4, ""),
        ("float16", 2.4e-4, "underflows"),
        ("bfloat16", 1.1e-19, ""),
        ("bfloat16", 1e-19, "underflows"),
    ],
)
def test_a_gradient_whose_square_leaves_the_range_is_a_warning(dtype: str, gradient: float, said: str) -> None:
    """The square of 1.34e154 is the largest float64, that of 1.49e-154 the smallest normal one."""
    found = noticed(gradient, dtype=dtype, bound="1e-3")
    assert [(item.code, item.severity) for item in found] == ([("GT013", "warning")] if said else [])
    assert not said or found[0].message.endswith(said)


@pytest.mark.parametrize(
    ("gradient", "expected"),
    [(1e-6, []), (0.9e-6, ["GT014"]), (-0.9e-6, ["GT014"]), (0.0, ["GT014"]), (10.0, []), (-10.5, ["GT015"])],
)
def test_the_thresholds_of_tutorials_are_looked_at_only_where_asked_for(gradient: float, expected: list[str]) -> None:
    assert codes(noticed(gradient, absolute=True)) == expected
    assert codes(noticed(gradient)) == []


def test_the_size_of_a_gradient_that_is_not_verified_is_not_judged() -> None:
    assert codes(noticed(1e200, "1", bound="1e-16", absolute=True)) == ["GT001"]
    assert codes(noticed(math.inf, "1", absolute=True)) == ["GT002"]


@pytest.mark.parametrize(
    ("gradient", "factor", "expected"),
    [(1e-4, "1e-4", True), (1e-4, "1e-3", False), (1e-3, "1e-4", False), (0.0, "1e-4", False)],
)
def test_a_link_that_shrinks_a_thousandfold_is_named_where_the_gradient_is_as_small(
    gradient: float, factor: str, expected: bool
) -> None:
    """At exactly a thousand nothing is said."""
    found = noticed(gradient, shrinking=Link(TANH, factor))
    assert codes(found) == (["GT011"] if expected else [])
    assert not expected or (found[0].where, found[0].severity) == ("tanh(x)", "warning")
    assert not expected or "tanh shrinks the gradient by a factor of 1.00e+4" in found[0].message


@pytest.mark.parametrize(
    ("gradient", "factor", "expected"), [(1e4, "1e4", True), (1e4, "1000", False), (1e3, "1e4", False)]
)
def test_a_link_that_grows_a_thousandfold_is_named_where_the_gradient_is_as_large(
    gradient: float, factor: str, expected: bool
) -> None:
    found = noticed(gradient, growing=Link(TIMES, factor))
    assert codes(found) == (["GT012"] if expected else [])
    assert not expected or found[0].where == TEXT
    assert not expected or found[0].message.startswith("* (multiply) grows")


def test_none_instead_of_a_gradient_is_noted_once() -> None:
    found = noticed(None)
    assert [(item.code, item.severity) for item in found] == [("GT010", "note")]
    assert "PyTorch returned None" in found[0].message


def test_a_constants_name_taken_by_the_point_is_noted() -> None:
    found = noticed(1.0, shadowed=("e", "pi"))
    assert [(item.code, item.where) for item in found] == [("GT019", "e"), ("GT019", "pi")]


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (bar(1.0 + 2.0**-20, 2.0**-22), []),
        (bar(1.0 + 2.0**-20, 2.0**-23), ["GT016"]),
        (bar(5.0, 2.0**-23, "unclear"), []),
        (bar(5.0, 2.0**-23, "kink"), []),
        (bar(math.nan, math.inf), []),
    ],
    ids=["four bars", "more", "unclear", "kink", "none"],
)
def test_a_difference_off_by_more_than_four_bars_is_noted(difference: Difference, expected: list[str]) -> None:
    assert codes(noticed(1.0, difference=difference)) == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [("1.000000000000000000000000000001", []), ("1.000000000000000000000001", ["GT017"]), ("-1", ["GT017"])],
)
def test_a_formula_that_differs_beyond_25_digits_is_noted(formula: str, expected: list[str]) -> None:
    assert codes(noticed(1.0, formula=formula)) == expected


@pytest.mark.parametrize(
    ("value", "cells", "expected"),
    [
        (1.0, {}, []),
        (1 + 4 * 2.0**-52, {}, []),
        (1 + 5 * 2.0**-52, {}, ["GT018"]),
        (1 + 5 * 2.0**-52, {"value_bound": "1e-15"}, []),
        (1 + 5 * 2.0**-52, {"dtype": "float32"}, []),
        (math.nan, {}, ["GT018"]),
        (math.inf, {}, ["GT018"]),
        (1.5, {"doubtful": True}, []),
        (0.0, {"exact_value": "1e-400"}, []),
    ],
    ids=["equal", "4 ulp", "5 ulp", "5 explained", "5 in float32", "nan", "inf", "doubtful", "underflow"],
)
def test_a_value_off_by_more_than_rounding_is_a_warning(
    value: float, cells: dict[str, Any], expected: list[str]
) -> None:
    assert codes(noticed(1.0, value=value, **cells)) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "verified at this point"),
        ([0, 3], "verified for 2 of these 4 entries only at this point, so more than that is needed"),
        ([0, 1, 2, 3], "still unstable at this point, so more than that is needed"),
    ],
    ids=["all", "some", "none"],
)
def test_a_rewrite_is_judged_by_all_the_entries_that_it_is_for(words: list[int], said: str) -> None:
    """It was by the worst of them alone."""
    case = Case("log(1 + exp(x))", "float64", "torch", "PyTorch", None, None, frozenset(), ("x",), {"x": 1.0})
    entries = [Entry("x", math.nan, "unstable", "nan", index=(place,), label=f"x[{place}]") for place in range(4)]
    better = {
        e.label: Entry("x", 1.0, "unstable" if place in words else "verified", "") for place, e in enumerate(entries)
    }
    (found,) = findings(case, entries, None, (), better, absolute=False)
    assert found.remedy == f"write softplus(x) instead of log(1 + exp(x)): {said}"


@pytest.mark.parametrize(("gradient", "harmless"), [(0.0, True), (None, True), (math.inf, False), (math.nan, False)])
def test_an_infinite_gradient_is_not_called_harmless(gradient: float | None, harmless: bool) -> None:
    """As that of sqrt(x) at 0 was."""
    (found,) = [f for f in noticed(gradient, "0", kind="vertical", right="Infinity") if f.code == "GT003"]
    assert ("harmless" in found.remedy) == harmless
    assert ("spoils" in found.remedy) != harmless


def test_a_formula_that_differs_late_is_told_in_so_many_digits() -> None:
    """Both were told as 1: the difference could not be seen."""
    (found,) = noticed(1.0, "1", formula="1.00000000000000000000003")
    assert found.code == "GT017"
    assert found.message == "SymPy's formula gives 1.00000000000000000000003, the exact walk 1"


def test_a_list_of_second_derivatives_can_be_read() -> None:
    """It was x[0], x[1], x[1], x[0] for two of them."""
    case = Case("norm(x)", "float64", "torch", "PyTorch", None, None, frozenset(), ("x",), {"x": 1.0})
    labels = [f"x[{row}], x[{column}]" for row in (0, 1) for column in (0, 1)]
    entries = [Entry("x,x", math.nan, "not_differentiable", "none", label=label) for label in labels]
    (found,) = findings(case, entries, None, (), {}, absolute=False)
    assert found.message == "none; likewise 3 more entries of x,x: x[0], x[1]; x[1], x[0]; x[1], x[1]"


@pytest.mark.parametrize(
    ("unconnected", "messages"), [(True, ["off; likewise 1 more entries of x: x[1]"]), (False, ["off", "off"])]
)
def test_an_input_that_got_none_is_one_fault(unconnected: bool, messages: list[str]) -> None:
    case = Case("f", "float64", "torch", "PyTorch", None, None, frozenset(), ("x",), {"x": 1.0})
    entries = [Entry("x", 0.0, "wrong", "off", label=label, unconnected=unconnected) for label in ("x[0]", "x[1]")]
    found = [one for one in findings(case, entries, None, (), {}, absolute=False) if one.code == "GT001"]
    assert [one.message for one in found] == messages


@pytest.mark.parametrize(("word", "said"), [("verified", "verified at this point"), ("unstable", "still unstable")])
def test_the_remedy_of_an_unstable_gradient_is_a_rewrite_that_was_tried(word: str, said: str) -> None:
    better = {"x": Entry("x", 1.0, word, "")}
    (found,) = noticed(math.nan, "1", text="y*log(1 + exp(x))", better=better)
    assert found.code == "GT002"
    assert "write softplus(x) instead of log(1 + exp(x))" in found.remedy
    assert said in found.remedy
