"""Findings about callables, from records made by hand."""

from __future__ import annotations

import typing
from dataclasses import replace

import pytest

from gradtool.evidence import Autodiff, Breach, CallableEvidence, CallablePoint, Difference, Slot, Survey, WrongEntry
from gradtool.values import Array, Value
from gradtool.verdict.contract import CODES, contract_findings
from gradtool.verdict.contract_remedies import REMEDIES
from gradtool.verdict.contract_rules import CONTRACT_RULES
from gradtool.verdict.rules import RULES

INPUT = Slot("x", (8, 3), "float64")


def survey(
    scaled: dict[str, float] | None = None, wrong: list[WrongEntry] | None = None, power: float = 1e-9
) -> Survey:
    agree = not (scaled or wrong)
    return Survey([(1.0, 1.0, 1e-12)], agree, power, {"x": 1e-9}, wrong or [], scaled or {}, True, 100)


def point(
    label: str = "given",
    looked: Survey | None = None,
    gradient: Value = 0.0,
    rows: typing.Sequence[Difference] = (),
) -> CallablePoint:
    autodiff = Autodiff(1, "torch", "2", 0.0, {"x": gradient}, list(rows), 0.0, looked)
    return CallablePoint(label, {"x": gradient}, [1.0], autodiff)


def evidence(*points: CallablePoint, breaches: typing.Sequence[Breach] = (), **changes: typing.Any) -> CallableEvidence:
    made = CallableEvidence(
        1, "torch", "2", "f", "function", "ops.py:12", "float64", [INPUT], [Slot("output", (), "float64")],
        list(points), list(breaches),
    )  # fmt: skip
    return replace(made, **changes)


def difference(value: float, bar: float = 1e-10, index: tuple[int, ...] = ()) -> Difference:
    return Difference("x", "smooth", value, bar, value, bar, value, bar, 100, index)


# ---- breaches


def test_every_kind_has_a_rule_and_every_remedy_a_kind() -> None:
    assert set(REMEDIES) <= set(CODES)
    codes = {row.code for row in CONTRACT_RULES}
    assert set(CODES.values()) == codes - {"GT230", "GT231", "GT232", "GT233"}
    assert all(code.startswith("GT2") for code in codes)


@pytest.mark.parametrize("kind", CODES)
def test_a_breach_is_a_finding_with_its_figure_and_line(kind: str) -> None:
    (told,) = contract_findings(evidence(breaches=[Breach(kind, "x", "off by 0.25", 0.25, "given")]), "PyTorch")
    assert (told.code, told.where, told.source) == (CODES[kind], "x", "ops.py:12")
    assert "0.25" in told.message
    assert told.remedy == REMEDIES.get(kind, {}).get("torch", RULES[CODES[kind]].remedy)


def test_the_remedy_is_that_of_the_framework() -> None:
    broken = evidence(breaches=[Breach("upstream_ignored", "x", "told", 1.0)])
    (torch,) = contract_findings(broken, "PyTorch")
    (tensorflow,) = contract_findings(replace(broken, witness="tensorflow"), "TensorFlow")
    assert "grad_output" in torch.remedy
    assert "tf.custom_gradient" in tensorflow.remedy


def test_a_breach_at_several_points_is_told_once_at_its_worst() -> None:
    breaches = [Breach("stale", "x", f"off by {size}", size, name) for name, size in (("given", 0.1), ("drawn", 0.4))]
    (told,) = contract_findings(evidence(breaches=breaches), "PyTorch")
    assert told.message == "off by 0.4 (at 2 points; this at the one called drawn)"


def test_without_a_variable_the_callable_is_named() -> None:
    (told,) = contract_findings(evidence(breaches=[Breach("raises", "", "told")]), "PyTorch")
    assert told.where == "f"


@pytest.mark.parametrize(
    ("breach", "changes", "severity"),
    [
        (Breach("upstream_nonlinear", "x", "", 0.5), {}, "error"),
        (Breach("upstream_nonlinear", "x", "", 1e-6), {}, "warning"),
        (Breach("upstream_nonlinear", "x", "", 0.5), {"surrogate": True}, "note"),
        (Breach("upstream_ignored", "x", "", 1.0), {"surrogate": True}, "error"),
        (Breach("shape_summed", "x", ""), {}, "warning"),
        (Breach("shape", "x", ""), {}, "error"),
        (Breach("modifies_input", "x", "", 0.0), {}, "warning"),
        (Breach("modifies_input", "x", "", 0.1), {}, "error"),
        (Breach("dtype", "x", ""), {}, "note"),
        (Breach("dtype", "x", ""), {"witness": "tensorflow"}, "warning"),
        (Breach("reordered", "x", "", 1e-16), {}, "note"),
        (Breach("random_forward", "x", "", 1.0), {}, "note"),
        (Breach("no_double_backward", "", ""), {}, "note"),
    ],
)
def test_severities(breach: Breach, changes: dict[str, typing.Any], severity: str) -> None:
    told = contract_findings(evidence(breaches=[breach], **changes), "PyTorch")
    assert [one.severity for one in told if one.code == CODES[breach.kind]] == [severity]


def test_errors_come_first() -> None:
    breaches = [Breach("random_forward", "x", "", 1.0), Breach("none", "x", "", 1.0)]
    assert [one.code for one in contract_findings(evidence(breaches=breaches), "PyTorch")] == ["GT203", "GT212"]


def test_nothing_is_told_of_what_is_in_order() -> None:
    assert contract_findings(evidence(point(looked=survey()), point("negative", survey())), "PyTorch") == []


