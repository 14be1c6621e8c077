"""TensorFlow's own clipping to a global norm."""

from __future__ import annotations

import math

import tensorflow as tf

from gradtool.evidence import Clipped
from gradtool.witness.model.figures import norm
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.statistics import numbers

__all__ = ["clipped"]


def clipped(rows: list[Named], limit: float, before: float) -> Clipped:
    """What ``tf.clip_by_global_norm`` does: by its own description, and what it leaves."""
    cut, _ = tf.clip_by_global_norm([row.gradient for row in rows if row.gradient is not None], limit)
    after = math.hypot(*(norm(numbers(gradient)) for gradient in cut))
    return Clipped(limit, before, before * min(1.0, limit / before) if before else 0.0, after)
