"""What an optimizer, half precision, experiments and the course of training show."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from handmade_models import ADAM, SGD, WIDTH, bias, chain, found, held, model, told, weight, with_parameters

from gradtool.evidence import (
    Accumulated,
    Descent,
    Digits,
    Halves,
    Incident,
    Loss,
    Optimizer,
    Stepped,
    Survey,
    Term,
    TrainingStep,
    Weights,
    WrongEntry,
)
from gradtool.verdict.flow.precision import loss_scale

ROSE = Stepped(0.7, 0.8, same=True)


@pytest.mark.parametrize(
    ("stepped", "rate", "severities"),
    [
        (None, 0.1, []),
        (None, 0.2, ["warning"]),
        (Stepped(0.7, 0.6, same=True), 0.2, []),
        (Stepped(0.7, 0.7 * (1 + 1e-7), same=True), 0.2, []),
        (Stepped(0.7, math.nan, same=True), 0.1, ["warning"]),
        (Stepped(0.7, math.inf, same=True), 0.2, ["error"]),
        (Stepped(0.7, 1.3, same=False), 0.2, []),
        (Stepped(0.7, 1.5, same=False), 0.2, ["error"]),
        (Stepped(-3.0, -1.0, same=False), 0.2, []),
        (Stepped(-0.1, 4.0, same=False), 0.1, []),
        (Stepped(-0.1, 4.0, same=False), 0.2, ["warning"]),
        (Stepped(-0.1, math.nan, same=False), 0.2, ["error"]),
        (Stepped(-0.1, 4.0, same=True), 0.2, ["error"]),
    ],
)
def test_a_large_step_is_a_fault_where_the_loss_rises(
    stepped: Stepped | None, rate: float, severities: list[str]
) -> None:
    """A rate of 0.1 moves the weights by 0.57 of their size, one of 0.2 by 1.1 times."""
    findings = found(replace(held(chain(), replace(ADAM, rate=rate)), stepped=stepped))
    assert [(row.code, row.severity) for row in findings] == [("GT115", severity) for severity in severities]


def test_the_losses_of_two_episodes_are_not_compared() -> None:
    """Each has as many terms as it has steps, and at each every layer is called."""
    large, rose = replace(ADAM, rate=0.1), Stepped(20.0, 200.0, same=False)
    once = replace(held(chain(), large), stepped=rose)
    assert [row.code for row in found(once)] == ["GT115"]
    episode = replace(once, layers=[replace(one, calls=21) for one in once.layers])
    assert found(episode) == []


@pytest.mark.parametrize(
    ("optimizer", "codes"),
    [
        (ADAM, []),
        (replace(ADAM, rate=0.1), ["GT115"]),
        (replace(ADAM, rate=1e-7), ["GT116"]),
        (SGD, []),
        (replace(SGD, rate=1e3), ["GT115"]),
        (replace(SGD, rate=1e-6), ["GT116"]),
        (replace(SGD, rate=8.0), []),
        (replace(SGD, rate=8.0, first=1.9), ["GT115"]),
        (replace(SGD, rate=None), []),
    ],
)
def test_updates_beside_the_weights(optimizer: Optimizer, codes: list[str]) -> None:
    """The weights have a root mean square of 0.175, their gradient one of 0.0016; the biases, all zero, are exempt."""
    findings = found(replace(held(chain(), optimizer), stepped=ROSE))
    assert [(row.code, row.where) for row in findings] == [(code, "model") for code in codes]
    assert all(f"a step of {optimizer.kind} at rate" in row.message for row in findings)


def test_weights_that_are_all_zero_or_get_nothing_are_exempt_from_the_update_rules() -> None:
    fresh = [
        weight("0", weights=Weights(WIDTH * WIDTH, 0.0)),
        weight("1", 0.0),
        bias("1", weights=Weights(WIDTH, 1e-9)),
    ]
    by_heads = weight("attention", weights=Weights(WIDTH, 1e-9), shape=(4, 16))
    fresh.append(replace(by_heads, name="attention/query/bias"))
    codes = [row.code for row in found(held(model([], fresh), replace(ADAM, rate=0.01)))]
    assert "GT115" not in codes


def test_a_parameters_own_rate_counts() -> None:
    ill = with_parameters(held(chain()), lambda row: {"rate": 1.0} if row.name == "2.weight" else {})
    (finding,) = found(replace(ill, stepped=ROSE))
    assert told(finding) == ("GT115", "error", "2.weight")
    assert "at rate 1 moves 2.weight by 5.7 times its size" in finding.message


def test_the_rate_that_is_told_is_that_of_the_parameter_that_moves_most() -> None:
    rates = {"0.weight": 0.02, "2.weight": 0.05}
    ill = with_parameters(held(chain()), lambda row: {"rate": rates.get(row.name)})
    (finding,) = found(replace(ill, stepped=ROSE))
    assert "at rate 0.05 moves 0.weight, 2.weight by 0.29 of their size" in finding.message


@pytest.mark.parametrize(("rate", "severity"), [(0.1, "warning"), (0.17, "warning"), (0.2, "error")])
def test_only_a_step_that_replaces_the_weights_is_an_error(rate: float, severity: str) -> None:
    (finding,) = found(replace(held(chain(), replace(ADAM, rate=rate)), stepped=ROSE))
    assert told(finding) == ("GT115", severity, "model")


def test_an_optimizer_whose_first_step_is_not_known_is_not_judged() -> None:
    assert found(held(chain(), Optimizer("Adadelta", 1.0, adaptive=True))) == []
    ill = held(chain(), Optimizer("RMSprop", 0.01, adaptive=True, first=10.0))
    (finding,) = found(replace(ill, stepped=ROSE))
    assert told(finding) == ("GT115", "warning", "model")


@pytest.mark.parametrize("optimizer", [ADAM, SGD])
def test_a_rate_of_zero_begins_a_warm_up_and_is_no_finding(optimizer: Optimizer) -> None:
    assert found(held(chain(), replace(optimizer, rate=0.0))) == []
    short = with_parameters(held(chain(), replace(optimizer, rate=0.0)), lambda _: {"dtype": "bfloat16"})
    assert found(short) == []


@pytest.mark.parametrize(("dtype", "lost"), [("bfloat16", True), ("float16", False), ("float32", False)])
def test_updates_below_half_a_unit_of_a_short_dtype_are_lost(dtype: str, *, lost: bool) -> None:
    """A thousandth of the weight is below 2^-9 and above 2^-12."""
    short = with_parameters(held(chain(), replace(ADAM, rate=1.75e-4)), lambda _: {"dtype": dtype})
    assert [row.code for row in found(short)] == (["GT117"] if lost else [])


def test_what_the_optimizer_does_not_hold_and_what_is_not_the_models() -> None:
    ill = with_parameters(held(chain()), lambda row: {"group": None} if row.layer == "4" else {})
    assert [told(row) for row in found(ill)] == [("GT120", "warning", "4")]
    # In a program of TensorFlow an optimizer holds what it was given, and nothing is given behind an exception.
    script = replace(ill, framework="tensorflow", route="script")
    assert "GT120" in {row.code for row in found(script)}
    assert "GT120" not in {row.code for row in found(replace(script, incidents=[Incident("raised", "ValueError")]))}
    none = with_parameters(script, lambda row: {"gradient": None} if row.layer == "4" else {})
    assert [told(row) for row in found(none)] == [("GT106", "error", "4")]
    unknown = replace(chain(), optimizer=ADAM)
    assert found(unknown) == []
    stale = replace(unknown, optimizer=replace(ADAM, foreign=12))
    assert [told(row) for row in found(stale)] == [("GT120", "error", "model"), ("GT121", "note", "model")]


def halves(**cells: Any) -> Halves:
    return Halves(**{"count": 4096, "lost": 0, "subnormal": 0, "largest": 1.0, "least": 1e-3, **cells})


@pytest.mark.parametrize(
    ("cells", "codes", "advice"),
    [
        ({}, [], ""),
        ({"lost": 3, "subnormal": 4}, [], ""),
        ({"lost": 100, "subnormal": 300, "least": 2.0**-30, "largest": 0.1}, ["GT118"], "by 2^16 "),
        ({"largest": 1e6}, ["GT119"], "by 2^-4 "),
        ({"lost": 5, "subnormal": 300, "least": 2.0**-30, "largest": 1e3}, ["GT118"], "No single loss scale"),
        ({"subnormal": 4000, "least": 2.0**-20, "largest": 0.1}, [], ""),
    ],
)
def test_what_float16_would_lose(cells: dict[str, Any], codes: list[str], advice: str) -> None:
    ill = with_parameters(chain(), lambda row: {"halves": halves(**cells)} if row.name == "0.weight" else {})
    findings = found(ill)
    assert [row.code for row in findings] == codes
    assert all(row.severity == "warning" and advice in row.remedy for row in findings)
    assert not any("0.00%" in row.message for row in findings)


def test_a_tensor_of_less_than_a_thousandth_of_the_numbers_needs_no_loss_scale() -> None:
    assert loss_scale([halves(), halves(count=4, least=1e-12)]) == 0
    assert loss_scale([]) == 0


@pytest.mark.parametrize(
    ("after", "ill"), [(2.29, False), (2.3005, False), (2.302, True), (2.31, True), (math.nan, True)]
)
def test_a_step_along_minus_g_that_raises_the_loss(after: float, *, ill: bool) -> None:
    findings = found(replace(chain(), descent=Descent(1e-3, 2.3, after, 0.01)))
    assert [told(row) for row in findings] == ([("GT124", "warning", "loss")] if ill else [])


def test_a_rise_within_the_rounding_of_the_loss_says_nothing() -> None:
    assert found(replace(chain(), descent=Descent(1e-3, 2.3, 2.3000002, 1e-7))) == []


def test_terms_that_pull_apart_or_drown() -> None:
    terms = [Term("fit", 2.0, 1.0, 0.9), Term("penalty", 0.3, 0.4, -0.6), Term("aux", 1e-3, 1e-3, 0.1)]
    findings = found(replace(chain(), loss=Loss(2.3, "sum", terms=terms)))
    assert [told(row) for row in findings] == [("GT127", "note", "penalty"), ("GT127", "note", "aux")]
    assert "1000 times as large" in findings[1].message


@pytest.mark.parametrize(("difference", "ill"), [(1e-5, False), (1e-2, True)])
def test_micro_batches_that_do_not_add_up(difference: float, *, ill: bool) -> None:
    accumulated = Accumulated(4, [8] * 4, 1.0, 1.0, difference, "2.weight", 0.1, ["BatchNorm sees 8 samples"])
    findings = found(replace(chain(), accumulated=accumulated))
    assert [told(row) for row in findings] == ([("GT128", "warning", "2.weight")] if ill else [])
    assert not ill or findings[0].message.endswith(": BatchNorm sees 8 samples")


def survey(**cells: Any) -> Survey:
    return Survey(**{
        "segments": [(1.0, 1.0, 1e-9)] * 3, "agree": False, "power": 1e-6, "entries": {}, "wrong": [], "scaled": {},
        "complete": True, "evaluations": 99, **cells,
    })  # fmt: skip


def test_a_wrong_gradient_names_the_parameter_and_the_entry() -> None:
    wrong = [WrongEntry("2.weight", (0, 3), 1.0, 2.0, 1e-6), WrongEntry("2.weight", (1, 1), 1.0, 2.0, 1e-6)]
    (finding,) = found(replace(chain(), verified=survey(wrong=wrong)))
    assert told(finding) == ("GT129", "error", "2.weight")
    assert "2.weight[0, 3]" in finding.message.replace("][", ", ").replace("[0,3]", "[0, 3]")
    (finding,) = found(replace(chain(), verified=survey(scaled={"4.weight": 2.0})))
    assert told(finding) == ("GT129", "error", "4.weight")
    (finding,) = found(replace(chain(), verified=survey()))
    assert told(finding) == ("GT129", "warning", "model")
    assert found(replace(chain(), verified=survey(agree=True))) == []


def course(*pairs: tuple[float, float], **last: Any) -> list[TrainingStep]:
    steps = [TrainingStep(number, loss, norm) for number, (loss, norm) in enumerate(pairs)]
    return [*steps[:-1], replace(steps[-1], **last)]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (course((2.3, 1.0), (2.0, 0.9), (1.5, 3.0)), []),
        (course((29700.0, 4.2e3), (2e7, 1.2e5), (2e13, 1e8)), [("GT131", "error", "model")]),
        (course((1.0, 1.0), (5.0, 2.0), (11.0, 3.0)), [("GT131", "warning", "model")]),
        (course((1.0, 1.0), (50.0, 2.0), (11.0, 3.0)), []),
        (course((1.0, 1e-9), (0.5, 1.0)), []),
        (course((1.09, 0.9), (1.27e31, 1e29), (90.0, 3.0), (6.4, 0.5)), [("GT131", "error", "model")]),
        (course((1.09, 0.9), (10.9, 9.0), (0.9, 0.8), (0.7, 0.5)), []),
        (course((1e-3, 0.01), (0.9, 1.0), (0.2, 0.4), (1.1, 1.1), (0.3, 0.5)), []),
        (course((-0.8, 0.26), (-9e3, 30.0), (-8.6e7, 13754.0)), [("GT131", "error", "model")]),
        (course((-0.8, 0.26), (-1.9, 0.5), (-4.0, 0.2)), []),
        (course((1.0, 1.0), (math.nan, math.nan)), [("GT132", "error", "loss")]),
        (course((1.0, 1.0), (9.0, 1e9), (1.0, math.inf), nonfinite="2.weight"), [("GT131", "error", "model")]),
        (course((1.0, 1.0), (0.9, 1.0), dead=0.9), [("GT133", "error", "model")]),
    ],
)
def test_the_course_of_training(steps: list[TrainingStep], expected: list) -> None:
    if steps[-1].nonfinite:
        expected = [("GT132", "error", "2.weight")]
    assert [told(row) for row in found(replace(chain(), steps=steps))] == expected


def test_the_worst_step_of_a_training_is_told() -> None:
    (finding,) = found(replace(chain(), steps=course((1.09, 0.9), (1.27e31, 1e29), (90.0, 3.0), (6.4, 0.5))))
    assert finding.message.endswith("; at step 1 the loss is 1.27e+31 and the norm 1e+29")


def test_a_short_dtype_that_keeps_less_than_a_digit() -> None:
    digits = [Digits("bfloat16", {"0.weight": 0.4, "2.weight": 1.9}, 1.8), Digits("float32", {"0.weight": 6.0}, 6.5)]
    assert [told(row) for row in found(replace(chain(), digits=digits))] == [("GT134", "note", "0.weight")]
