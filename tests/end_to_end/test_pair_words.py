"""What is said where two models differ or can't be laid side by side: the cause that is one, and advice that helps."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pair_files import Compare, agrees, pair

CAUSES = {
    "transposed": ("nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1)",
                   "layers.Conv2DTranspose(3, 3, strides=2, padding='same')", "(4, 4, 2)", "padding 1, 1", "Crop by"),
    "pooling": ("nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Conv2d(2, 4, 3))",
                "layers.AveragePooling2D(3, 1, 'same'), layers.Conv2D(4, 3)", "(6, 6, 2)",
                ": padding counted yes in PyTorch, no in Keras;", "count_include_pad=False"),
    "softmax": ("nn.Sequential(nn.Linear(5, 5), nn.Softmax(dim=0))", "layers.Dense(5), layers.Softmax()", "(5,)",
                ": axis 0 in PyTorch, last in Keras", "dim= in PyTorch"),
}  # fmt: skip


@pytest.mark.parametrize("name", CAUSES)
def test_the_setting_that_is_the_cause_is_told_with_its_remedy(compare_pair: Compare, name: str) -> None:
    torch, keras, shape, told, advice = CAUSES[name]
    (found,) = compare_pair(pair(torch, keras, shape)).findings
    assert told in found.message
    assert advice in found.remedy


def test_the_healthy_twins_of_these_settings_agree(compare_pair: Compare) -> None:
    torch, keras, shape, _, _ = CAUSES["pooling"]
    agrees(compare_pair(pair(torch.replace("3, 1, 1", "3, 1, 1, count_include_pad=False"), keras, shape)))
    torch, keras, shape, _, _ = CAUSES["softmax"]
    assert not agrees(compare_pair(pair(torch.replace("dim=0", "dim=1"), keras, shape))).layers[1].settings


def test_a_mask_that_keras_hands_on_is_told(compare_pair: Compare) -> None:
    torch = "type('Net', (nn.Sequential,), {'forward': lambda self, x: self[1](self[0](x))[0][:, -1]})("
    torch += "nn.Embedding(20, 4), nn.LSTM(4, 5, batch_first=True))"
    keras = "layers.Embedding(20, 4, mask_zero=True), layers.LSTM(5)"
    given = "\nimport numpy as np\ninputs = np.array([[3, 0, 4, 0], [1, 2, 0, 0]])\n"
    (found,) = compare_pair(pair(torch, keras, "(4,), dtype='int32'", given)).findings
    assert "mask none in PyTorch, mask_zero of embedding in Keras" in found.message
    agrees(compare_pair(pair(torch, keras.replace(", mask_zero=True", ""), "(4,), dtype='int32'", given)))


def test_a_gradient_that_is_cut_between_two_layers_is_placed_between_them(compare_pair: Compare) -> None:
    cut = (
        "\nimport torch\nclass Half(torch.nn.Module):\n    def forward(self, x):\n        return (x + x.detach()) / 2\n"
    )
    torch = "nn.Sequential(nn.Linear(4, 4), nn.Tanh(), Half(), nn.Linear(4, 2))"
    (found,) = compare_pair(pair(torch, "layers.Dense(4, 'tanh'), layers.Dense(2)", more=cut)).findings
    assert found.code == "GT322"
    assert re.search(r"through Linear .* and Dense .*, or between it and Tanh .* and tanh", found.message)


def test_a_padding_layer_in_front_wants_channels_in_front(compare_pair: Compare) -> None:
    torch = "nn.Sequential(nn.ZeroPad2d((0, 1, 2, 2)), nn.Conv2d(2, 4, 3))"
    keras = "layers.ZeroPadding2D(((2, 2), (0, 1))), layers.Conv2D(4, 3)"
    first = agrees(compare_pair(pair(torch, keras, "(8, 8, 2)"))).layers[0]
    assert (first.kind, first.settings) == ("pad", [])


HINTS = {
    "sizes": ("nn.Linear(4, 7)", "layers.Dense(6)", "gradtool_map can't help"),
    "counts": ("nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 6))", "layers.Dense(6)", "build both models of the same"),
}


@pytest.mark.parametrize("name", HINTS)
def test_no_map_is_advised_where_none_can_help(compare_pair: Compare, name: str) -> None:
    torch, keras, advice = HINTS[name]
    (failure,) = compare_pair(pair(torch, keras)).failures
    assert advice in failure.hint
    assert ("has 2 dense layers with weights, the Keras model 1" in failure.message) == (name == "counts")


def test_a_layer_that_runs_twice_on_one_side_is_named(compare_pair: Compare) -> None:
    torch = "type('Net', (nn.Linear,), {})(4, 4)"
    torch = f"(lambda one: nn.Sequential(one, one))({torch})"
    (failure,) = compare_pair(pair(torch, "layers.Dense(4), layers.Dense(4)")).failures
    assert "0 runs 2 times in the PyTorch model" in failure.hint
    assert "gradtool_map =" not in failure.hint


def test_a_map_that_is_advised_helps(compare_pair: Compare) -> None:
    text = pair(
        "nn.Sequential(nn.Conv2d(2, 4, 3), nn.InstanceNorm2d(4, eps=1e-3, affine=True))",
        "layers.Conv2D(4, 3), layers.GroupNormalization(groups=4)",
        "(8, 8, 2)",
    )
    (failure,) = compare_pair(text).failures
    assert "the user's own" not in failure.message
    line = re.search(r"gradtool_map = \{.*\}", failure.hint)
    assert line
    agrees(compare_pair(f"{text}\n{line[0]}\n"))
