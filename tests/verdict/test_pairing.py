"""Where two models part, from evidence made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gradtool.evidence import ComparedLayer, ComparedParameter, Distance, Failure, PairEvidence, Setting, Side
from gradtool.problem import ExitCode
from gradtool.verdict.pairing.findings import judge_pair
from gradtool.verdict.pairing.parting import apart, first_apart
from gradtool.verdict.pairing.record import ModelComparison, exit_code
from gradtool.verdict.pairing.words import REMEDIES

LEFT = Side(0, "PyTorch", "2", "torch_model", "Net", "float64")
RIGHT = Side(0, "Keras", "3", "keras_model", "Functional", "float64")


def both(wide: float, narrow: float = 1e-7, floor: float = 1e-7) -> list[Distance]:
    return [Distance("float64", wide, 1e-9), Distance("float32", narrow, floor)]


def layer(name: str, forward: float = 0.0, backward: float = 0.0, **more: Any) -> ComparedLayer:
    plain = ComparedLayer(
        name, name.upper(), "dense", "Linear", "Dense", f"t.py:{len(name)}", "k.py:9", both(forward), both(backward)
    )
    return replace(plain, **more)


def parameter(owner: str, difference: float = 0.0, **more: Any) -> ComparedParameter:
    plain = ComparedParameter(f"{owner}.w", f"{owner}/w", [2, 3], [3, 2], "transposed", owner, both(difference))
    return replace(plain, **more)


def evidence(
    layers: list[ComparedLayer], parameters: list[ComparedParameter], output: float = 0.0, **more: Any
) -> PairEvidence:
    end = ComparedLayer("output", "output", "output", "", "", outputs=both(output))
    return replace(PairEvidence(0, LEFT, RIGHT, parameters, [*layers, end], values=[[2.0, 8.0]]), **more)


def codes(record: PairEvidence) -> list[tuple[str, str]]:
    return [(one.code, one.where) for one in judge_pair(record)]


def test_what_differs_by_rounding_alone_is_the_same() -> None:
    record = evidence([layer("a", 1e-13, 1e-13), layer("b", 1e-13)], [parameter("a", 1e-13)], 1e-13)
    assert judge_pair(record) == ()
    assert first_apart(record) is None


def test_the_first_layer_whose_output_differs_is_named_with_setting_and_remedy() -> None:
    wrong = layer("b", 1e-3, 1e-3, settings=[Setting("epsilon", "1e-05", "0.001")])
    record = evidence(
        [layer("a", 0, 1e-3), wrong, layer("c", 1e-2)], [parameter("a", 1e-3), parameter("b", 1e-3)], 1e-2
    )
    (found,) = judge_pair(record)
    assert (found.code, found.severity, found.where, found.source) == ("GT320", "error", "b / B", "t.py:1")
    assert found.remedy == REMEDIES["epsilon"]
    assert "differs by 0.001 in float64: epsilon 1e-05 in PyTorch, 0.001 in Keras" in found.message
    assert "2 of 2 parameters" in found.message


def test_a_layer_that_only_one_side_runs_is_a_reason() -> None:
    wrong = layer("b", 1e-3, alone=[["left", "ReLU", "t.py:7"]])
    (found,) = judge_pair(evidence([wrong], [parameter("b", 1e-3)], 1e-3))
    assert "only PyTorch runs ReLU (t.py:7) before it" in found.message


def test_where_no_reason_is_known_the_partners_themselves_are_in_question() -> None:
    (found,) = judge_pair(evidence([layer("b", 1e-3)], [parameter("b", 1e-3)], 1e-3))
    assert "gradtool_map" in found.remedy


def test_a_layer_whose_difference_has_no_consequence_is_none() -> None:
    assert codes(evidence([layer("a", 1e-2)], [parameter("a")])) == []


def test_another_shape_is_a_difference_where_the_models_differ() -> None:
    other = layer("a", outputs=[], gradients=[], settings=[Setting("output shape", "8x4", "8x5")])
    assert codes(evidence([other, layer("b", 1e-2)], [parameter("b", 1e-2)], 1e-2)) == [("GT320", "a / A")]
    assert codes(evidence([other, layer("b")], [parameter("b")])) == []


def test_a_loss_that_differs_behind_equal_outputs() -> None:
    record = evidence([layer("a", 0, 0.75)], [parameter("a", 0.75)], loss=both(0.75))
    (found,) = judge_pair(record)
    assert (found.code, found.where) == ("GT321", "loss")
    assert "2 in PyTorch and 8 in Keras, 4 times" in found.message


def test_a_way_back_that_differs_is_placed_between_the_last_right_and_the_first_wrong() -> None:
    layers = [layer("a", 0, 0.5), layer("b", 0, 0.5), layer("c"), layer("d")]
    assert codes(evidence(layers, [parameter("a", 0.5), parameter("b", 0.5), parameter("c")])) == [("GT322", "c / C")]
    assert codes(evidence(layers, [parameter("a", 0.5), parameter("d", 0.5)])) == [("GT322", "d / D")]


def test_a_parameter_without_a_partner_and_one_without_a_gradient() -> None:
    lone = parameter("a", left="", left_shape=[], gradients=[], layer="A")
    assert codes(evidence([layer("a")], [lone])) == [("GT323", "a / A")]
    half = parameter("a", gradients=[], missing="right")
    assert codes(evidence([layer("a")], [half])) == [("GT324", "a.w")]


def test_constants_in_float32_are_a_note_and_what_follows_from_them_is_allowed_for() -> None:
    amplified = replace(parameter("b"), gradients=[Distance("float64", 4e-7, 2e-7), Distance("float32", 1e-7, 1e-7)])
    record = evidence([layer("a"), layer("b", 5e-9)], [amplified])
    assert codes(record) == [("GT326", "b / B")]
    assert [one.severity for one in judge_pair(record)] == ["note"]


def test_a_lower_precision_that_loses_half_its_digits_is_a_warning() -> None:
    narrow = Distance("float32", 1e-2, 1e-6, left_error=1e-6, right_error=2e-2)
    lost = replace(parameter("a"), gradients=[Distance("float64", 1e-13, 1e-9), narrow])
    (found,) = judge_pair(evidence([layer("a")], [lost, parameter("b")]))
    assert (found.code, found.severity) == ("GT325", "warning")
    assert "Keras is 0.02 from its own in float64, PyTorch 1e-06" in found.message


def test_agreement_of_a_chaotic_model_is_no_match_without_a_word() -> None:
    chaotic = replace(parameter("a"), gradients=[Distance("float64", 1e-5, 2e-3), Distance("float32", 0.0, 0.0)])
    (found,) = judge_pair(evidence([layer("a")], [chaotic, parameter("b")]))
    assert (found.code, found.severity, found.where) == ("GT327", "warning", "a.w / a/w")
    assert "below 0.02 is not told" in found.message


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (Distance("float64", 1e-7, None), False),
        (Distance("float64", 1.1e-7, None), True),
        (Distance("float64", 1.1e-7, 2e-8), False),
        (Distance("float32", 3e-4, 1e-7), False),
        (Distance("float32", 4e-4, 1e-7), True),
        (Distance("float32", 4e-4, 1e-4), False),
        (Distance("float64", 1e-2, float("inf")), True),
        (Distance("float64", float("nan"), None), True),
        (Distance("float32", float("inf"), 1.0), True),
    ],
)
def test_what_is_apart(one: Distance, expected: bool) -> None:
    assert apart(one) is expected


def test_without_float64_the_other_dtype_decides() -> None:
    narrow = replace(RIGHT, dtype="float32")
    rough = [Distance("float64", 1e-5, 1e-9), Distance("float32", 1e-5, 1e-7)]
    record = evidence([layer("a", outputs=rough)], [replace(parameter("a"), gradients=rough)], right=narrow)
    assert "GT320" not in [code for code, _ in codes(record)]


def test_the_exit_code() -> None:
    good = evidence([layer("a")], [parameter("a")])
    bad = evidence([layer("a", 1e-2)], [parameter("a", 1e-2)], 1e-2)
    assert exit_code(ModelComparison("x", good, judge_pair(good), ()), strict=True) == ExitCode.OK
    assert exit_code(ModelComparison("x", bad, judge_pair(bad), ()), strict=False) == ExitCode.FINDING
    for reason, code in (("file", ExitCode.UNUSABLE), ("missing", ExitCode.NO_VERDICT)):
        failure = Failure(0, "torch", reason, "no")
        assert exit_code(ModelComparison("x", None, (), (failure,)), strict=False) == code
