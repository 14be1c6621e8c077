"""The testimony of the pairing room: the weights of the left model on the right one, and what two runs differ in."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Choices, Failure, PairEvidence, PairRequest, Record, Side, SideLayer
from gradtool.witness.model.exchange import read_arrays, write_arrays
from gradtool.witness.pairing.arrangement import Arranged, of_outputs
from gradtool.witness.pairing.choices import ways
from gradtool.witness.pairing.comparison import compared
from gradtool.witness.pairing.finite import look_at_sizes
from gradtool.witness.pairing.kinds import base
from gradtool.witness.pairing.maps import PairingError, carried
from gradtool.witness.pairing.pairs import SPATIAL, Pairs, paired
from gradtool.witness.pairing.words import map_lines

__all__ = ["answer"]

CONSTANT = "parameters that begin as one and the same number were given others: a constant would hide a wrong order"
SPREAD = 0.1
"""The standard deviation of what is added to such."""


def answer(record: Record) -> Iterator[Record]:
    """One step of a comparison; a Failure that names the layer where two models can't be laid side by side."""
    if not isinstance(record, PairRequest):
        return
    began = time.perf_counter()
    try:
        pairs = paired(record.left, record.right, record.partners)
        if record.step == "choices":
            yield _choices(record, pairs)
            return
        ways = list(_output_ways(record.left, record.right))
        if record.step == "pair":
            look_at_sizes(record)
            notes = _given(record, pairs, ways)
            yield PairEvidence(record.key, record.left, record.right, [], [], notes=notes, open=len(pairs.contested))
        else:
            yield compared(record, pairs, ways, began)
    except PairingError as error:
        yield Failure(record.key, "pairing", error.reason, error.message, error.hint)


def _choices(request: PairRequest, pairs: Pairs) -> Choices:
    """The ways to try, and what is said where they lead nowhere."""
    settled = {mine: other for mine, other in pairs.anchors.items() if mine not in pairs.contested}
    found = ways((request.left, request.right), request.reached, pairs.contested, settled)
    mine, yours = (
        [side.layers[place] for place in places]
        for side, places in (
            (request.left, list(pairs.contested)),
            (request.right, [pairs.anchors[place] for place in pairs.contested]),
        )
    )
    message = (
        f"{_listed(mine)} of the {request.left.framework} model fit {_listed(yours)} of the {request.right.framework} "
        f"model in several ways by their kind and shapes, and {_tried(len(found.found))} makes the models agree: which "
        "layer is which is not known"
    )
    lines = map_lines(pairs.maps, {layer.name for layer in mine})
    said = f", or say which is which in the file, as in gradtool_map = {{{lines}}}" if lines else ""
    first = mine[0].name.rpartition(".")[2]
    return Choices(
        request.key, [[[*pair] for pair in way] for way in found.found], found.certain, message,
        f'name the layers alike on both sides (name="{first}" in Keras){said}',
    )  # fmt: skip


def _listed(layers: Sequence[SideLayer]) -> str:
    names = [layer.name for layer in layers]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _tried(count: int) -> str:
    return (
        "none of those in which the same feeds the same"
        if count
        else "in none of them the same feeds the same, so none"
    )


def _output_ways(left: Side, right: Side) -> Iterator[tuple[int, Arranged]]:
    """Of each left output the place of its partner, and how it becomes that."""
    if len(left.outputs) != len(right.outputs):
        raise PairingError(
            f"the {left.framework} model has {len(left.outputs)} outputs and the {right.framework} model "
            f"{len(right.outputs)}",
            "return the same outputs in the same order",
        )
    images = left.channels_last != right.channels_last and _image_comes_out(left.layers)
    for place, other in enumerate(_partners_of_outputs(left, right)):
        mine, yours = tuple(left.outputs[place]), tuple(right.outputs[other])
        way = of_outputs(mine, yours, images=images)
        if way is None:
            turned = sorted(mine) == sorted(yours)
            what = ", the same axes in another order" if turned else ""
            hint = (
                "return both in one order: of axes that change places only channels are known, behind convolutions and "
                "pooling"
                if turned
                else "both need the same shape, but for the place of the channels of images"
            )
            raise PairingError(
                f"the shapes of the outputs differ: {'x'.join(map(str, mine))} in the {left.framework} model, "
                f"{'x'.join(map(str, yours))} in the {right.framework} model{what}",
                hint,
            )
        yield other, way


