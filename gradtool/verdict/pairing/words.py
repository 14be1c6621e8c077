"""Sentences about two models: why a layer differs, as far as that is known, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from gradtool.evidence import ComparedLayer, ComparedParameter, PairEvidence, Setting

__all__ = ["REMEDIES", "because", "both_names", "framework", "parameter_names", "remedy", "shown", "source"]

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "epsilon": "Give both the same epsilon: eps= in PyTorch (1e-5 unless told), epsilon= in Keras (1e-3).",
        "slope": "Give both the same slope: negative_slope is 0.01 in PyTorch, 0.3 in Keras's LeakyReLU, and 0.2 in "
        "leaky_relu of Keras and TensorFlow.",
        "approximate": "Use one form of gelu: approximate='tanh' in PyTorch is approximate=True in Keras, and "
        "neither is the exact one; of all, keras.ops.gelu alone takes the one with tanh unless told.",
        "padding": "Pad by hand in Keras, ZeroPadding in front and padding='valid': with a stride, 'same' pads more "
        "at the end, PyTorch alike on both.",
        "reset after": "Use GRU(reset_after=True) in Keras, its default: PyTorch applies the reset gate after the "
        "product.",
        "statistics": "Bring both into one mode: train() and training=True, or eval() and training=False; in Keras, "
        "trainable=False makes a batch normalisation use its stored statistics.",
        "bias": "Give both layers a bias, or neither (bias=False in PyTorch, use_bias=False in Keras).",
        "function": "Use the same function on both sides.",
        "axis": "Give both the same axis: dim= in PyTorch, axis= in Keras (the last unless told).",
        "mask": "mask_zero=True makes Keras skip the steps where the input is 0: leave it out, or mask in PyTorch "
        "(pack_padded_sequence, key_padding_mask).",
        "padding mode": "Pad in the same mode on both sides.",
        "padding counted": "AvgPool2d(count_include_pad=False) leaves out the padding, as Keras does.",
    }
)
"""What to do about a setting that differs."""

BY_KIND: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("conv_transpose", "padding"): "Crop by hand in Keras, padding='valid' and Cropping behind it: of a transposed "
        "convolution PyTorch's padding takes so many off each side of the output (output_padding gives back at the "
        "end), and 'same' takes other ones off.",
        (
            "pool",
            "padding",
        ): "Pad by hand in Keras, with what the pooling leaves out, and padding='valid': with a stride, "
        "'same' pads more at the end, PyTorch alike on both.",
    }
)
"""What to do about a setting of one kind of layer alone."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "flatten": "PyTorch flattens images with channels in front, Keras with channels last, and what follows is no "
        "dense layer whose weights could be carried over in that order: put layers.Permute((3, 1, 2)) before Flatten "
        "in Keras.",
    }
)
"""What to do about a kind of layer where no setting differs."""


BEHIND = (
    "Look at what the files do behind the last layer that is compared, and between layers: functions of tensors, axes, "
    "slices, the order of gates."
)
PARTNERS = (
    "No setting is known to differ: look at what the files do with its input and its weights. If the two are no "
    "partners, name those alike that are, or say it in gradtool_map."
)


def because(evidence: PairEvidence, layer: ComparedLayer) -> str:
    """What is known of the reason: settings that differ, and layers that only one side runs."""
    names = {"left": framework(evidence, 0), "right": framework(evidence, 1)}
    told = [_setting(one, names) for one in layer.settings]
    for side in ("left", "right"):
        alone = [f"{title} ({line})" if line else title for where, title, line in layer.alone if where == side]
        if alone:
            told.append(f"only {names[side]} runs {', '.join(alone)} before it")
    return f": {'; '.join(told)}" if told else ""


def _setting(one: Setting, names: Mapping[str, str]) -> str:
    return f"{one.name} {one.left or 'not set'} in {names['left']}, {one.right or 'not set'} in {names['right']}"


def framework(evidence: PairEvidence, place: int) -> str:
    """What a side is called: 0 is the left."""
    return (evidence.left, evidence.right)[place].framework


def remedy(layer: ComparedLayer) -> str:
    """What to do about the first setting that differs, or that which is known of the layers in between."""
    kind = re.sub(r"\dd$", "", layer.kind)
    names = [one.name for one in layer.settings]
    known = next((BY_KIND.get((kind, name)) or REMEDIES[name] for name in names if name in REMEDIES), "")
    known = known or KINDS.get(layer.kind, "")
    if layer.kind == "output":
        return BEHIND
    if known:
        return known
    if not layer.alone:
        return "" if layer.settings else PARTNERS
    return f"Run the same layers on both sides: {', '.join(title for _, title, _ in layer.alone)} has no partner."


def both_names(layer: ComparedLayer) -> str:
    """A layer by its names on both sides."""
    return layer.left if layer.left == layer.right else f"{layer.left} / {layer.right}"


def shown(layer: ComparedLayer) -> str:
    """A layer by its classes, with the lines on which both were made."""
    if layer.kind == "output":
        return "the models"
    mine = f"{layer.left_title}{f' ({layer.left_source})' if layer.left_source else ''}"
    yours = f"{layer.right_title}{f' ({layer.right_source})' if layer.right_source else ''}"
    return mine if mine == yours else f"{mine} and {yours}"


def source(layer: ComparedLayer) -> str:
    """The line of a layer."""
    return layer.left_source or layer.right_source


def parameter_names(one: ComparedParameter) -> str:
    """A parameter by its names on both sides."""
    return one.left if one.left == one.right else f"{one.left} / {one.right}"