# ---- a constant factor


@pytest.mark.parametrize(
    ("factor", "cause"),
    [
        (-1.0, "a missing minus"),
        (2.0, "a term counted twice"),
        (0.5, "a forgotten 2"),
        (0.0, "cut off"),
        (8.0, "a sum where a mean is meant, over the 8 rows of x"),
        (1 / 8, "a mean where a sum is meant, over the 8 rows of x"),
        (1 / 24, "a mean where a sum is meant, over the 24 entries of x"),
        (-24.0, "a missing minus and a sum where a mean is meant, over the 24 entries of x"),
    ],
)
def test_a_factor_and_its_likely_cause(factor: float, cause: str) -> None:
    (told,) = contract_findings(
        evidence(point(looked=survey({"": factor})), point("x", survey({"": factor}))), "PyTorch"
    )
    assert told.code == "GT230"
    assert f"{factor:.6g} times the truth at all 2 points that tell: " in told.message
    assert cause in told.message


def test_another_factor_has_no_cause_and_other_factors_at_other_points_are_none() -> None:
    (told,) = contract_findings(evidence(point(looked=survey({"x": 1.37}))), "PyTorch")
    assert (told.where, told.message) == ("x", "the whole gradient is 1.37 times the truth at one point")
    several = evidence(point(looked=survey({"x": 1.37})), point("drawn", survey({"x": 1.5})))
    assert [one.code for one in contract_findings(several, "PyTorch")] == []


def test_a_factor_is_seen_in_the_differences_of_few_entries() -> None:
    truth = (1.0, -3.0, 0.0)
    rows = [difference(value, index=(place,)) for place, value in enumerate(truth)]
    twice = Array.of((3,), [2 * value for value in truth])
    (told,) = contract_findings(evidence(point(gradient=twice, rows=rows)), "PyTorch")
    assert told.code == "GT230"
    assert "2 times" in told.message
    for healthy in (Array.of((3,), truth), Array.of((3,), [2.0, -3.0, 0.0]), Array.of((3,), [2.0, -6.0, 1.0])):
        assert contract_findings(evidence(point(gradient=healthy, rows=rows)), "PyTorch") == []


def test_one_entry_alone_shows_a_factor_only_where_it_is_a_telling_one() -> None:
    codes = [
        [one.code for one in contract_findings(evidence(point(gradient=value, rows=[difference(1.0)])), "PyTorch")]
        for value in (-1.0, 2.0, 1.37, 1.0)
    ]
    assert codes == [["GT230"], ["GT230"], [], []]


# ---- right here, wrong there


def test_right_at_some_points_and_wrong_at_others() -> None:
    bad = survey(wrong=[WrongEntry("x", (0, 0), 1.0, 2.0, 1e-9)])
    (told,) = contract_findings(evidence(point(looked=survey()), point("negative", bad)), "PyTorch")
    assert told.code == "GT231"
    assert told.message.startswith("right at the given point, and wrong at the negative point; look for a square root")
    both = evidence(point(looked=bad), point("negative", bad))
    assert contract_findings(both, "PyTorch") == []
    unsure = evidence(point(looked=survey(power=0.5)), point("negative", bad))
    assert contract_findings(unsure, "PyTorch") == []


def test_the_verdicts_decide_where_they_are_given() -> None:
    points = evidence(point(), point("drawn"), point("large"), point("zero"))
    (told,) = contract_findings(points, "PyTorch", ["verified", "verified", "wrong", "not_differentiable"])
    assert told.message.startswith("right at the given and drawn points, and wrong at the large point; look for a clip")


# ---- surrogates and kinks


def test_a_surrogate_is_told_as_such_and_its_numbers_are_not_judged() -> None:
    (told,) = contract_findings(evidence(point(looked=survey({"": 2.0})), surrogate=True), "PyTorch")
    assert (told.code, told.severity) == ("GT232", "note")


@pytest.mark.parametrize(
    ("claim", "words", "severity"),
    [
        (0.0, "the one on the left", "note"),
        (1.0, "the one on the right", "note"),
        (0.5, "between them", "note"),
        (2.0, "neither", "warning"),
    ],
)
def test_the_convention_at_a_kink(claim: float, words: str, severity: str) -> None:
    kink = Difference("x", "kink", 0.5, 0.5, 0.0, 1e-9, 1.0, 1e-9, 100, ())
    (told,) = contract_findings(evidence(point("zero", gradient=claim, rows=[kink])), "PyTorch")
    assert (told.code, told.severity) == ("GT233", severity)
    assert words in told.message
    assert "slope 0 on the left and 1 on the right" in told.message


def test_kinks_of_one_kind_are_counted() -> None:
    rows = [Difference("x", "kink", 0.5, 0.5, 0.0, 1e-9, 1.0, 1e-9, 100, (place,)) for place in range(3)]
    (told,) = contract_findings(evidence(point("zero", gradient=Array.of((3,), [0, 0, 0]), rows=rows)), "PyTorch")
    assert told.message.endswith("(and so at 2 more)")


@pytest.mark.parametrize(
    ("kind", "severity"), [("function", "note"), ("module", "note"), ("autograd function", "warning")]
)
def test_forward_mode_that_is_silently_zero_is_an_error_of_nobody(kind: str, severity: str) -> None:
    broken = Breach("no_forward_mode", "", "forward mode gives 0", 1.0, "given")
    (told,) = contract_findings(evidence(point(), breaches=[broken], kind=kind), "PyTorch", ["verified"])
    assert (told.code, told.severity) == ("GT221", severity)
