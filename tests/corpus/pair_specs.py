"""Architectures drawn from a seed, as data that both frameworks build, and pairs with one planted fault each."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

Spec = dict[str, Any]
Row = list[Any]

ACTIVATIONS = ("relu", "tanh", "gelu", "leaky_relu", "elu", "sigmoid", "silu", "selu", "softplus")


def _activation(drawn: random.Random) -> dict[str, Any]:
    name = drawn.choice(ACTIVATIONS)
    found: dict[str, Any] = {"name": name, "functional": drawn.random() < 0.4}
    if name == "gelu":
        found["form"] = drawn.choice(["none", "tanh"])
    elif name == "leaky_relu":
        found["slope"] = drawn.choice([0.01, 0.1, 0.2])
    elif name == "elu":
        found["alpha"] = drawn.choice([0.5, 1.0])
    return found


def _act(drawn: random.Random) -> Row:
    return ["act", _activation(drawn)]


def _dense(drawn: random.Random, units: int = 0) -> Row:
    settings: dict[str, Any] = {"units": units or drawn.choice([5, 8, 12, 16]), "bias": drawn.random() < 0.85}
    if drawn.random() < 0.6:
        settings["act"] = _activation(drawn)
    return ["dense", settings]


def _eps(drawn: random.Random) -> float:
    return drawn.choice([1e-3, 1e-5, 1e-6])


def mlp(drawn: random.Random) -> Spec:
    rows: list[Row] = []
    for _ in range(drawn.randint(2, 6)):
        rows.append(_dense(drawn))
        if drawn.random() < 0.4:
            rows.append([drawn.choice(["bn", "ln"]), {"eps": _eps(drawn)}])
        if drawn.random() < 0.3:
            rows.append(_act(drawn))
        if drawn.random() < 0.2:
            rows.append(["dropout", {"rate": 0.3}])
    return {"input": [drawn.choice([7, 10, 16])], "layers": [*rows, _dense(drawn, 3)]}


def _conv(drawn: random.Random, dims: int) -> Row:
    kernel, stride = drawn.choice([1, 2, 3]), drawn.choice([1, 1, 2])
    settings: dict[str, Any] = {"dims": dims, "filters": drawn.choice([4, 6, 8]), "kernel": kernel, "stride": stride}
    way = drawn.choice(["valid", "same", "pad", "reflect"])
    if way == "same" and kernel % 2 and stride == 1:
        settings["padding"] = "same"
        if drawn.random() < 0.3:
            settings["dilation"] = 2
    elif way != "valid" and kernel > 1:
        settings["pad"] = 1
        if way == "reflect":
            settings["mode"] = "reflect"
    settings["bias"] = drawn.random() < 0.8
    if drawn.random() < 0.5:
        settings["act"] = _activation(drawn)
    return ["conv", settings]


def _middle(drawn: random.Random, dims: int) -> Row:
    """A layer between the first convolution and the pooling."""
    kind = drawn.choice(["conv", "bn", "gn", "depthwise", "separable", "transposed", "act", "dropout"])
    made: dict[str, Callable[[], Row]] = {
        "conv": lambda: _conv(drawn, dims),
        "bn": lambda: ["bn", {"eps": _eps(drawn)}],
        "gn": lambda: ["gn", {"groups": 2, "eps": _eps(drawn)}],
        "transposed": lambda: ["transposed", {
            "dims": dims, "filters": drawn.choice([4, 6]), "kernel": 3, "stride": drawn.choice([1, 2]),
        }],
        "dropout": lambda: ["dropout", {"rate": 0.2}],
    }  # fmt: skip
    if dims < 3:
        made["depthwise"] = lambda: ["depthwise", {"dims": dims, "kernel": 2, "multiplier": drawn.choice([1, 2])}]
    if dims == 2:
        made["separable"] = lambda: ["separable", {"filters": 6, "kernel": 2}]
    return made.get(kind, lambda: _act(drawn))()


def cnn(drawn: random.Random, dims: int) -> Spec:
    shape = [*{1: [20], 2: [12, 10], 3: [7, 8, 9]}[dims], drawn.choice([2, 3, 4])]
    rows = [_conv(drawn, dims), *(_middle(drawn, dims) for _ in range(drawn.randint(1, 2)))]
    if drawn.random() < 0.6:
        rows.append(["pool", {"function": drawn.choice(["max", "avg"]), "size": 2}])
    if drawn.random() < 0.5:
        rows.append(["flatten", {"functional": drawn.random() < 0.5}])
        if drawn.random() < 0.3:
            rows.append(["bn", {"eps": _eps(drawn)}])
    else:
        rows.append(["global", {"function": drawn.choice(["avg", "max"])}])
    return {"input": shape, "image": True, "layers": [*rows, _dense(drawn, 5), _dense(drawn, 3)]}


def recurrent(drawn: random.Random) -> Spec:
    rows: list[Row] = []
    spec: Spec = {"input": [drawn.choice([6, 9]), drawn.choice([3, 5])]}
    if drawn.random() < 0.4:
        spec = {"input": [7], "ints": 11}
        rows.append(["embedding", {"rows": 11, "size": 6}])
    for last in (False, True)[drawn.randint(0, 1) :]:
        kind = drawn.choice(["lstm", "gru", "rnn"])
        rows.append([kind, {
            "units": drawn.choice([4, 6]), "sequences": not last, "bidirectional": drawn.random() < 0.4,
            "layers": drawn.choice([1, 1, 2]),
        }])  # fmt: skip
        if drawn.random() < 0.3:
            rows.append(["ln", {"eps": _eps(drawn)}])
    return {**spec, "layers": [*rows, _dense(drawn, 3)]}


def transformer(drawn: random.Random) -> Spec:
    size = drawn.choice([8, 12])
    rows: list[Row] = [["embedding", {"rows": 13, "size": size}]]
    for _ in range(drawn.randint(1, 2)):
        rows += [
            ["ln", {"eps": _eps(drawn)}],
            ["attention", {"heads": drawn.choice([2, 4]), "residual": drawn.random() < 0.7}],
        ]
        rows += [["ln", {"eps": _eps(drawn)}], _dense(drawn, 16), ["dropout", {"rate": 0.1}], _dense(drawn, size)]
    return {"input": [6], "ints": 13, "layers": [*rows, ["mean_steps", {}], _dense(drawn, 3)]}


def mixed(drawn: random.Random) -> Spec:
    row = _conv(drawn, 1)
    kind = drawn.choice(["lstm", "gru"])
    rows = [row, ["bn", {"eps": _eps(drawn)}], ["steps", {}], [kind, {"units": 5, "sequences": drawn.random() < 0.5}]]
    if rows[-1][1]["sequences"]:
        rows.append(["flatten", {}])
    return {"input": [14, 4], "image": True, "layers": [*rows, _dense(drawn, 3)]}


def images(drawn: random.Random) -> Spec:
    """What ends in an image, as a decoder does."""
    row = _conv(drawn, 2)
    rows = [
        row,
        ["bn", {"eps": _eps(drawn)}],
        _act(drawn),
        ["transposed", {"dims": 2, "filters": 3, "kernel": 3, "stride": 2}],
    ]
    return {"input": [9, 8, 3], "image": True, "layers": rows}


FAMILIES: tuple[Callable[[random.Random], Spec], ...] = (
    mlp, lambda d: cnn(d, 2), recurrent, transformer, lambda d: cnn(d, 1), mixed, images, lambda d: cnn(d, 3),
)  # fmt: skip


def drawn(seed: int) -> Spec:
    """The architecture of a seed; eight in a row are of eight families."""
    return FAMILIES[seed % len(FAMILIES)](random.Random(seed))  # noqa: S311  # repeatable draws, no secrets


# ---- pairs with one planted fault: (name, spec, place of the layer that is to be named)

MLP: Spec = {"input": [10], "layers": [
    ["dense", {"units": 8}], ["ln", {"eps": 1e-5}], ["act", {"name": "gelu"}], ["dense", {"units": 8}],
    ["act", {"name": "leaky_relu"}], ["bn", {"eps": 1e-5}], ["act", {"name": "elu"}], ["dense", {"units": 3}],
]}  # fmt: skip
CNN: Spec = {"input": [12, 10, 4], "image": True, "layers": [
    ["conv", {"dims": 2, "filters": 6, "kernel": 3, "stride": 2, "pad": 1}], ["bn", {"eps": 1e-3}],
    ["act", {"name": "relu"}], ["gn", {"groups": 2, "eps": 1e-5}], ["depthwise", {"dims": 2, "kernel": 2}],
    ["pool", {"function": "avg", "size": 2}], ["flatten", {}], ["dense", {"units": 5, "act": {"name": "tanh"}}],
    ["dense", {"units": 3}],
]}  # fmt: skip
RNN: Spec = {"input": [7, 4], "layers": [
    ["lstm", {"units": 5, "sequences": True}], ["gru", {"units": 6, "sequences": True}], ["rnn", {"units": 4}],
    ["dense", {"units": 3}],
]}  # fmt: skip
TRANSFORMER: Spec = {"input": [6], "ints": 13, "layers": [
    ["embedding", {"rows": 13, "size": 8}], ["ln", {"eps": 1e-5}], ["attention", {"heads": 2}], ["ln", {"eps": 1e-6}],
    ["dense", {"units": 8, "act": {"name": "gelu"}}], ["dense", {"units": 8}], ["mean_steps", {}],
    ["dense", {"units": 3}],
]}  # fmt: skip
DECODER: Spec = {"input": [6, 5, 4], "image": True, "layers": [
    ["conv", {"dims": 2, "filters": 4, "kernel": 3, "padding": "same"}],
    ["transposed", {"dims": 2, "filters": 4, "kernel": 4, "stride": 2}], ["act", {"name": "silu"}],
    ["pool", {"function": "max", "size": 3, "stride": 2}], ["conv", {"dims": 2, "filters": 4, "kernel": 2}],
    ["global", {"function": "avg"}], ["dense", {"units": 2}],
]}  # fmt: skip
VOLUME: Spec = {"input": [7, 6, 5, 2], "image": True, "layers": [
    ["conv", {"dims": 3, "filters": 4, "kernel": 3, "pad": 1}], ["bn", {"eps": 1e-5}], ["act", {"name": "relu"}],
    ["global", {"function": "max"}], ["dense", {"units": 3}],
]}  # fmt: skip
SIGNAL: Spec = {"input": [16, 3], "image": True, "layers": [
    ["conv", {"dims": 1, "filters": 4, "kernel": 3, "pad": 2, "dilation": 2}], ["act", {"name": "softplus"}],
    ["conv", {"dims": 1, "filters": 4, "kernel": 2, "stride": 2}], ["steps", {}], ["gru", {"units": 4}],
    ["dense", {"units": 3}],
]}  # fmt: skip


def _faulty(base: Spec, place: int, side: str, **change: Any) -> tuple[Spec, int]:
    spec = copy.deepcopy(base)
    spec["layers"][place][1].setdefault(side, {}).update(change)
    return spec, place


def _inserted(base: Spec, place: int, row: Row, named: int) -> tuple[Spec, int]:
    spec = copy.deepcopy(base)
    spec["layers"].insert(place, row)
    return spec, named


def _lossy(torch: str, keras: str) -> tuple[Spec, int]:
    return {**MLP, "losses": {"torch": torch, "keras": keras}}, LOSS


LOSS = -1
"""The place of what comes behind every layer."""

MUTANTS: dict[str, tuple[Spec, int]] = {
    "layer norm epsilon 1e-5 against 1e-6": _faulty(MLP, 1, "keras", eps=1e-6),
    "layer norm epsilon 1e-5 against 1e-3, the defaults": _faulty(MLP, 1, "keras", eps=1e-3),
    "layer norm epsilon 1e-6 against 1e-5, in a transformer": _faulty(TRANSFORMER, 3, "keras", eps=1e-5),
    "batch norm epsilon 1e-5 against 1e-3": _faulty(MLP, 5, "keras", eps=1e-3),
    "batch norm epsilon 1e-3 against 1e-5, of images": _faulty(CNN, 1, "keras", eps=1e-5),
    "batch norm epsilon 1e-5 against 1e-6, of volumes": _faulty(VOLUME, 1, "keras", eps=1e-6),
    "group norm epsilon": _faulty(CNN, 3, "keras", eps=1e-3),
    "group norm groups": _faulty(CNN, 3, "keras", groups=3),
    "gelu with tanh in Keras": _faulty(MLP, 2, "keras", form="tanh"),
    "gelu with tanh in PyTorch": _faulty(MLP, 2, "torch", form="tanh", functional=True),
    "gelu with tanh, fused": _faulty(TRANSFORMER, 4, "keras", act={"name": "gelu", "form": "tanh"}),
    "leaky slope 0.01 against 0.2": _faulty(MLP, 4, "keras", slope=0.2),
    "leaky slope 0.01 against 0.3, Keras's default": _faulty(MLP, 4, "keras", slope=0.3),
    "leaky slope in a function": _faulty(MLP, 4, "torch", slope=0.02, functional=True),
    "elu alpha": _faulty(MLP, 6, "keras", alpha=0.5),
    "relu against gelu": _faulty(CNN, 2, "keras", name="gelu"),
    "tanh against sigmoid, fused": _faulty(CNN, 7, "keras", act={"name": "sigmoid"}),
    "silu against gelu": _faulty(DECODER, 2, "keras", name="gelu"),
    "softplus against relu": _faulty(SIGNAL, 1, "keras", name="relu"),
    "lstm gates g and o swapped": _faulty(RNN, 0, "torch", order=[0, 1, 3, 2]),
    "lstm gates i and f swapped": _faulty(RNN, 0, "torch", order=[1, 0, 2, 3]),
    "gru reset before": _faulty(RNN, 1, "keras", reset_after=False),
    "gru reset before, after a convolution": _faulty(SIGNAL, 4, "keras", reset_after=False),
    "gru backwards": _faulty(SIGNAL, 4, "keras", backwards=True),
    "rnn with relu against tanh": _faulty(RNN, 2, "keras", function="relu"),
    "stride-2 same padding": _faulty(CNN, 0, "keras", padding="same", pad=0),
    "zeros against reflect": _faulty(CNN, 0, "torch", mode="reflect"),
    "zeros against circular": _faulty(VOLUME, 0, "torch", mode="circular"),
    "causal padding": _faulty(SIGNAL, 0, "keras", padding="causal", pad=0),
    "dilation with its padding": _faulty(SIGNAL, 0, "keras", dilation=1, pad=1),
    "untransposed square weight": _faulty(MLP, 3, "torch", untransposed=True),
    "untransposed square weight of a transformer": _faulty(TRANSFORMER, 5, "torch", untransposed=True),
    "missing bias in Keras": _faulty(MLP, 3, "keras", bias=False),
    "missing bias in PyTorch": _faulty(CNN, 8, "torch", bias=False),
    "missing bias of a convolution": _faulty(DECODER, 4, "keras", bias=False),
    "missing bias of attention": _faulty(TRANSFORMER, 2, "keras", bias=False),
    "pooling padding": _faulty(DECODER, 3, "keras", padding="same"),
    "max against average pooling": _faulty(CNN, 5, "keras", function="max"),
    "pooling padding that is counted": (
        {**CNN, "layers": [*CNN["layers"][:5], ["pool", {
            "function": "avg", "size": 3, "stride": 1, "torch": {"pad": 1, "counted": True},
            "keras": {"padding": "same"},
        }], *CNN["layers"][6:]]}, 5,
    ),
    "global max against average": _faulty(VOLUME, 3, "keras", function="avg"),
    "batch norm in evaluation in Keras": _faulty(CNN, 1, "keras", stored=True),
    "batch norm in evaluation in PyTorch": _faulty(CNN, 1, "torch", stored=True),
    "batch norm in evaluation, dense": _faulty(MLP, 5, "torch", stored=True),
    "attention with a causal mask": _faulty(TRANSFORMER, 2, "keras", causal=True),
    "attention with scaled queries": _faulty(TRANSFORMER, 2, "torch", scale=2.0),
    "attention with other heads": _faulty(TRANSFORMER, 2, "keras", heads=4),
    "sum of steps against mean": _faulty(TRANSFORMER, 6, "torch", sum=True),
    "a factor in between": _inserted(MLP, 7, ["scale", {"by": 1.0, "torch": {"by": 1.01}}], 8),
    "gradient cut in PyTorch": _inserted(MLP, 4, ["cut", {"torch": {"cut": True}}], 5),
    "embedding with a padding index": _faulty(TRANSFORMER, 0, "torch", padding_index=3),
    "mean against sum loss": _lossy("mean_squared", "sum_squared"),
    "mean over samples against mean over all": _lossy("mean_squared", "sum_over_samples"),
    "squared against absolute loss": _lossy("mean_squared", "mean_absolute"),
}  # fmt: skip
"""The pair, and the place in ``layers`` of the layer that is to be named."""

HEALTHY_TWINS: dict[str, Spec] = {
    "mlp": MLP, "cnn": CNN, "rnn": RNN, "transformer": TRANSFORMER, "decoder": DECODER, "volume": VOLUME,
    "signal": SIGNAL, "loss": {**MLP, "losses": {"torch": "mean_squared", "keras": "mean_squared"}},
    "lstm by hand": _faulty(RNN, 0, "torch", order=[0, 1, 2, 3])[0],
    "padding that is not counted": (
        {**CNN, "layers": [*CNN["layers"][:5], ["pool", {
            "function": "avg", "size": 3, "stride": 1, "torch": {"pad": 1, "counted": False},
            "keras": {"padding": "same"},
        }], *CNN["layers"][6:]]}
    ),
    "a factor on both sides": _inserted(MLP, 7, ["scale", {"by": 1.01}], 8)[0],
    "nothing cut": _inserted(MLP, 4, ["cut", {}], 5)[0],
}  # fmt: skip
"""What the faults were planted into, without them."""

TEXT = """import sys

sys.path.insert(0, {folder!r})

SPEC = {spec!r}


def torch_model():
    from pair_torch import torch_of

    return torch_of(SPEC)


def keras_model():
    from pair_keras import keras_of

    return keras_of(SPEC)
"""
"""The file of a pair: to be filled with the folder of ``pair_torch`` and ``pair_keras``, and the architecture."""

LOSS_TEXT = """

def torch_loss(output):
    from pair_torch import torch_loss_of

    return torch_loss_of(SPEC)(output)


def keras_loss(output):
    from pair_keras import keras_loss_of

    return keras_loss_of(SPEC)(output)
"""


def file_of(spec: Spec, folder: str) -> str:
    """The text of a pair's file."""
    return TEXT.format(folder=folder, spec=spec) + (LOSS_TEXT if "losses" in spec else "")
