"""Inputs where nobody gave any: shapes to be tried in turn until a call is accepted, and numbers for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradtool.values import Shape

__all__ = ["RANGES", "UNIT", "Draw", "Labels", "numbers", "rungs"]

CLASSES = 3


@dataclass(frozen=True, slots=True)
class Labels:
    """Integers 0, 1, 2 of a shape."""

    shape: Shape


Draw = Shape | Labels

_VECTOR, _NUMBER, _MATRIX, _SQUARE, _CUBE, _IMAGES = (3,), (), (2, 3), (4, 4), (2, 3, 4), (2, 3, 8, 8)
_ALIKE: tuple[Shape, ...] = (_VECTOR, _NUMBER, _MATRIX, _SQUARE)

_BESIDE: dict[int, list[tuple[Draw, ...]]] = {
    2: [
        (_MATRIX, (3, 2)), (_MATRIX, _VECTOR), (_MATRIX, Labels((2,))), (Labels((2,)), _MATRIX), (_VECTOR, Labels(())),
        (_VECTOR, Labels(_VECTOR)), (Labels((4,)), (3, 2)), (_IMAGES, (4, 3, 3, 3)), (_IMAGES, _VECTOR),
        ((2, 8, 8, 3), (3, 3, 3, 4)), (_MATRIX, _NUMBER),
    ],
    3: [
        (_MATRIX, (3, 2), (2,)), (_MATRIX, (4, 3), (4,)), (_MATRIX, _VECTOR, _VECTOR), (_MATRIX, (3, 4), (4, 2)),
        (_MATRIX, Labels((2,)), _VECTOR), (_IMAGES, (4, 3, 3, 3), (4,)), (_IMAGES, _VECTOR, _VECTOR),
        ((2, 8, 8, 3), (3, 3, 3, 4), (4,)),
    ],
}  # fmt: skip
"""What functions of two or three tensors commonly multiply, add or index, where the shapes are not the same."""

UNIT = "unit"
RANGES = ("mixed", "positive", UNIT, "above")
"""Both signs; positive; between 0 and 1; above 1: for a domain that leaves some of them out."""


def rungs(count: int) -> Iterator[tuple[Draw, ...]]:
    """Shapes of ``count`` tensors, the plainest first."""
    yield from ((shape,) * count for shape in _ALIKE)
    yield from _BESIDE.get(count, [])
    yield from ((shape,) * count for shape in (_CUBE, _IMAGES))
    if count > 3:
        yield _MATRIX, *(_VECTOR,) * (count - 1)


def numbers(draws: Sequence[Draw], seed: int, within: str = "mixed") -> list[NDArray[np.float64] | NDArray[np.int64]]:
    """Numbers from the seed: no two alike in size, none 0, in every tensor others; labels of all classes in turn."""
    random = np.random.default_rng([seed, 6])
    shapes = [draw for draw in draws if not isinstance(draw, Labels)]
    total = sum(map(math.prod, shapes))
    spread = (np.arange(total) + 0.5 + random.uniform(-0.3, 0.3, total)) / max(total, 1)
    spread = random.permutation(spread)
    signs = np.where(random.permutation(total) % 2, -1.0, 1.0)
    pool = {
        "mixed": signs * (0.3 + 1.6 * spread), "positive": 0.3 + 1.6 * spread, UNIT: 0.05 + 0.9 * spread,
        "above": 1.2 + 1.6 * spread,
    }[within]  # fmt: skip
    pool = np.round(pool * 1024) / 1024 if total < 200 else pool  # short to read, and in every dtype the same
    found: list[NDArray[np.float64] | NDArray[np.int64]] = []
    for draw in draws:
        if isinstance(draw, Labels):
            size = math.prod(draw.shape)
            found.append((random.permutation(size) % CLASSES).astype(np.int64).reshape(draw.shape))
        else:
            taken, pool = pool[: math.prod(draw)], pool[math.prod(draw) :]
            found.append(taken.reshape(draw))
    return found
