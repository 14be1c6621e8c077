"""THE table of layer kinds: how a PyTorch layer's arrays become those of its Keras partner.

Every map takes each entry of a right array from one entry of a left one, or sums several such maps (LSTM adds PyTorch's
two biases). So a map is an array of places, and its adjoint, which carries gradients back, needs no row of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOWHERE", "ROWS", "Facts", "Part", "Places", "Row", "base", "family"]

Places = NDArray[np.int64]
"""Of each entry its place in the left array, in C order."""

NOWHERE = -1
"""The place of an entry that a map leaves out."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a map depends on beside the left array: the right array's shape, and whether images were flattened before.

    ``flattened`` is the shape of one sample before that, channels in front; empty where the order is the same.
    """

    shape: tuple[int, ...]
    flattened: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One left array that goes into a right one, the word for it, and the places in the right array's shape."""

    source: str
    word: str
    move: Callable[[Places, Facts], Places]


def _same(places: Places, _facts: Facts) -> Places:
    return places


def _reordered(places: Places, facts: Facts) -> Places:
    """One number for each entry of flattened images, channels in front to channels last; else as it is."""
    if not facts.flattened:
        if places.ndim > 1 and places.shape != facts.shape:
            return np.moveaxis(places, 0, -1)
        return places
    return np.moveaxis(places.reshape(facts.flattened), 0, -1).reshape(-1)


def _transposed(places: Places, facts: Facts) -> Places:
    if facts.flattened:
        places = np.moveaxis(places.reshape(len(places), *facts.flattened), 1, -1).reshape(len(places), -1)
    return places.T


def _kernel(places: Places, _facts: Facts) -> Places:
    """Out, in, height, width to height, width, in, out; of a transposed convolution in, out to out, in."""
    return np.moveaxis(places, (0, 1), (-1, -2))


def _depthwise(places: Places, facts: Facts) -> Places:
    """Channels times multiplier, 1, height, width to height, width, channels, multiplier."""
    channels, multiplier = facts.shape[-2:]
    return np.moveaxis(places.reshape(channels, multiplier, *places.shape[2:]), (0, 1), (-2, -1))


def _zrh(places: Places, _facts: Facts) -> Places:
    """The gates r, z, n as z, r, h."""
    reset, update, new = np.split(places, 3)
    return np.concatenate([update, reset, new]).T


def _zrh_row(row: int) -> Callable[[Places, Facts], Places]:
    """One of the two biases: a row of Keras's, or a term of the only one without ``reset_after``."""

    def move(places: Places, facts: Facts) -> Places:
        own = _zrh(places, facts)
        if len(facts.shape) == 1:
            return own
        found = np.full((2, own.size), NOWHERE)
        found[row] = own
        return found

    return move


def _third(place: int) -> Callable[[Places, Facts], Places]:
    """Queries, keys or values out of the joined projection, with an axis for the heads."""

    def move(places: Places, facts: Facts) -> Places:
        return np.split(places, 3)[place].T.reshape(facts.shape)

    return move


def _heads(places: Places, facts: Facts) -> Places:
    return places.T.reshape(facts.shape)


def _spread(places: Places, facts: Facts) -> Places:
    return np.broadcast_to(places, facts.shape)


_BIAS = {"bias": (Part("bias", "same", _same),)}
_NORM = {"gamma": (Part("weight", "same", _reordered),), "beta": (Part("bias", "same", _reordered),)}
_LSTM = {
    "kernel": (Part("weight_ih", "transposed", _transposed),),
    "recurrent_kernel": (Part("weight_hh", "transposed", _transposed),),
    "bias": (Part("bias_ih", "summed", _same), Part("bias_hh", "summed", _same)),
}
_GRU = {
    "kernel": (Part("weight_ih", "transposed, gates r z n to z r h", _zrh),),
    "recurrent_kernel": (Part("weight_hh", "transposed, gates r z n to z r h", _zrh),),
    "bias": (
        Part("bias_ih", "gates r z n to z r h, a row each", _zrh_row(0)),
        Part("bias_hh", "gates r z n to z r h, a row each", _zrh_row(1)),
    ),
}
_ATTENTION = {
    f"{name}_{piece}": (Part(f"in_proj_{source}", "a third, transposed, split into heads", _third(place)),)
    for place, name in enumerate(("query", "key", "value"))
    for piece, source in (("kernel", "weight"), ("bias", "bias"))
} | {
    "output_kernel": (Part("out_weight", "transposed, split into heads", _heads),),
    "output_bias": (Part("out_bias", "same", _same),),
}
_CONVOLUTION = {"kernel": (Part("weight", "axes O I ... to ... I O", _kernel),), **_BIAS}

Row = Mapping[str, tuple[Part, ...]]


def _both_ways(row: Row) -> Row:
    """With the arrays of the second direction."""
    reverse = {
        f"{name}_reverse": tuple(Part(f"{part.source}_reverse", part.word, part.move) for part in parts)
        for name, parts in row.items()
    }
    return {**row, **reverse}


ROWS: Mapping[tuple[str, str], Row] = {
    ("dense", "dense"): {"kernel": (Part("weight", "transposed", _transposed),), **_BIAS},
    ("conv", "conv"): _CONVOLUTION,
    ("conv", "depthwise"): {"kernel": (Part("weight", "channels and multiplier apart", _depthwise),), **_BIAS},
    ("conv_transpose", "conv_transpose"): {"kernel": (Part("weight", "axes I O ... to ... O I", _kernel),), **_BIAS},
    ("batch_norm", "batch_norm"): {
        **_NORM,
        "moving_mean": (Part("running_mean", "same", _reordered),),
        "moving_variance": (Part("running_var", "same", _reordered),),
    },
    ("layer_norm", "layer_norm"): _NORM,
    ("group_norm", "group_norm"): _NORM,
    ("rms_norm", "rms_norm"): {"scale": (Part("weight", "same", _reordered),)},
    ("embedding", "embedding"): {"embeddings": (Part("weight", "same", _same),)},
    ("prelu", "prelu"): {"alpha": (Part("weight", "spread", _spread),)},
    ("lstm", "lstm"): _both_ways(_LSTM),
    ("rnn", "rnn"): _both_ways(_LSTM),
    ("gru", "gru"): _both_ways(_GRU),
    ("attention", "attention"): _ATTENTION,
}
"""By the kinds of the left and the right layer without the number of axes: right part -> left parts, summed."""


def base(kind: str) -> str:
    """The kind without its number of axes: ``conv`` of ``conv2d``."""
    return re.sub(r"\dd$", "", kind)


def family(kind: str) -> str:
    """What may be the partner of what: a depthwise convolution is one with a group for each channel."""
    return kind.replace("depthwise", "conv")
