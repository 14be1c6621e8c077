"""Which layers may be partners: what is named alike alone, else whatever is of one kind with arrays that fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gradtool.evidence import SideLayer
from gradtool.witness.pairing.kinds import family
from gradtool.witness.pairing.maps import ArrayMap, layer_maps

__all__ = ["Fits", "alike_in_name", "fitting", "groups", "matched"]

Orders = Mapping[int, tuple[int, ...]]


@dataclass(slots=True)
class Fits:
    """Of each left place the right places that fit, the likeliest first; the maps of each such pair, and why not.

    ``orders`` are the shapes of flattened images whose numbers change places on the way.
    """

    may: dict[int, list[int]] = field(default_factory=dict)
    maps: dict[tuple[int, int], list[ArrayMap]] = field(default_factory=dict)
    orders: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    why: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Of a left place the first of its kind that does not fit, and the reason."""


def fitting(
    left: Sequence[SideLayer], right: Sequence[SideLayer], places: tuple[Sequence[int], Sequence[int]],
    forced: Mapping[int, int], moved: Mapping[tuple[int, int], tuple[int, ...]], *, alike: bool,
) -> Fits:  # fmt: skip
    """``places`` are those in question on either side; ``forced`` are partners that the file itself names."""
    found = Fits()
    kept = set(forced.values())
    for mine in places[0]:
        known = [forced[mine]] if mine in forced else [other for other in places[1] if other not in kept]
        fits = []
        for other in known:
            if mine not in forced and family(right[other].kind) != family(left[mine].kind):
                continue
            order = moved.get((mine, other), ())
            maps = layer_maps(left[mine], right[other], order, alike=alike)
            if isinstance(maps, str):
                found.why.setdefault(mine, (other, maps))
                continue
            fits.append(other)
            found.maps[mine, other], found.orders[mine, other] = maps, order
        found.may[mine] = fits
    found.may = _named(found.may, left, right, alike=alike)
    return found


def alike_in_name(left: SideLayer, right: SideLayer, *, alike: bool = False) -> int:
    """How many steps at the end of two names are the same: ``a/q`` and ``q`` share one.

    A name that Keras gave by itself says nothing, but where both sides are the same Keras model.
    """
    mine, yours = re.split(r"[./]", left.name), re.split(r"[./]", right.name)
    if not alike and _automatic(yours[-1], right.title):
        return 0
    count = 0
    for one, other in zip(reversed(mine), reversed(yours), strict=False):
        if one != other:
            break
        count += 1
    return count + (mine == yours)


def _automatic(name: str, title: str) -> bool:
    """Whether Keras made the name of the class: ``conv2d_3`` of ``Conv2D``."""
    plain = title.replace("_", "").lower()
    return bool(re.fullmatch(rf"{re.escape(plain)}\d*", name.replace("_", "")))


def _named(
    may: Mapping[int, list[int]], left: Sequence[SideLayer], right: Sequence[SideLayer], *, alike: bool
) -> dict[int, list[int]]:
    """Where two are nearest to each other by name, they have no other partners."""
    near = {(m, o): alike_in_name(left[m], right[o], alike=alike) for m, fits in may.items() for o in fits}
    mine = {m: max((near[m, o] for o in fits), default=0) for m, fits in may.items()}
    yours: dict[int, int] = {}
    for (_, o), count in near.items():
        yours[o] = max(yours.get(o, 0), count)
    called = {(m, o) for (m, o), count in near.items() if count and count == mine[m] == yours[o]}
    taken = {m for m, _ in called}, {o for _, o in called}
    named = {
        m: [o for o in fits if ((m, o) in called if m in taken[0] else o not in taken[1])] for m, fits in may.items()
    }
    return named if len(matched(named)) == len(matched(may)) else {**may}


def matched(may: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """A partner for as many as can have one, the first that is free to each in their order; others give way."""
    owner: dict[int, int] = {}

    def settle(mine: int, seen: set[int]) -> bool:
        for other in may[mine]:
            if other in seen:
                continue
            seen.add(other)
            if other not in owner or settle(owner[other], seen):
                owner[other] = mine
                return True
        return False

    for mine in may:
        if not any(_take(mine, other, owner) for other in may[mine]):
            settle(mine, set())
    return {mine: other for other, mine in owner.items()}


def _take(mine: int, other: int, owner: dict[int, int]) -> bool:
    return owner.setdefault(other, mine) == mine


def groups(may: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """The left places that compete for partners with each other, each group in its order."""
    found: list[tuple[set[int], list[int]]] = []
    for mine, fits in may.items():
        rights, members = set(fits), [mine]
        apart = []
        for group in found:
            if group[0] & rights:
                rights |= group[0]
                members = [*group[1], *members]
            else:
                apart.append(group)
        found = [*apart, (rights, members)]
    return [sorted(members) for _, members in found if len(members) > 1]
