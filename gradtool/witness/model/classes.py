"""Along which axis probabilities sum to 1: what tells over which a softmax ran, whatever was transposed since."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["normalised_axes"]

NEAR, NEAR_IN_HALF = 1e-3, 2e-2
"""How far a sum may be off 1 by rounding: in float32, and in 16 bits."""


def normalised_axes(probabilities: NDArray[Any], classes: int, *, half: bool) -> list[int]:
    """The axes along which all sums are 1; ``classes`` alone, which is asked first, where they are along it."""
    near = NEAR_IN_HALF if half else NEAR

    def whole(axis: int) -> bool:
        return bool((np.abs(probabilities.sum(axis=axis) - 1) <= near).all())

    return [classes] if whole(classes) else [axis for axis in range(probabilities.ndim) if whole(axis)]
