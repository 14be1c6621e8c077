"""Units that are dead or saturated, modes, initial weights, and the output beside the targets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from handmade_models import chain, found, layer, model, told, weight, with_layers, with_parameters

from gradtool.evidence import Head, TrainingStep, Weights
from gradtool.verdict.flow.judgement import judge


@pytest.mark.parametrize(
    ("dead", "samples", "expected"),
    [
        (44, 32, []),
        (45, 32, [("GT108", "warning", "3")]),
        (51, 32, [("GT108", "warning", "3")]),
        (52, 32, [("GT108", "error", "3")]),
        (52, 8, [("GT108", "error", "3")]),
        (52, 7, [("GT108", "note", "3")]),
    ],
)
def test_dead_units_by_their_share_and_the_samples(dead: int, samples: int, expected: list) -> None:
    ill = with_layers(chain(), {"3": {"dead": dead, "samples": samples}})
    assert [told(row) for row in found(ill)] == expected


def test_dead_layers_are_told_together_and_low_biases_blamed() -> None:
    ill = with_layers(chain(), {name: {"dead": 60} for name in "13579"})
    ill = with_parameters(ill, lambda row: {"weights": Weights(64, 160.0, mean=-20.0)} if row.name == "0.bias" else {})
    (finding,) = found(ill)
    assert finding.message.startswith(
        "60 of 64 units of layer 1 (Relu) are 0 for all 32 samples; likewise layer 3 (94%), layer 5 (94%)"
    )
    assert finding.remedy == "Start the biases at 0 (0.bias lie far below)."


def test_a_linear_layer_that_starts_at_zero_is_not_dead() -> None:
    assert found(with_layers(chain(), {"2": {"units": 64, "dead": 64, "samples": 32}})) == []


def test_saturation_is_judged_in_hidden_layers_only() -> None:
    ill = with_layers(
        chain(6, 1.0, "tanh"), {"3": {"saturated": 0.51}, "5": {"saturated": 0.5}, "10": {"saturated": 1.0}}
    )
    assert [told(row) for row in found(ill)] == [("GT109", "warning", "3")]


def test_batch_normalisation_of_one_sample_and_the_mode() -> None:
    sound = with_layers(chain(), {"2": {"kind": "BatchNorm2d"}, "4": {"kind": "Dropout"}})
    assert found(sound) == []
    assert [told(row) for row in found(replace(sound, batch=1))] == [("GT122", "warning", "2")]
    assert [told(row) for row in found(replace(sound, mode="eval"))] == [("GT123", "note", "2")]
    assert found(replace(chain(), mode="eval", batch=1)) == []
    steps = [TrainingStep(0, 2.0, 1.0), TrainingStep(1, 1.9, 1.0)]
    assert [told(row) for row in found(replace(sound, mode="eval", steps=steps))] == [("GT123", "warning", "2")]


@pytest.mark.parametrize(
    ("gain", "kind", "expected"),
    [
        (0.577, "Linear", []),
        (0.02 * 8, "Linear", []),
        (0.02, "Linear", ["GT125"]),
        (5.1, "Linear", ["GT125"]),
        (8.0, "Embedding", []),
        (8.0, "LayerNorm", []),
        (0.0, "Linear", []),
    ],
)
def test_initial_weights_far_outside_are_a_note(gain: float, kind: str, expected: list[str]) -> None:
    sound = chain()
    ill = model(sound.layers, [*sound.parameters, weight("2", 0.1, gain, kind=kind)])
    assert [row.code for row in found(ill)] == expected


def test_weights_that_are_all_alike_are_noted() -> None:
    alike = Weights(64 * 64, 6.4, equal=True)
    ill = with_parameters(chain(), lambda row: {"weights": alike} if row.name == "2.weight" else {})
    assert [told(row) for row in found(ill)] == [("GT125", "note", "2.weight")]


def head(**cells: Any) -> Head:
    return Head(**{"shape": (32, 1), "least": 0.1, "largest": 0.9, "target_shape": (32, 1), **cells})


@pytest.mark.parametrize(
    ("activation", "low", "high", "classes", "width", "ill"),
    [
        ("sigmoid", 0.0, 1.0, 2, 1, False),
        ("sigmoid", -1.0, 1.0, 0, 1, True),
        ("sigmoid", 0.0, 2.0, 3, 1, True),
        ("softmax", 0.0, 9.0, 10, 10, False),
        ("softmax", 0.0, 1.0, 0, 10, False),
        ("tanh", -1.0, 1.0, 0, 1, False),
        ("tanh", -3.0, 2.0, 0, 1, True),
        ("relu", -0.5, 2.0, 0, 1, True),
        ("relu", 0.0, 200.0, 0, 1, False),
        ("", -100.0, 100.0, 0, 1, False),
        ("gelu", -100.0, 100.0, 0, 1, False),
    ],
)
def test_targets_beyond_the_last_activation(
    activation: str, low: float, high: float, classes: int, width: int, *, ill: bool
) -> None:
    seen = head(activation=activation, target_least=low, target_largest=high, classes=classes, shape=(32, width))
    findings = found(replace(chain(), head=replace(seen, target_shape=(32, width))))
    assert [told(row) for row in findings] == ([("GT110", "error", "output")] if ill else [])
    assert not ill or activation in findings[0].message
    assert not classes > 2 or not ill or "3 outputs" in findings[0].remedy


@pytest.mark.parametrize(
    ("cells", "ill"),
    [
        ({"expects": "logits", "activation": "softmax"}, True),
        ({"expects": "logits", "activation": "sigmoid"}, True),
        ({"expects": "logits", "activation": ""}, False),
        ({"expects": "logits", "activation": "log_softmax"}, False),
        ({"expects": "probabilities", "activation": "softmax"}, False),
        ({"expects": "probabilities", "least": -2.0, "largest": 3.0}, True),
        ({"expects": "probabilities", "least": 0.0, "largest": 1.0}, False),
        ({"expects": "log_probabilities", "activation": "softmax"}, True),
        ({"expects": "log_probabilities", "activation": "log_softmax"}, False),
        ({"expects": "", "activation": "softmax"}, False),
    ],
)
def test_a_loss_that_expects_another_kind_of_output(cells: dict[str, Any], *, ill: bool) -> None:
    findings = found(replace(chain(), head=head(classes=2, **cells)))
    assert [told(row) for row in findings] == ([("GT112", "warning", "output")] if ill else [])


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_remedy_is_in_the_words_of_the_framework(activation: str) -> None:
    def remedies(framework: str) -> str:
        ill = [
            head(classes=2, expects="logits", activation=activation),
            head(classes=2, expects="probabilities", least=-2.0, largest=3.0),
        ]
        return " ".join(found(replace(chain(), head=one, framework=framework))[0].remedy for one in ill)

    assert "from_logits" not in remedies("torch")
    assert ("NLLLoss" if activation == "softmax" else "BCELoss") in remedies("torch")
    assert "BCEWithLogitsLoss" in remedies("torch")
    assert "from_logits=False" in remedies("tensorflow")
    assert "from_logits=True" in remedies("tensorflow")
    assert "Loss," not in remedies("tensorflow")


def test_output_and_targets_that_broadcast() -> None:
    ill = replace(chain(), head=head(target_shape=(32,)))
    assert [told(row) for row in found(ill)] == [("GT135", "warning", "output")]
    assert found(replace(ill, framework="tensorflow")) == []
    assert found(replace(chain(), head=head(target_shape=(32,), classes=2))) == []


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_difference_that_the_program_takes_itself_is_aligned_by_nobody(framework: str) -> None:
    ill = replace(chain(), framework=framework, head=head(target_shape=(32,), source="model.py:7"))
    (finding,) = found(ill)
    assert told(finding) == ("GT135", "warning", "output")
    assert finding.message.endswith("(32, 1), the targets (32,): their difference has 32 x 32 numbers")
    assert finding.source == "model.py:7"
    assert next(item.state for item in judge(ill)[1] if item.title == "shapes match") == "warned"


@pytest.mark.parametrize(
    ("cells", "ill"),
    [
        ({"class_axis": 1, "sums_to_one": [0], "activation": "log_softmax"}, True),
        ({"class_axis": 1, "sums_to_one": [2], "shape": (8, 4, 16), "activation": ""}, True),
        ({"class_axis": 1, "sums_to_one": [], "activation": "softmax"}, True),
        ({"class_axis": 1, "sums_to_one": [1], "activation": "log_softmax"}, False),
        ({"class_axis": 1, "sums_to_one": [], "activation": ""}, False),
        ({"class_axis": None, "activation": "softmax"}, False),
    ],
)
def test_a_softmax_over_another_axis_than_the_classes(cells: dict[str, Any], *, ill: bool) -> None:
    seen = head(**{"shape": (32, 4), "classes": 4, **cells})
    findings = found(replace(chain(), head=seen))
    assert [told(row) for row in findings] == ([("GT136", "error", "output")] if ill else [])
    assert not ill or "dim=1 " in findings[0].remedy
    assert not ill or "axis=1 " in found(replace(chain(), head=seen, framework="tensorflow"))[0].remedy


def test_a_softmax_over_one_number() -> None:
    last = layer("11", 11, kind="Softmax", activation="softmax", axis=1)
    sound = chain()
    findings = found(model([*sound.layers, last], sound.parameters, head=head(expects="logits", activation="softmax")))
    assert [told(row) for row in findings] == [("GT111", "error", "11")]
    assert found(model([*sound.layers, replace(last, axis=2)], sound.parameters)) == []