def _partners_of_outputs(left: Side, right: Side) -> list[int]:
    """By their keys, where both models have some; else in their order."""
    if all(any(not re.fullmatch(r"[\d.]*", key) for key in side.keys) for side in (left, right)):
        if sorted(left.keys) != sorted(right.keys):
            raise PairingError(
                f"the {left.framework} model calls its outputs {', '.join(left.keys)}, the {right.framework} model "
                f"{', '.join(right.keys)}",
                "give them the same keys on both sides",
            )
        return [right.keys.index(key) for key in left.keys]
    return list(range(len(left.outputs)))


def _image_comes_out(layers: Sequence[SideLayer]) -> bool:
    """Whether channels stand in front in what the last layers make, by what runs over such and what ends it."""
    image = False
    for layer in layers:
        kind = base(layer.kind)
        if (kind in SPATIAL and kind != "global_pool") or (
            kind in ("batch_norm", "group_norm") and len(layer.takes) > 2
        ):
            image = True
        elif kind in ("dense", "layer_norm", "rms_norm", "lstm", "gru", "rnn", "attention", "embedding", "flatten"):
            image = False
        elif kind == "global_pool":
            image = len(layer.shape) > 2 and image
    return image


def _given(request: PairRequest, pairs: Pairs, ways: Sequence[tuple[int, Arranged]]) -> list[str]:
    """Write what each side runs with: weights, and the projections of the output."""
    folder = Path(request.folder)
    weights = read_arrays(folder / "left.weights.npz")
    changed = _varied(weights, request)
    write_arrays(folder / "left.given.npz", weights)
    carried_over = {one.right: carried(one, weights) for one in pairs.maps}
    write_arrays(folder / "right.given.npz", {**read_arrays(folder / "right.weights.npz"), **carried_over})
    drawn = np.random.default_rng(request.seed)
    mine = [drawn.standard_normal(shape) for shape in request.left.outputs]
    yours = {other: way(one) for (other, way), one in zip(ways, mine, strict=True)}
    for side, arrays in (("left", dict(enumerate(mine))), ("right", yours)):
        write_arrays(folder / f"{side}.projections.npz", {str(place): arrays[place] for place in sorted(arrays)})
    return [*([CONSTANT] if changed else []), *_unseen(request.left), *_unseen(request.right)]


def _unseen(side: Side) -> Iterator[str]:
    """A note about parameters of layers that did not run."""
    seen = {name for layer in side.layers for name in layer.weights.values()}
    if lost := [name for name in side.trained if name not in seen]:
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        yield f"not compared, since no layer of the {side.framework} model that ran has it: {', '.join(lost[:3])}{more}"


def _varied(weights: dict[str, NDArray[Any]], request: PairRequest) -> bool:
    """Change the arrays that hold one number throughout; variances stay positive."""
    drawn = np.random.default_rng([request.seed, 1])
    variances = {
        name
        for layer in request.left.layers
        for part, name in layer.weights.items()
        if part in ("running_var", "moving_variance")
    }
    changed = False
    for layer in request.left.layers:
        for name in layer.weights.values():
            array = weights[name]
            if array.size > 1 and np.all(array == array.flat[0]):
                spread = drawn.standard_normal(array.shape)
                weights[name] = array * (1 + SPREAD * np.tanh(spread)) if name in variances else array + SPREAD * spread
                changed = True
    return changed
