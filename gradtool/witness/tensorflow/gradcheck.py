"""tf.test.compute_gradient: the differences beside which TensorFlow's own tests put a gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.witness.checked import Said

__all__ = ["gradcheck"]

DELTA = 1 / 1024
"""The step that it takes where none is given."""


def gradcheck(function: Callable[..., Any], tensors: Sequence[Any], step: float | None) -> Said:
    """Its differences; it leaves the verdict to whoever calls it."""
    delta = DELTA if step is None else step
    _, numerical = tf.test.compute_gradient(function, list(tensors), delta=delta)
    return Said({"delta": delta}, "compared", "", [np.asarray(jacobian, dtype=np.float64) for jacobian in numerical])
