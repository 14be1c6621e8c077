"""Pairs of models by the real workers: healthy ones agree, planted faults are found in their place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cases import WHOLE

from gradtool.pipeline.compare_models import compare_models
from gradtool.pipeline.pair_sides import sides_of
from gradtool.settings import PairSettings
from gradtool.target.model_file import read_model_file
from gradtool.verdict.pairing.record import ModelComparison
from gradtool.witness.host import PAIR_WITNESSES, Host

CORPUS = Path(__file__).parents[1] / "corpus"
sys.path.insert(0, str(CORPUS))
sys.path.insert(0, str(Path(__file__).parent))

from pair_files import Compare, agrees, pair  # noqa: E402  # likewise
from pair_specs import HEALTHY_TWINS, LOSS, MUTANTS, Spec, drawn, file_of  # noqa: E402  # behind the path of the corpus

TRANSFORMER = CORPUS / "pair_transformer.py"
FEW_MUTANTS = [
    "layer norm epsilon 1e-5 against 1e-6",
    "gelu with tanh, fused",
    "lstm gates g and o swapped",
    "gru reset before",
    "stride-2 same padding",
    "untransposed square weight",
    "missing bias in PyTorch",
    "pooling padding",
    "batch norm in evaluation in Keras",
    "mean against sum loss",
    "gradient cut in PyTorch",
]
"""One of each sort; the whole list takes a minute."""


def placed(record: ModelComparison, place: int) -> None:
    """The first finding is an error at the layer of this place."""
    assert not record.failures, record.failures
    assert record.findings, "nothing was found"
    assert record.findings[0].severity == "error"
    where = record.findings[0].where.partition(" / ")[0]
    wanted = "loss" if place == LOSS else f"parts.{place}"
    assert where == wanted or where.startswith(f"{wanted}."), record.findings[0]


# ---- the corpus


@pytest.mark.parametrize("seed", range(8))
def test_one_healthy_pair_of_each_family_agrees(compare_pair: Compare, seed: int) -> None:
    agrees(compare_pair(file_of(drawn(seed), str(CORPUS)), seed=seed))


@pytest.mark.parametrize("name", FEW_MUTANTS)
def test_a_planted_fault_is_found_in_its_place(compare_pair: Compare, name: str) -> None:
    spec, place = MUTANTS[name]
    placed(compare_pair(file_of(spec, str(CORPUS))), place)


DTYPES = ("float32", "float64")
HEALTHY = [(seed, dtype) for seed in range(8, 112) for dtype in (DTYPES if WHOLE else [DTYPES[seed // 8 % 2]])]
"""A family has every eighth seed, and the two dtypes in turn."""


@pytest.mark.large
@pytest.mark.parametrize(("seed", "dtype"), HEALTHY)
def test_more_than_a_hundred_healthy_pairs_agree(compare_pair: Compare, seed: int, dtype: str) -> None:
    record = compare_pair(file_of(drawn(seed), str(CORPUS)), seed=seed, dtype=dtype)
    if dtype == "float64" and [one.reason for one in record.failures] == ["unsupported"]:
        assert "float64 kernel" in record.failures[0].message  # TensorFlow pools no volumes in float64
    else:
        agrees(record)


@pytest.mark.large
@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in FEW_MUTANTS])
def test_every_planted_fault_is_found_in_its_place(compare_pair: Compare, name: str) -> None:
    spec, place = MUTANTS[name]
    placed(compare_pair(file_of(spec, str(CORPUS))), place)


@pytest.mark.parametrize("name", ["mlp", "loss", "lstm by hand", "nothing cut"])
def test_the_same_without_the_fault_agrees(compare_pair: Compare, name: str) -> None:
    agrees(compare_pair(file_of(HEALTHY_TWINS[name], str(CORPUS))))


@pytest.mark.large
@pytest.mark.parametrize("name", HEALTHY_TWINS)
def test_every_twin_agrees(compare_pair: Compare, name: str) -> None:
    agrees(compare_pair(file_of(HEALTHY_TWINS[name], str(CORPUS))))


def test_there_are_enough_faults() -> None:
    assert len(MUTANTS) >= 40


# ---- what is told


def test_the_first_layer_is_named_with_both_lines_the_setting_and_the_remedy(compare_pair: Compare) -> None:
    record = compare_pair(
        pair("nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6))", "layers.Dense(6), layers.LayerNormalization()")
    )
    (found,) = record.findings
    assert (found.code, found.where, found.source) == ("GT320", "1 / layer_normalization", "pair.py:4")
    assert "LayerNorm (pair.py:4) and LayerNormalization (pair.py:9)" in found.message
    assert "epsilon 1e-05 in PyTorch, 0.001 in Keras" in found.message
    assert "1e-5" in found.remedy


def test_the_map_of_the_parameters_is_told(compare_pair: Compare) -> None:
    torch = "nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(3 * 4 * 3, 2))"
    evidence = agrees(compare_pair(pair(torch, "layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(2)", "(6, 5, 2)")))
    assert [(one.left, one.right, one.word) for one in evidence.parameters] == [
        ("0.weight", "conv2d/kernel", "axes O I ... to ... I O"),
        ("0.bias", "conv2d/bias", "same"),
        ("2.weight", "dense/kernel", "transposed, channels first to last"),
        ("2.bias", "dense/bias", "same"),
    ]
    assert evidence.parameters[2].left_shape == [2, 36]


def test_the_exact_gelu_of_keras_is_a_note(compare_pair: Compare) -> None:
    record = compare_pair(
        pair(
            "nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 2))",
            "layers.Dense(6, activation='gelu'), layers.Dense(2)",
        )
    )
    agrees(record)
    assert [(one.code, one.where) for one in record.findings] == [("GT326", "1 / dense/gelu")]


def test_a_dtype_without_a_kernel_is_compared_in_the_other(compare_pair: Compare) -> None:
    torch = "nn.Sequential(nn.Conv3d(2, 3, 2), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(3 * 2 * 2 * 2, 2))"
    keras = "layers.Conv3D(3, 2), layers.MaxPooling3D(), layers.Flatten(), layers.Dense(2)"
    evidence = agrees(compare_pair(pair(torch, keras, "(5, 5, 5, 2)")))
    assert evidence.left.dtype == "float32"
    assert any("no float64 kernel for MaxPool3D" in note for note in evidence.notes)


OWN = """
import numpy as np

