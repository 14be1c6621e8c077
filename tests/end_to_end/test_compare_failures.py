"""Pairs that can't be compared: one Failure each, which names what is wrong and where."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gradtool.problem import ProblemError
from gradtool.witness.host import Host

sys.path.insert(0, str(Path(__file__).parent))

from pair_files import Compare, agrees, pair  # behind the path of the folder

TORCH_ALONE = """
def torch_model():
    import torch
    return torch.nn.Linear(2, 2)
"""
UNBUILT = """
def keras_model():
    import keras
    return keras.Sequential([keras.layers.Dense(2)])
"""
DENSE = "layers.Dense(6), layers.Dense(2)"
BAD: dict[str, tuple[str, str]] = {
    "no such function": (TORCH_ALONE, "no function keras_model()"),
    "unpaired layer": (pair("nn.Sequential(nn.Linear(4, 6))", DENSE), "dense_1 (Dense, pair.py:9) of the Keras model"),
    "unpaired on the left": (
        pair("nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2))", DENSE),
        "the PyTorch model has 3 dense layers with weights, the Keras model 2; 1 (Linear, pair.py:4) and dense (Dense",
    ),
    "another kind": (
        pair("nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6))", DENSE),
        "1 (LayerNorm, pair.py:4) of the PyTorch model has no partner",
    ),
    "other inputs": (pair("nn.Linear(5, 6)", "layers.Dense(6)"), "calling the model, Linear, on 8x4 failed"),
    "other outputs": (
        pair("nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (2, 3)))", "layers.Dense(6)"),
        "the shapes of the outputs differ: 8x2x3 in the PyTorch model, 8x6 in the Keras model",
    ),
    "it raises": (pair("nn.Linear(4, 1 / 0)", DENSE), "torch_model() in pair.py failed: ZeroDivisionError"),
    "no inputs": (TORCH_ALONE + UNBUILT, "no input for the models is known"),
    "a map of nothing": (
        pair("nn.Linear(4, 6)", "layers.Dense(6)", more="\ngradtool_map = {'wieght': 'dense/kernel'}\n"),
        "gradtool_map names wieght",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cant_be_compared_gives_one_failure(compare_pair: Compare, name: str) -> None:
    text, told = BAD[name]
    record = compare_pair(text)
    assert record.evidence is None
    (failure,) = record.failures
    assert failure.reason == "file"
    assert told in failure.message


def test_a_crash_and_a_hang_give_one_failure_each(
    compare_pair: Compare, workers: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    (failure,) = compare_pair(pair("__import__('os').abort()", "layers.Dense(6)")).failures
    assert failure.reason == "killed"
    assert "PyTorch was killed (SIGABRT)" in failure.message
    agrees(compare_pair(pair("nn.Linear(4, 6)", "layers.Dense(6)")))
    monkeypatch.setattr(workers, "timeout", 5.0)
    (failure,) = compare_pair(pair("__import__('time').sleep(60)", "layers.Dense(6)")).failures
    assert failure.reason == "timeout"


def test_a_dtype_that_numpy_does_not_have_is_refused(compare_pair: Compare) -> None:
    with pytest.raises(ProblemError, match="has no bfloat16"):
        compare_pair(pair("nn.Linear(4, 6)", "layers.Dense(6)"), dtype="bfloat16")


def test_half_precision_is_compared_too(compare_pair: Compare) -> None:
    evidence = agrees(
        compare_pair(pair("nn.Sequential(nn.Linear(4, 6), nn.Tanh())", "layers.Dense(6, 'tanh')"), dtype="float16")
    )
    assert [one.dtype for one in evidence.parameters[0].gradients] == ["float64", "float16"]
