"""Which layer of the left model is which of the right one: by name, else by kind and order; nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import numpy as np

from gradtool.evidence import Mapped, Side, SideLayer
from gradtool.witness.pairing.kinds import base, family
from gradtool.witness.pairing.maps import ArrayMap, PairingError, layer_maps

__all__ = ["Pairs", "paired"]

SPATIAL = ("conv", "conv_transpose", "pool", "depthwise", "global_pool")
MAP_HINT = 'say it in the file: gradtool_map = {"%s": "%s"}, or with the order of the axes: ("%s", (1, 0))'


@dataclass(slots=True)
class Pairs:
    """``calls`` are the places of partners in both orders of execution, by the left; ``maps`` carry the arrays.

    ``flattened`` holds the shape of one sample before it was flattened, channels in front, for every left call whose
    numbers stand in another order than on the right. ``lone`` are parameters without a partner, by side.
    """

    calls: list[tuple[int, int]]
    maps: list[ArrayMap]
    flattened: dict[int, tuple[int, ...]] = field(default_factory=dict)
    lone: list[tuple[str, str, str]] = field(default_factory=list)


def paired(left: Side, right: Side) -> Pairs:
    """Raises PairingError, which names the layer, where a layer with weights has no partner or none that fits."""
    alike = left.framework.startswith("Keras") and right.framework.startswith("Keras")
    flat_left, flat_right = _flattened(left.layers), _flattened(right.layers)
    explicit = [*left.mapped, *(one for one in right.mapped if one not in left.mapped)]
    told = {name for one in explicit for name in (one.left, one.right)}
    mine = [place for place, layer in enumerate(left.layers) if set(layer.weights.values()) - told]
    yours = [place for place, layer in enumerate(right.layers) if set(layer.weights.values()) - told]
    anchors: list[tuple[int, int]] = []
    maps = [_explicit(one, left, right) for one in explicit]
    flattened: dict[int, tuple[int, ...]] = {}
    for place in mine:
        layer = left.layers[place]
        found, why = None, ""
        for other in _candidates(layer, right.layers, yours):
            order = _order(flat_left.get(place), flat_right.get(other), alike=alike, moved=right.channels_last)
            fits = layer_maps(layer, right.layers[other], order, alike=alike)
            if not isinstance(fits, str):
                found = other
                maps += fits
                if order:
                    flattened[place] = order
                break
            why = why or _misfit(layer, right.layers[other], fits)
        if found is None:
            raise PairingError(*_alone(layer, right, why, [right.layers[other] for other in yours]))
        yours.remove(found)
        anchors.append((place, found))
    if yours:
        raise PairingError(*_alone(right.layers[yours[0]], left, "", []))
    anchors += _owners(explicit, left, right, anchors)
    calls = _aligned(left.layers, right.layers, sorted(anchors))
    return Pairs(calls, maps, _carried_on(left.layers, flattened), list(_lone(left, right, maps)))


def _candidates(layer: SideLayer, layers: Sequence[SideLayer], free: Sequence[int]) -> list[int]:
    """Free partners of its kind: the one of the same name first, then in the order of execution."""
    known = [place for place in free if family(layers[place].kind) == family(layer.kind)]
    plain = layer.name.replace(".", "/")
    return sorted(known, key=lambda place: layers[place].name != plain)


def _misfit(layer: SideLayer, other: SideLayer, why: str) -> str:
    return f"{_shown(layer)} and {_shown(other)} can't be mapped: {why}"


def _shown(layer: SideLayer) -> str:
    place = f", {layer.source}" if layer.source else ""
    return f"{layer.name} ({layer.title}{place})"


def _alone(layer: SideLayer, other: Side, why: str, free: Sequence[SideLayer]) -> tuple[str, str]:
    """The message and the hint about a layer that has no partner."""
    mine = next(iter(layer.weights.values()))
    yours = next((name for one in free for name in one.weights.values()), "layer/kernel")
    hint = MAP_HINT % (mine, yours, yours)
    if why:
        return why, hint
    count = sum(family(one.kind) == family(layer.kind) and bool(one.weights) for one in other.layers)
    kind = "layers of the user's own" if layer.kind == "custom" else f"layers of its kind ({base(layer.kind)})"
    return f"{_shown(layer)} has no partner in the {other.framework} model, which has {count} {kind}", hint


def _explicit(one: Mapped, left: Side, right: Side) -> ArrayMap:
    """The map of a line of the file's own."""
    shapes = [
        {n: s for layer in side.layers for p, n in layer.weights.items() for s in [layer.shapes[p]]}
        for side in (left, right)
    ]
    for name, side, known in ((one.left, left, shapes[0]), (one.right, right, shapes[1])):
        if name not in known:
            raise PairingError(
                f"gradtool_map names {name}, and no layer of the {side.framework} model has an array of that name",
                f"it has {', '.join(list(known)[:8])}",
            )
    own, other = tuple(shapes[0][one.left]), tuple(shapes[1][one.right])
    places = np.arange(int(np.prod(own))).reshape(own)
    axes = list(range(len(own))) if one.axes is None else one.axes
    if sorted(axes) != list(range(len(own))) or places.transpose(axes).shape != other:
        raise PairingError(
            f"gradtool_map: {one.left} with axes {tuple(axes)} does not become {one.right}",
            f"their shapes are {own} and {other}",
        )
    word = "same, as gradtool_map says" if axes == sorted(axes) else f"axes {tuple(axes)}, as gradtool_map says"
    return ArrayMap(one.right, other, ((one.left, own, places.transpose(axes), word),), "")


