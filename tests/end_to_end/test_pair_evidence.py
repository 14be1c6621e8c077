"""Where two models give no evidence: NaN, nothing to compare, chance; nothing is concluded, and the cause is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gradtool.problem import ExitCode
from gradtool.verdict.pairing.record import exit_code

sys.path.insert(0, str(Path(__file__).parent))

from pair_files import Compare, agrees, pair

MLP = pair("nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))", "layers.Dense(6, 'tanh'), layers.Dense(2)")
INPUTS = "\nimport numpy as np\ninputs = np.{}\n"


def why(record: object, reason: str) -> str:
    """The message of the only failure; there is no finding, and the exit code is that of no evidence."""
    (failure,) = record.failures  # type: ignore[attr-defined]
    assert failure.reason == reason, failure
    assert record.findings == ()  # type: ignore[attr-defined]
    assert exit_code(record, strict=True) == ExitCode.NO_VERDICT  # type: ignore[arg-type]
    return str(failure.message)


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("function", ["tanh", "sigmoid"])
def test_inputs_that_are_no_numbers_neither_agree_nor_accuse(compare_pair: Compare, value: str, function: str) -> None:
    text = MLP.replace("'tanh'", f"'{function}'") + INPUTS.format(f"full((3, 4), np.{value})")
    told = why(compare_pair(text), "not finite")
    assert "12 of the 12 numbers of the input (3x4) are NaN or infinite" in told


def test_a_layer_that_makes_nan_is_named_with_its_side(compare_pair: Compare) -> None:
    torch = "nn.Sequential(nn.Linear(4, 6), nn.Sequential(nn.Tanh(), Log()), nn.Linear(6, 2))"
    keras = "layers.Dense(6, 'tanh'), layers.Dense(2)"
    log = "\nimport torch\nclass Log(torch.nn.Module):\n    def forward(self, x):\n        return (x - x).log() - x\n"
    told = why(compare_pair(pair(torch, keras, more=log)), "not finite")
    assert "in the PyTorch model first from 2 (Linear" in told
    assert "all outputs and gradients of the Keras model are finite" in told


def test_losses_that_are_nan_on_both_sides_are_no_agreement(compare_pair: Compare) -> None:
    losses = (
        "\ndef torch_loss(o):\n    return (o - o.mean()).log().mean()\n"
        "\ndef keras_loss(o):\n    import keras\n    return keras.ops.mean(keras.ops.log(o - 2 * keras.ops.mean(o)))\n"
    )
    told = why(compare_pair(MLP + losses), "not finite")
    assert told.count("in the loss, for the output is finite") == 2


def test_a_mask_of_infinities_that_does_no_harm_is_compared(compare_pair: Compare) -> None:
    text = MLP.replace("nn.Linear(4, 6)", "nn.Hardtanh(), nn.Linear(4, 6)", 1).replace(
        "layers.Dense(6", "layers.Activation('hard_tanh'), layers.Dense(6", 1
    )
    agrees(compare_pair(text + INPUTS.format("array([[np.inf, 0.1, -np.inf, 0.5]] * 3)")))


def test_no_rows_are_no_agreement(compare_pair: Compare) -> None:
    assert "the input is 0x4: there is nothing to compare" in why(
        compare_pair(MLP + INPUTS.format("zeros((0, 4))")), "empty"
    )


NOISE = """
import torch


class Noise(torch.nn.Module):
    def forward(self, x):
        return x + 0.1 * torch.randn_like(x) * self.training
"""


def test_a_forward_that_draws_numbers_is_told_and_not_compared(compare_pair: Compare) -> None:
    torch = "nn.Sequential(Noise(), nn.Linear(4, 6))"
    text = pair(torch, "layers.GaussianNoise(0.1), layers.Dense(6)", more=NOISE)
    told = why(compare_pair(text), "random")
    assert "the PyTorch model is random" in told
    assert "1 (Linear" in told
    agrees(compare_pair(text, mode="eval"))


LOSS = "\ndef torch_loss(o):\n    return (o**2).mean()\n"


def test_a_loss_on_one_side_alone_is_not_taken_for_a_difference(compare_pair: Compare) -> None:
    evidence = agrees(compare_pair(MLP + LOSS))
    assert any("a loss for PyTorch and none for Keras" in note for note in evidence.notes)
    assert evidence.loss == []
    assert evidence.values[0][0] == pytest.approx(evidence.values[0][1], rel=1e-12)


HEADS = """
def torch_model():
    import torch
    from torch import nn

    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.a, self.b = nn.Linear(4, 7), nn.Linear(7, 2), nn.Linear(7, 2)

        def forward(self, x):
            x = torch.relu(self.body(x))
            return {"one": self.a(x), "two": torch.tanh(self.b(x))}

    return Heads()


def keras_model():
    import keras
    from keras import layers

    start = keras.Input((4,))
    x = layers.Dense(7, activation="relu")(start)
    two, one = layers.Dense(2, activation="tanh", name="b")(x), layers.Dense(2, name="a")(x)
    return keras.Model(start, {"two": two, "one": one})
"""


def test_outputs_are_partners_by_their_keys(compare_pair: Compare) -> None:
    agrees(compare_pair(HEADS))
    (failure,) = compare_pair(HEADS.replace('"two": two', '"other": two')).failures
    assert "calls its outputs one, two, the Keras model other, one" in failure.message
    wrong = compare_pair(HEADS.replace('"two": two, "one": one', '"two": one, "one": two'))
    assert [one.code for one in wrong.findings] == ["GT320"]


def test_axes_that_change_places_without_channels_in_front_are_told(compare_pair: Compare) -> None:
    turned = (
        "\nimport torch\nclass Turned(torch.nn.Module):\n    def forward(self, x):\n        return x.transpose(1, 2)\n"
    )
    dense = pair("nn.Sequential(nn.Linear(6, 6), Turned())", "layers.Dense(6)", "(5, 6)", turned)
    (failure,) = compare_pair(dense).failures
    assert "8x6x5 in the PyTorch model, 8x5x6 in the Keras model, the same axes in another order" in failure.message
    agrees(compare_pair(pair("nn.Sequential(nn.Linear(6, 6))", "layers.Dense(6)", "(5, 6)")))
    images = pair("nn.Sequential(nn.Conv1d(6, 4, 1), nn.BatchNorm1d(4, eps=1e-3), nn.Tanh())",
                  "layers.Conv1D(4, 1), layers.BatchNormalization(), layers.Activation('tanh')", "(5, 6)")  # fmt: skip
    agrees(compare_pair(images))


def test_models_without_parameters_are_compared_by_outputs_and_the_gradient_by_the_input(compare_pair: Compare) -> None:
    evidence = agrees(
        compare_pair(pair("nn.Sequential(nn.Softmax(-1), nn.Tanh())", "layers.Softmax(), layers.Activation('tanh')"))
    )
    assert [(one.left, one.word) for one in evidence.parameters] == [("input 1", "same")]
    assert evidence.parameters[0].gradients[0].difference < 1e-12
    cut = (
        "\nimport torch\nclass Half(torch.nn.Module):\n    def forward(self, x):\n        return (x + x.detach()) / 2\n"
    )
    record = compare_pair(pair("nn.Sequential(Half(), nn.Tanh())", "layers.Activation('tanh')", more=cut))
    assert [one.code for one in record.findings] == ["GT322"]
    pooled = pair("nn.AvgPool2d(2)", "layers.AveragePooling2D(2)", "(6, 4, 2)")
    assert [one.word for one in agrees(compare_pair(pooled)).parameters] == ["channels first to last"]
