"""Which layer of the left model is which of the right one: by name, else by kind, shapes and order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import numpy as np

from gradtool.evidence import Mapped, Side, SideLayer
from gradtool.witness.pairing.kinds import base
from gradtool.witness.pairing.maps import ArrayMap, PairingError
from gradtool.witness.pairing.partners import Fits, fitting, groups, matched
from gradtool.witness.pairing.words import alone, shown

__all__ = ["Pairs", "paired"]

SPATIAL = ("conv", "conv_transpose", "pool", "depthwise", "global_pool")


@dataclass(slots=True)
class Pairs:
    """``calls`` are the places of partners in both orders of execution, by the left; ``maps`` carry the arrays.

    ``flattened`` holds the shape of one sample before it was flattened, channels in front, for every left call whose
    numbers stand in another order than on the right. ``lone`` are parameters without a partner, by side. ``contested``
    are the left layers for whose partners kind, shapes and names leave a choice, with the right ones; ``anchors`` are
    the partners with weights.
    """

    calls: list[tuple[int, int]]
    maps: list[ArrayMap]
    flattened: dict[int, tuple[int, ...]] = field(default_factory=dict)
    lone: list[tuple[str, str, str]] = field(default_factory=list)
    contested: dict[int, list[int]] = field(default_factory=dict)
    anchors: dict[int, int] = field(default_factory=dict)


def paired(left: Side, right: Side, partners: Sequence[Sequence[int]] = ()) -> Pairs:
    """``partners`` are settled where there is a choice, else they are taken in the order of execution.

    Raises PairingError, which names the layer, where a layer with weights has no partner or none that fits.
    """
    alike = left.framework.startswith("Keras") and right.framework.startswith("Keras")
    explicit = [*left.mapped, *(one for one in right.mapped if one not in left.mapped)]
    told = {name for one in explicit for name in (one.left, one.right)}
    forced = dict(_owners(explicit, left, right))
    maps = [_explicit(one, left, right) for one in explicit]
    mine = [place for place, layer in enumerate(left.layers) if set(layer.weights.values()) - told]
    yours = [place for place, layer in enumerate(right.layers) if set(layer.weights.values()) - told]
    flat = _flattened(left.layers), _flattened(right.layers)
    moved = {
        (m, o): _order(flat[0].get(m), flat[1].get(o), alike=alike, moved=right.channels_last)
        for m in mine
        for o in yours
    }
    fits = fitting(left.layers, right.layers, (mine, yours), forced, moved, alike=alike)
    found = matched({**fits.may, **{m: [o] for m, o in partners}})
    _complete(left, right, (mine, yours), fits, found)
    for pair in found.items():
        maps += [one for one in fits.maps[pair] if one.right not in told and not any(t[0] in told for t in one.terms)]
    anchors = sorted({**forced, **found}.items())
    flattened = {m: fits.orders[m, o] for m, o in found.items() if fits.orders[m, o]}
    contested = {} if alike else {m: fits.may[m] for group in groups(fits.may) for m in group}
    return Pairs(
        _aligned(left.layers, right.layers, anchors), maps, _carried_on(left.layers, flattened),
        list(_lone(left, right, maps)), contested, dict(anchors),
    )  # fmt: skip


def _complete(
    left: Side, right: Side, places: tuple[Sequence[int], Sequence[int]], fits: Fits, found: Mapping[int, int]
) -> None:
    """Raise PairingError about the first layer without a partner."""
    taken = set(found.values())
    free = [right.layers[other] for other in places[1] if other not in taken]
    for place in places[0]:
        if place in found:
            continue
        layer, why = left.layers[place], ""
        if place in fits.why:
            other, reason = fits.why[place]
            why = f"{shown(layer)} and {shown(right.layers[other])} can't be mapped: {reason}"
            free = [right.layers[other], *free]
        raise PairingError(*alone(layer, left, right, free, why))
    if free:
        raise PairingError(*alone(free[0], left, right, []))


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
                f"the name in the PyTorch model stands first: it has {', '.join(list(known)[:8])}"
                if side is left and name in shapes[1]
                else f"it has {', '.join(list(known)[:8])}",
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


def _owners(explicit: Sequence[Mapped], left: Side, right: Side) -> Iterator[tuple[int, int]]:
    """The layers that hold what was mapped by hand, which are partners then."""
    used: tuple[set[int], set[int]] = set(), set()
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
    if [*wanted.values()] != sorted(wanted.values()):
        same = {m: o for m, o in found.items() if _function(left[m]) == _function(right[o])}
        near = dict(_followers(left, right, wanted))
        found = {**{m: o for m, o in same.items() if m not in near and o not in near.values()}, **near}
    taken = set(wanted.values())
    found = {mine: yours for mine, yours in found.items() if mine not in wanted and yours not in taken}
    return sorted({**found, **wanted}.items())


def _followers(
    left: Sequence[SideLayer], right: Sequence[SideLayer], anchors: Mapping[int, int]
) -> Iterator[tuple[int, int]]:
    """What runs behind partners on both sides, while it is of one kind: for partners that run in another order."""
    ends = set(anchors), set(anchors.values())
    for mine, yours in anchors.items():
        for one, other in zip(range(mine + 1, len(left)), range(yours + 1, len(right)), strict=False):
            if one in ends[0] or other in ends[1] or left[one].kind != right[other].kind:
                break
            yield one, other


def _function(layer: SideLayer) -> str:
    return layer.config.get("function", "")


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