def _owners(
    explicit: Sequence[Mapped], left: Side, right: Side, anchors: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The layers that hold what was mapped by hand."""
    used = {place for place, _ in anchors}, {place for _, place in anchors}
    for one in explicit:
        mine = next((k for k, layer in enumerate(left.layers) if one.left in layer.weights.values()), None)
        yours = next((k for k, layer in enumerate(right.layers) if one.right in layer.weights.values()), None)
        if mine is not None and yours is not None and mine not in used[0] and yours not in used[1]:
            used[0].add(mine)
            used[1].add(yours)
            yield mine, yours


def _flattened(layers: Sequence[SideLayer]) -> dict[int, tuple[int, ...]]:
    """The shape of one image behind each layer with weights that gets it flattened, up to the next dense one."""
    found: dict[int, tuple[int, ...]] = {}
    held: tuple[int, ...] = ()
    image = False
    for place, layer in enumerate(layers):
        if base(layer.kind) in SPATIAL:
            image = True
        if layer.kind in ("lstm", "gru", "rnn", "attention", "embedding"):
            image = False
        if layer.kind == "flatten" and len(layer.takes) > 2 and image:
            held = tuple(layer.takes[1:])
        if held and layer.weights and layer.takes[-1:] == [int(np.prod(held))]:
            found[place] = held
        if layer.kind == "dense":
            held = ()
    return found


def _order(mine: tuple[int, ...] | None, yours: tuple[int, ...] | None, *, alike: bool, moved: bool) -> tuple[int, ...]:
    """The shape of an image with channels in front that the right side has with channels last; empty for one order."""
    if mine is None or yours is None or alike or not moved or (*mine[1:], mine[0]) != yours:
        return ()
    return mine


def _carried_on(layers: Sequence[SideLayer], flattened: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
    """The same for the outputs of everything between the flattening and the dense layer that ends it."""
    found: dict[int, tuple[int, ...]] = {}
    for place, shape in flattened.items():
        for back in range(place, -1, -1):
            layer = layers[back]
            if layer.kind != "dense" and layer.shape[1:] == (int(np.prod(shape)),):
                found[back] = shape
            if layer.kind == "flatten":
                break
    return found


def _aligned(
    left: Sequence[SideLayer], right: Sequence[SideLayer], anchors: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """All partners: those with weights, and between them what is of one kind in one order."""
    names = {left[mine].name: number for number, (mine, _) in enumerate(anchors)}
    others = {right[yours].name: number for number, (_, yours) in enumerate(anchors)}
    tokens = [_token(layer, names) for layer in left], [_token(layer, others) for layer in right]
    matcher = SequenceMatcher(None, *tokens, autojunk=False)
    found = {block.a + step: block.b + step for block in matcher.get_matching_blocks() for step in range(block.size)}
    wanted = dict(anchors)
    taken = set(wanted.values())
    found = {mine: yours for mine, yours in found.items() if mine not in wanted and yours not in taken}
    return sorted({**found, **wanted}.items())


def _token(layer: SideLayer, names: dict[str, int]) -> str:
    return f"={names[layer.name]}" if layer.name in names else layer.kind


def _lone(left: Side, right: Side, maps: Sequence[ArrayMap]) -> Iterator[tuple[str, str, str]]:
    """(side, parameter, layer) of what is trained and in no map."""
    used = {term[0] for one in maps for term in one.terms}, {one.right for one in maps}
    for side, model, known in (("left", left, used[0]), ("right", right, used[1])):
        owners = {name: layer.name for layer in model.layers for name in layer.weights.values()}
        yield from (
            (side, name, owners.get(name, "")) for name in model.trained if name not in known and name in owners
        )
