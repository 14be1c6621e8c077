"""A gradient of too many entries as a whole: the path integral, and a search for what is wrong where it disagrees."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Survey, WrongEntry
from gradtool.witness.directional.flat_function import Both, Gradient, Value
from gradtool.witness.directional.localise import localise
from gradtool.witness.directional.path_integral import path_integral

__all__ = ["surveyed"]

Floats = NDArray[np.float64]


def surveyed(
    value: Value,
    gradient: Gradient,
    claims: Mapping[str, Floats | None],
    point: Mapping[str, Floats],
    dtype: str,
    seed: int,
    both: Both | None = None,
) -> Survey:
    """The testimony on ``gradient`` near ``point``, and on ``claims``, the gradient at it.

    ``both`` gives value and gradient in one call, where that saves something. Cost: mostly 15 gradients for each of
    three directions and as many values; a direction that disagrees ends them, and is followed by some hundred values.
    """
    paths = path_integral(value, gradient, point, dtype, seed, both=both)
    segments = [(part.difference, part.integral, part.bar) for part in paths.segments]
    entries = {name: float(size) for name, size in paths.entries.items()}
    if paths.agree:
        return Survey(segments, True, paths.power, entries, [], {}, True, paths.evaluations, paths.gradients)
    found = localise(value, claims, point, dtype, seed, about=paths.segments[-1].step)
    wrong = [WrongEntry(one.variable, one.index, one.claimed, one.estimated, one.bar) for one in found.entries]
    scaled = {one.variable or "": one.factor for one in found.scaled}
    evaluations = paths.evaluations + found.evaluations
    return Survey(segments, False, paths.power, entries, wrong, scaled, found.complete, evaluations, paths.gradients)
