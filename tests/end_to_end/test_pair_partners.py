"""Which layer is which, where several fit: healthy branches are never accused, and a guess accuses nobody."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pair_files import Compare, agrees  # behind the path of this folder

HEAD = """
def torch_model():
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            {made}

        def forward(self, x):
            {run}

    return Net()


def keras_model():
    import keras
    from keras import layers, ops

    start = keras.Input({shape})
    {keras}
"""


def branched(made: str, run: str, shape: str, keras: str) -> str:
    keras = "\n    ".join(keras.splitlines())
    return HEAD.format(made=made, run=run, shape=shape, keras=keras)


SHORTCUT = branched(
    "self.short, self.one, self.two = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(3))",
    "return torch.relu(self.two(torch.relu(self.one(x))) + self.short(x))",
    "(6, 6, 4)",
    "short = layers.Conv2D(4, 3, padding='same')(start)\n"
    "x = layers.Conv2D(4, 3, padding='same', activation='relu')(start)\n"
    "x = layers.Conv2D(4, 3, padding='same')(x)\n"
    "return keras.Model(start, layers.ReLU()(layers.Add()([x, short])))",
)
GATED = branched(
    "self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)",
    "return torch.tanh(self.a(x)) + 0.5 * torch.sigmoid(self.b(x))",
    "(6,)",
    "a = layers.Dense(6, activation='tanh')(start)\n"
    "b = layers.Dense(6, activation='sigmoid')(start)\n"
    "return keras.Model(start, a + 0.5 * b)",
)
ATTENTION = branched(
    "self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))",
    "return self.o(torch.softmax(self.q(x) @ self.k(x).transpose(1, 2) / 8**0.5, -1) @ self.v(x))",
    "(5, 8)",
    "v, k, q = (layers.Dense(8)(start) for _ in range(3))\n"
    "a = ops.softmax(ops.matmul(q, ops.transpose(k, (0, 2, 1))) / 8**0.5)\n"
    "return keras.Model(start, layers.Dense(8)(ops.matmul(a, v)))",
)
INNER = """
class Attention(layers.Layer):
    def __init__(self):
        super().__init__()
        self.parts = [layers.Dense(8, name=name) for name in "qkvo"]

    def build(self, shape):
        for one in self.parts:
            one.build(shape)

    def call(self, x):
        q, k, v, o = self.parts
        there, key, query = v(x), k(x), q(x)
        return o(ops.matmul(ops.softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1))) / 8**0.5), there))

return keras.Model(start, Attention()(start))"""


@pytest.mark.parametrize("text", [SHORTCUT, GATED, ATTENTION], ids=["shortcut", "gated", "attention"])
def test_healthy_branches_that_run_in_another_order_agree(compare_pair: Compare, text: str) -> None:
    agrees(compare_pair(text))


def test_what_is_named_alike_inside_a_layer_is_paired_by_that(compare_pair: Compare) -> None:
    keras = ATTENTION[ATTENTION.index("    v, k, q") :]
    text = ATTENTION.replace(keras, INNER.replace("\n", "\n    ") + "\n")
    evidence = agrees(compare_pair(text))
    kernels = {one.left: one.right for one in evidence.parameters if one.left.endswith("weight")}
    assert {left[0]: right.split("/")[-2] for left, right in kernels.items()} == {x: x for x in "qkvo"}


def test_a_fault_behind_branches_is_placed_where_what_feeds_what_says_which_is_which(compare_pair: Compare) -> None:
    (found,) = compare_pair(GATED.replace("'sigmoid'", "'softplus'")).findings
    assert found.code == "GT320"
    assert found.where.startswith("sigmoid / ")
    assert "function sigmoid in PyTorch, softplus in Keras" in found.message
    (found,) = compare_pair(SHORTCUT.replace("layers.ReLU()", "layers.ELU()")).findings
    assert "ELU" in found.message


FAULTY = ATTENTION.replace("/ 8**0.5, -1", "/ 2, -1")


def test_a_fault_where_two_layers_can_change_places_accuses_no_layer_and_the_hint_helps(compare_pair: Compare) -> None:
    """Queries and keys feed the same, so that which is which is not known when no way agrees."""
    record = compare_pair(FAULTY)
    assert not record.findings
    (failure,) = record.failures
    assert failure.reason == "ambiguous"
    assert "q, k, v, o" in failure.message
    line = re.search(r"gradtool_map = \{.*\}", failure.hint)
    assert line
    assert 'name="q"' in failure.hint
    told = compare_pair(FAULTY + line[0].replace(", ...", "") + "\n")
    assert not told.failures
    assert [one.code for one in told.findings] == ["GT320"]
    names = FAULTY.replace(
        "v, k, q = (layers.Dense(8)(start) for _ in range(3))",
        "v, k, q = (layers.Dense(8, name=n)(start) for n in 'vkq')",
    )
    (found,) = compare_pair(names).findings
    assert found.where.startswith("softmax")


def test_chains_of_one_shape_are_paired_in_their_order_even_where_they_differ(compare_pair: Compare) -> None:
    made = "self.parts = nn.ModuleList(nn.Linear(6, 6) for _ in range(12))"
    run = "for part in self.parts:\n                x = torch.tanh(part(x))\n            return x"
    keras = "x = start\nfor k in range(12):\n    x = layers.Dense(6, activation='sigmoid' if k == 7 else 'tanh')(x)\n"
    text = branched(made, run, "(6,)", f"{keras}return keras.Model(start, x)")
    agrees(compare_pair(text.replace("sigmoid", "tanh")))
    (found,) = compare_pair(text).findings
    assert (found.code, found.where) == ("GT320", "tanh / dense_7/sigmoid")
