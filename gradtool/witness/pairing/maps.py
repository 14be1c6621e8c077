"""The map of one right array: which left arrays go into it, forward and by the adjoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import SideLayer
from gradtool.witness.pairing.kinds import NOWHERE, ROWS, Facts, Part, Places, Row, base

__all__ = ["ArrayMap", "PairingError", "carried", "layer_maps", "pulled_back"]

Arrays = Mapping[str, NDArray[Any]]


class PairingError(Exception):
    """Two models that can't be laid side by side: ``message`` names the layer, ``hint`` says what would help.

    ``reason`` is ``file`` where the files have to change before anything can be compared.
    """

    def __init__(self, message: str, hint: str = "", reason: str = "file") -> None:
        super().__init__(message)
        self.message, self.hint, self.reason = message, hint, reason


@dataclass(frozen=True, slots=True)
class ArrayMap:
    """A right array as the sum of entries of left ones: (left name, its shape, places, word) each."""

    right: str
    shape: tuple[int, ...]
    terms: tuple[tuple[str, tuple[int, ...], Places, str], ...]
    layer: str


def carried(one: ArrayMap, left: Arrays) -> NDArray[Any]:
    """The right array that the left ones make."""
    total = np.zeros(one.shape)
    for name, _, places, _ in one.terms:
        flat = left[name].reshape(-1)
        total += np.where(places == NOWHERE, 0.0, flat[np.maximum(places, 0)])
    return total


def pulled_back(one: ArrayMap, gradient: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """The adjoint: (left name, its share of the gradient in its own shape)."""
    for name, shape, places, _ in one.terms:
        there = places != NOWHERE
        count = int(np.prod(shape))
        found = np.bincount(places[there], weights=gradient[there].astype(np.float64), minlength=count)
        yield name, found.reshape(shape)


def layer_maps(
    left: SideLayer, right: SideLayer, flattened: tuple[int, ...] = (), *, alike: bool = False
) -> list[ArrayMap] | str:
    """The maps of a pair of layers, identities where both are of one framework; a sentence where they don't fit."""
    rows = _rows(left, right, alike=alike)
    if isinstance(rows, str):
        return rows
    found = []
    for part, name in right.weights.items():
        shape = tuple(right.shapes[part])
        terms = []
        for source in rows.get(part, ()):
            if source.source not in left.weights:
                continue
            own = tuple(left.shapes[source.source])
            places = _placed(source, own, Facts(shape, flattened))
            if places is None:
                return f"{left.weights[source.source]} is {_told(own)} and {name} is {_told(shape)}"
            terms.append((left.weights[source.source], own, places, _word(source, places, flattened)))
        if terms:
            found.append(ArrayMap(name, shape, tuple(terms), left.name))
    return found


def _word(part: Part, places: Places, flattened: tuple[int, ...]) -> str:
    """What a map is called; one that says only ``same`` and is not, moves the channels."""
    if flattened and part.word == "transposed":
        return "transposed, channels first to last"
    in_order = part.word == "same" and not np.array_equal(places.reshape(-1), np.arange(places.size))
    return "channels first to last" if in_order else part.word


def _placed(part: Part, shape: tuple[int, ...], facts: Facts) -> Places | None:
    """The places, or None where the shapes don't fit."""
    places = np.arange(int(np.prod(shape))).reshape(shape)
    try:
        moved = part.move(places, facts)
    except (ValueError, IndexError):
        return None
    return moved if moved.shape == facts.shape else None


def _rows(left: SideLayer, right: SideLayer, *, alike: bool) -> Row | str:
    if alike:
        return {part: (Part(part, "same", _as_it_is),) for part in right.weights}
    if left.kind == right.kind == "custom":
        return _in_order(left, right)
    found = ROWS.get((base(left.kind), base(right.kind)))
    return found or f"{left.title} and {right.title} are of different kinds"


def _as_it_is(places: Places, _facts: Facts) -> Places:
    return places


def _turned(places: Places, _facts: Facts) -> Places:
    return places.T


def _in_order(left: SideLayer, right: SideLayer) -> Row | str:
    """The arrays of two layers of the user's own, in their order, where shapes leave no doubt about the axes."""
    if len(left.weights) != len(right.weights):
        return f"{left.name} has {len(left.weights)} arrays and {right.name} {len(right.weights)}"
    rows = {}
    for mine, yours in zip(left.weights, right.weights, strict=True):
        own, other = tuple(left.shapes[mine]), tuple(right.shapes[yours])
        if len(own) > 1 and len(set(own)) < len(own):
            return f"which axes of {left.weights[mine]} ({_told(own)}) are which of {right.weights[yours]} is not known"
        if own == other:
            rows[yours] = (Part(mine, "same", _as_it_is),)
        elif own == other[::-1]:
            rows[yours] = (Part(mine, "transposed", _turned),)
        else:
            return f"{left.weights[mine]} is {_told(own)} and {right.weights[yours]} is {_told(other)}"
    return rows


def _told(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"
