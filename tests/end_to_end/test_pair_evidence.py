"""Where two models give no evidence: NaN, nothing to compare, chance; nothing is concluded, and the cause is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gradtool.problem import ExitCode
from gradtool.verdict.pairing import exit_code

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
