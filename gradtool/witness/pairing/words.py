"""What is said of layers without a partner, or with several, and the line for the file that settles it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

import numpy as np

from gradtool.evidence import Side, SideLayer
from gradtool.witness.pairing.kinds import Places, base, family
from gradtool.witness.pairing.maps import ArrayMap

__all__ = ["alone", "counts", "map_lines", "shown"]

MANY = 6
"""So many lines of a map are written out."""


def shown(layer: SideLayer) -> str:
    """A layer by its name, its class and the line on which it was made."""
    place = f", {layer.source}" if layer.source else ""
    return f"{layer.name} ({layer.title}{place})"


def counts(layer: SideLayer, left: Side, right: Side) -> str:
    """How many layers of its kind either model has with weights; empty where they are as many."""
    if layer.kind == "custom":
        return ""
    mine, yours = (
        sum(family(x.kind) == family(layer.kind) and bool(x.weights) for x in s.layers) for s in (left, right)
    )
    if mine == yours:
        return ""
    many = "" if mine == 1 else "s"
    told = f"the {left.framework} model has {mine} {base(layer.kind)} layer{many} with weights"
    return f"{told}, the {right.framework} model {yours}"


def alone(layer: SideLayer, left: Side, right: Side, free: Sequence[SideLayer], why: str = "") -> tuple[str, str]:
    """The message and the hint about a layer of either side that has no partner, or none that fits: ``why``.

    ``free`` are the layers of the other side that have none either.
    """
    on_left = any(layer is one for one in left.layers)
    own, other = (left, right) if on_left else (right, left)
    told = counts(layer, left, right)
    if not why:
        known = layer.kind != "custom"
        reason = "" if known else f"; gradtool does not know which layer is a {layer.title} there"
        why = f"{shown(layer)} of the {own.framework} model has no partner in the {other.framework} model{reason}"
    message = "; ".join(filter(None, (told, why)))
    line = _line(layer, free, on_left=on_left)
    return message, line or _without_map(layer, left, right, free)


def _line(layer: SideLayer, free: Sequence[SideLayer], *, on_left: bool) -> str:
    """The line of ``gradtool_map`` that makes partners of it and the first other whose arrays may be the same."""
    for one in free:
        mine, yours = (layer, one) if on_left else (one, layer)
        sizes = [[sorted(side.shapes[part]) for part in side.weights] for side in (mine, yours)]
        if sizes[0] == sizes[1]:
            pairs = zip(mine.weights.items(), yours.weights.values(), strict=True)
            lines = [f'"{name}": "{other}"' for (_, name), other in pairs]
            part = next((part for part in mine.weights if len(mine.shapes[part]) > 1), "")
            last = list(yours.weights.values())[list(mine.weights).index(part)] if part else ""
            turned = f', or with the order of the axes: ("{last}", (1, 0))' if part else ""
            return f"say it in the file: gradtool_map = {{{', '.join(lines)}}}{turned}"
    return ""


def _without_map(layer: SideLayer, left: Side, right: Side, free: Sequence[SideLayer]) -> str:
    """What helps where no map can."""
    for side in (left, right):
        names = [one.name for one in side.layers if family(one.kind) == family(layer.kind)]
        shared = next((name for name in names if names.count(name) > 1), "")
        if shared and counts(layer, left, right):
            return (
                f"{shared} runs {names.count(shared)} times in the {side.framework} model: use one layer as often on "
                "both sides, or as many layers"
            )
    if free and not counts(layer, left, right):
        return "give both the same sizes; gradtool_map can't help, for what it maps is as large on both sides"
    return "build both models of the same layers; gradtool_map needs an array on either side"


def map_lines(maps: Sequence[ArrayMap], only: Collection[str]) -> str:
    """What ``gradtool_map`` says of the layers in ``only``, by these maps; empty where it can't say one of them."""
    lines = []
    for one in maps:
        if one.layer not in only:
            continue
        axes = _axes(one)
        if axes is None:
            return ""
        name = one.terms[0][0]
        lines.append(f'"{name}": "{one.right}"' if list(axes) == sorted(axes) else f'"{name}": ("{one.right}", {axes})')
    return ", ".join(lines[:MANY]) + (", ..." if len(lines) > MANY else "")


def _axes(one: ArrayMap) -> tuple[int, ...] | None:
    """The order of axes that a map is; None for one that is more than that."""
    if len(one.terms) != 1:
        return None
    _, shape, places, _ = one.terms[0]
    plain: Places = np.arange(int(np.prod(shape))).reshape(shape)
    orders = itertools.permutations(range(len(shape)))
    return next((axes for axes in orders if np.array_equal(plain.transpose(axes), places)), None)
