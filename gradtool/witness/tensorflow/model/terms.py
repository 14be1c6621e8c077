"""The named terms of a loss that is their sum: the size of the gradient of each, and whether it goes the same way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.evidence import Term
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.statistics import figures, numbers

__all__ = ["terms_of"]


def terms_of(tape: Any, values: Mapping[str, Any], rows: Sequence[Named], whole: float) -> list[Term]:
    """For each term one more backward pass along the tape, which must be persistent.

    The cosine is that between the term's gradient and the whole one, of norm ``whole``; 0 where either is 0.
    """
    held = [row for row in rows if row.gradient is not None]
    found = []
    for name, value in values.items():
        own = tape.gradient(value, [row.tensor for row in held])
        pairs = [(_dense(g), _dense(row.gradient)) for g, row in zip(own, held, strict=True) if g is not None]
        norm = math.hypot(*(figures(one).norm for one, _ in pairs))
        along = math.fsum(float(np.dot(one.astype(np.float64), other.astype(np.float64))) for one, other in pairs)
        cosine = along / (norm * whole) if norm and whole and math.isfinite(norm * whole) else 0.0
        found.append(Term(name, float(tf.reduce_sum(value)), norm, min(max(cosine, -1.0), 1.0)))
    return found


def _dense(gradient: Any) -> np.ndarray[Any, Any]:
    return numbers(tf.convert_to_tensor(gradient))
