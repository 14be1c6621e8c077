"""Gradients that are not finite, exactly zero or missing: which parameters, why, and what is lawful."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from handmade_models import bias, chain, found, layer, model, numbers, relu, told, weight, with_layers, with_parameters

from gradtool.evidence import Loss, ModelEvidence, Parameter, Weights


def zeroed(evidence: ModelEvidence, *names: str) -> ModelEvidence:
    """Gradients of exactly zero, of the named parameters and layers."""

    def change(row: Parameter) -> dict[str, Any]:
        return {"gradient": numbers(0.0, row.weights.count)} if row.name in names or row.layer in names else {}

    return with_layers(with_parameters(evidence, change), {name: {"gradient": 0.0} for name in names})


def test_a_loss_that_is_nan_is_said_first_and_the_gradients_in_one_finding() -> None:
    ill = with_parameters(
        replace(chain(), loss=Loss(math.nan, "nll", "model.py:9")),
        lambda row: {"gradient": numbers(math.nan, row.weights.count, nan=row.weights.count, zeros=0)},
    )
    ill = with_layers(ill, {row.name: {"gradient": math.nan} for row in ill.layers})
    loss, gradients = found(ill)
    assert (told(loss), loss.source) == (("GT114", "error", "loss"), "model.py:9")
    assert "the loss itself breaks" in loss.message
    assert told(gradients) == ("GT101", "error", "model")
    assert "of all 12 parameters are NaN, as the loss is" in gradients.message


def test_the_first_output_that_is_not_finite_is_named() -> None:
    ill = with_layers(chain(), {"3": {"nonfinite": 7, "rms": math.inf}, "4": {"nonfinite": 9, "rms": math.nan}})
    (finding,) = found(replace(ill, loss=Loss(math.inf, "mse")))
    assert told(finding) == ("GT114", "error", "3")


@pytest.mark.parametrize(("cell", "code"), [("nan", "GT101"), ("inf", "GT102")])
def test_gradients_that_are_not_finite_hide_what_cannot_be_judged(cell: str, code: str) -> None:
    """A vanishing gradient beside it is not told; the layer where the first one enters is."""
    value = float(cell)

    def change(row: Parameter) -> dict[str, Any]:
        return {"gradient": numbers(value, row.weights.count, zeros=0, **{cell: 5})} if int(row.layer) < 4 else {}

    ill = with_layers(with_parameters(chain(8, 0.3), change), {str(n): {"gradient": value} for n in range(5)})
    (finding,) = found(with_layers(ill, {"4": {"source": "model.py:4"}}))
    assert told(finding) == (code, "error", "0")
    assert "20 of the 8320 gradient entries of 2 parameters of layer 0, 2 parameters of layer 2" in finding.message
    assert finding.message.endswith("at the output of layer 4 (Linear)")
    assert finding.source == "model.py:4"


def test_a_missing_gradient_is_told_by_what_ran() -> None:
    sound = chain()
    unused = model(sound.layers, [*sound.parameters, weight("spare", None), bias("spare", None)])
    (finding,) = found(unused)
    assert told(finding) == ("GT106", "error", "spare")
    assert "2 parameters of spare.* got no gradient: the forward pass never used" in finding.message
    cut = with_parameters(sound, lambda row: {"gradient": None} if row.layer in "024" else {})
    cut = with_layers(cut, {str(place): {"gradient": None} for place in range(6)} | {"0": {"source": "model.py:3"}})
    (finding,) = found(cut)
    assert told(finding) == ("GT106", "error", "0")
    assert "between here and layer 6 (Linear)" in finding.message
    assert finding.source == "model.py:3"


def test_frozen_parameters_are_a_note_and_an_error_where_nothing_learns() -> None:
    trunk = with_parameters(
        chain(), lambda row: {"trainable": row.layer != "0", "gradient": None} if row.layer == "0" else {}
    )
    (finding,) = found(trunk)
    assert told(finding) == ("GT107", "note", "0")
    assert "17% of all numbers" in finding.message
    (finding,) = found(with_parameters(chain(), lambda _: {"trainable": False, "gradient": None}))
    assert told(finding) == ("GT107", "error", "model")


def test_an_unexplained_zero_is_an_error_with_the_place_where_it_is_lost() -> None:
    (finding,) = found(zeroed(chain(), "0", "1", "2", "3"))
    assert told(finding) == ("GT105", "error", "0")
    assert "lost between here and the output of layer 4 (Linear)" in finding.message


def test_a_weight_alone_whose_input_is_zero() -> None:
    (finding,) = found(zeroed(chain(), "4.weight"))
    assert told(finding) == ("GT105", "error", "4.weight")
    assert "its input is 0" in finding.message


def test_where_every_gradient_is_zero_the_loss_does_not_move_unless_it_is_zero() -> None:
    ill = zeroed(chain(), *(str(place) for place in range(11)))
    (finding,) = found(ill)
    assert told(finding) == ("GT105", "error", "model")
    assert "the loss itself does not move" in finding.message
    (finding,) = found(replace(ill, loss=Loss(0.0, "mse")))
    assert finding.severity == "note"


def zero_weights(**cells: Any) -> dict[str, Any]:
    return {"weights": Weights(64 * 64, 0.0), **cells}


def test_lora_starts_at_zero_lawfully() -> None:
    layers = [layer("base", 0), layer("A", 1, 0.0), layer("B", 2, rms=0.0, dead=64, units=64), layer("out", 3)]
    parameters = [weight("base"), weight("A", 0.0), weight("B", **zero_weights()), weight("out")]
    (finding,) = found(model(layers, parameters))
    assert told(finding) == ("GT105", "note", "A.weight")
    assert "B.weight" in finding.message


def test_lora_whose_a_is_zero_too_never_moves() -> None:
    layers = [layer("base", 0), layer("A", 1, 0.0), layer("B", 2), layer("out", 3)]
    parameters = [weight("base"), weight("A", 0.0), weight("B", 0.0, **zero_weights()), weight("out")]
    (finding,) = found(model(layers, parameters))
    assert finding.severity == "error"
    assert "2 parameters" in finding.message or "A.weight, B.weight" in finding.message


def test_residual_branches_that_start_at_zero_are_one_note() -> None:
    layers, parameters = [layer("stem", 0)], [weight("stem"), bias("stem")]
    for block in range(8):
        at = 3 * block
        layers += [layer(f"{block}.a", at + 1, 0.0), layer(f"{block}.norm", at + 2), layer(f"{block}", at + 3)]
        parameters += [
            weight(f"{block}.a", 0.0),
            bias(f"{block}.a", 0.0),
            weight(f"{block}.norm", **zero_weights()),
            bias(f"{block}.norm"),
        ]
    (finding,) = found(model(layers, parameters))
    assert told(finding) == ("GT105", "note", "0.a")
    assert "0.norm.weight, 1.norm.weight, 2.norm.weight and 5 more" in finding.message


def test_a_gate_that_starts_at_zero_beside_its_branch_is_lawful() -> None:
    """Its layer runs before the branch that it scales."""
    layers = [layer("b.0.gate.1", 0), layer("b.0.mlp.fc", 1, 0.0), layer("b.0", 2), layer("out", 3)]
    parameters = [weight("b.0.gate.1", **zero_weights()), weight("b.0.mlp.fc", 0.0), weight("out")]
    (finding,) = found(model(layers, parameters))
    assert told(finding) == ("GT105", "note", "b.0.mlp.fc.weight")


def test_a_bias_that_cancels_out_and_an_unused_state_are_lawful() -> None:
    findings = found(zeroed(chain(), "4.bias"))
    assert [told(row) for row in findings] == [("GT105", "note", "4.bias")]
    cell = [weight("rnn"), replace(weight("rnn", 0.0), name="rnn.weight_hh_l0")]
    findings = found(model([layer("rnn", 0), layer("out", 1)], [*cell, weight("out")]))
    assert [told(row) for row in findings] == [("GT105", "note", "rnn.weight_hh_l0")]


def test_what_a_dead_layer_or_a_softmax_of_one_explains_is_not_told_again() -> None:
    before = zeroed(chain(), "0", "1", "2", "3", "4.weight")
    dead = with_layers(before, {"3": {"dead": 64}})
    assert [told(row) for row in found(dead)] == [("GT108", "error", "3")]
    ill = zeroed(chain(), *(str(place) for place in range(11)))
    softmax = relu("11", 11, 1.0, activation="softmax", kind="Softmax", axis=1, source="model.py:5")
    (finding,) = found(model([*ill.layers, softmax], ill.parameters))
    assert (told(finding), finding.source) == (("GT111", "error", "11"), "model.py:5")
    fitted = replace(model([*ill.layers, softmax], ill.parameters), loss=replace(ill.loss, value=0.0))
    assert [told(row) for row in found(fitted)] == [("GT111", "error", "11")]  # the loss is 0 because of it


def test_hooks_are_listed() -> None:
    ill = with_parameters(chain(), lambda row: {"hooks": ["clip (train.py:7)"]} if row.layer == "2" else {})
    (finding,) = found(ill)
    assert told(finding) == ("GT126", "note", "2")
    assert finding.message == "hooks may change the gradient of 2 parameters of layer 2: clip (train.py:7)"


def test_one_layer_ran_or_several_did() -> None:
    def told(*cut: str) -> str:
        return found(with_parameters(chain(), lambda row: {"gradient": None} if row.layer in cut else {}))[0].message

    assert told("2").startswith("2 parameters of layer 2 got no gradient although the layer ran:")
    assert "although their layers ran" in told("2", "4")