inputs = np.random.default_rng(3).standard_normal((5, 4))


def torch_model():
    import torch

    class Mine(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.randn(4, 4))

        def forward(self, x):
            return x @ self.w

    return Mine()


def keras_model():
    import keras

    class Layer(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(4, 4), name="w")

        def call(self, x):
            return x @ self.w

    return keras.Sequential([keras.Input((4,)), Layer()])
"""


def test_the_axes_of_a_square_weight_of_ones_own_are_never_guessed(compare_pair: Compare) -> None:
    (failure,) = compare_pair(OWN).failures
    assert "which axes of w (4x4) are which of layer/w is not known" in failure.message
    assert "Mine" in failure.message
    assert 'gradtool_map = {"w": "layer/w"}' in failure.hint


def test_a_map_of_ones_own_settles_it(compare_pair: Compare) -> None:
    evidence = agrees(compare_pair(OWN + '\ngradtool_map = {"w": "layer/w"}\n'))
    assert [one.word for one in evidence.parameters] == ["same, as gradtool_map says"]
    assert evidence.left.outputs == [[5, 4]]


def test_a_wrong_map_is_found_out(compare_pair: Compare) -> None:
    record = compare_pair(OWN + '\ngradtool_map = {"w": ("layer/w", (1, 0))}\n')
    assert [one.code for one in record.findings] == ["GT320"]


def test_images_that_are_flattened_into_something_else_than_a_dense_layer_are_told(compare_pair: Compare) -> None:
    torch = "nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Tanh())"
    record = compare_pair(pair(torch, "layers.Conv2D(3, 3), layers.Flatten(), layers.Activation('tanh')", "(6, 5, 2)"))
    (found,) = record.findings
    assert (found.code, found.where) == ("GT320", "1 / flatten")
    assert "Permute((3, 1, 2))" in found.remedy
    keras = "layers.Conv2D(3, 3), layers.Permute((3, 1, 2)), layers.Flatten(), layers.Activation('tanh')"
    agrees(compare_pair(pair(torch, keras, "(6, 5, 2)")))


def test_a_parameter_that_is_frozen_on_one_side_is_told(compare_pair: Compare) -> None:
    text = pair("nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2))", "layers.Dense(5), layers.Dense(2)")
    frozen = text.replace("    return nn.Sequential(", "    return frozen(").replace(
        "def torch_model", "def frozen(*parts):\n    from torch import nn\n    model = nn.Sequential(*parts)\n"
        "    model[0].weight.requires_grad_(False)\n    return model\n\n\ndef torch_model", 1
    )  # fmt: skip
    assert [(one.code, one.where) for one in compare_pair(frozen).findings] == [("GT324", "0.weight")]
    agrees(compare_pair(text))


def test_what_did_not_run_is_noted(compare_pair: Compare) -> None:
    lost = "type('Net', (nn.Sequential,), {'forward': lambda self, x: self[0](x)})(nn.Linear(4, 5), nn.Linear(5, 2))"
    evidence = agrees(compare_pair(pair(lost, "layers.Dense(5)")))
    assert any("1.weight, 1.bias" in note for note in evidence.notes)


def test_a_transformer_of_pytorch_beside_one_written_out_in_keras(compare_pair: Compare) -> None:
    evidence = agrees(compare_pair(TRANSFORMER.read_text(encoding="utf-8")))
    words = {one.left: one.word for one in evidence.parameters}
    assert words["enc.self_attn.in_proj_weight"] == "a third, transposed, split into heads"
    assert len(words) == 15


def test_evaluation_mode_uses_stored_statistics_on_both_sides(compare_pair: Compare) -> None:
    torch = "nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=1e-3))"
    text = pair(torch, "layers.Dense(6), layers.BatchNormalization()")
    train, evaluated = agrees(compare_pair(text)), agrees(compare_pair(text, mode="eval"))
    assert abs(train.values[0][0] - evaluated.values[0][0]) > 1e-3


def test_a_variance_that_loses_its_digits_in_float32_is_told_with_the_side(compare_pair: Compare) -> None:
    """Means of what was normalised over them hardly depend on what came before: the true gradient nearly cancels."""
    torch = (
        "nn.Sequential(nn.Conv3d(2, 4, 1), nn.GELU('tanh'), nn.BatchNorm3d(4), nn.AdaptiveAvgPool3d(1), nn.Flatten())"
    )
    keras = (
        "layers.Conv3D(4, 1), layers.Activation(lambda x: keras.ops.gelu(x)), "
        "layers.BatchNormalization(epsilon=1e-5), layers.GlobalAveragePooling3D()"
    )
    record = compare_pair(pair(torch, keras, "(7, 8, 9, 2)"))
    lost = [one for one in record.findings if one.code == "GT325"]
    assert record.evidence is not None
    assert all(one.gradients[0].difference < 1e-7 for one in record.evidence.parameters)
    assert [one.severity for one in lost] == ["warning"]
    assert ": Keras is " in lost[0].message


# ---- two files, and one for both backends


def test_two_files_may_share_inputs_and_targets(workers: Host, tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(
        "import torch\nmodel = torch.nn.Sequential(torch.nn.Linear(4, 3))\nloss_fn = torch.nn.CrossEntropyLoss()\n"
        "inputs = torch.randn(16, 4)\ntargets = torch.randint(0, 3, (16,))\n",
        encoding="utf-8",
    )
    (tmp_path / "k.py").write_text(
        "import keras\nmodel = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\n"
        "loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)\n",
        encoding="utf-8",
    )
    sides = sides_of([read_model_file(str(tmp_path / name)) for name in ("k.py", "t.py")])
    assert [one.witness for one in sides] == ["torch", "keras"]
    evidence = agrees(compare_models("t.py k.py", sides, PairSettings(), workers))
    assert evidence.left.loss == evidence.right.loss == "own"
    assert evidence.values[0][0] == pytest.approx(evidence.values[0][1], rel=1e-12)


def test_one_keras_file_runs_on_both_backends(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(
        "import keras\nfrom keras import layers\n"
        "print('on', keras.backend.backend())\n"
        "stack = [keras.Input((6, 4)), layers.LSTM(5), layers.Dense(3, 'gelu'), layers.Dropout(0.5)]\n"
        "model = keras.Sequential(stack)\n",
        encoding="utf-8",
    )
    sides = sides_of([read_model_file(str(path))])
    heard: list[bytes] = []
    with Host([*(side.witness for side in sides), "pairing"], 120, PAIR_WITNESSES, relay=heard.append) as host:
        evidence = agrees(compare_models("model.py", sides, PairSettings(), host))
    assert {b"on torch", b"on tensorflow"} <= {line.strip() for line in heard}
    assert "PyTorch" in evidence.left.version
    assert "TensorFlow" in evidence.right.version
    assert {one.word for one in evidence.parameters} == {"same"}


def test_the_spec_of_a_seed_is_always_the_same() -> None:
    first: Spec = drawn(5)
    assert first == drawn(5) != drawn(13)
