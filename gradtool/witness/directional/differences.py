"""Finite differences along random directions: what is left to differences where there are too many coordinates.

Along a direction v the slope that autodiff claims is the gradient times v. Each entry of v is +1 or -1 times the
scale of its variable, a power of two, so no coordinate is unseen and none drowns the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Difference, Request
from gradtool.witness.finite_difference import differences

__all__ = ["along_directions", "random_direction"]

Floats = NDArray[np.float64]

DIRECTIONS = 2


def random_direction(arrays: Mapping[str, Floats], draw: np.random.Generator) -> dict[str, Floats]:
    """Signs at random, times the scale of each variable."""
    found = {}
    for name, array in arrays.items():
        size = float(np.max(np.abs(array)))
        scale = 2.0 ** math.floor(math.log2(size)) if size > 0 else 1.0
        found[name] = scale * draw.choice((-1.0, 1.0), size=array.shape)
    return found


def _claim(claims: Mapping[str, Floats], direction: Mapping[str, Floats]) -> float:
    """The slope along ``direction`` by the gradient ``claims``; NaN where infinities cancel or the sum is too large."""
    with np.errstate(over="ignore", invalid="ignore"):
        parts = np.concatenate([claims[name].ravel() * direction[name].ravel() for name in claims])
    try:
        return math.fsum(parts.tolist())
    except (ValueError, OverflowError):
        return math.nan


def along_directions(
    moved: Callable[[Mapping[str, Floats]], Floats],
    arrays: Mapping[str, Floats],
    claims: Mapping[str, Floats],
    request: Request,
) -> list[Difference]:
    """Differences of ``moved`` (a single number) along random directions of the variables in ``claims``."""
    draw = np.random.default_rng(request.seed)
    found = []
    for number in range(1, DIRECTIONS + 1):
        direction = random_direction({name: arrays[name] for name in claims}, draw)
        claim = _claim(claims, direction)
        name = f"direction {number}"

        def values(columns: Mapping[str, Floats], name: str = name, way: Mapping[str, Floats] = direction) -> Floats:
            return np.stack([
                moved({**arrays, **{other: arrays[other] + length * way[other] for other in way}})
                for length in columns[name]
            ])  # fmt: skip

        bar = differences(values, {name: 0.0}, {name: np.array([claim])}, request.dtype)[name][0]
        found.append(replace(bar, claim=claim))
    return found
