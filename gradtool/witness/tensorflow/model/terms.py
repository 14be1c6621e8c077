"""The named terms of a loss that is their sum, one backward pass along the tape each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from gradtool.evidence import Term
from gradtool.witness.model.figures import Numbers
from gradtool.witness.model.terms import term_of
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.statistics import numbers

__all__ = ["terms_of"]


def terms_of(tape: Any, values: Mapping[str, Any], rows: Sequence[Named], whole: float) -> list[Term]:
    """For each term one more backward pass along the tape, which must be persistent."""
    held = [row for row in rows if row.gradient is not None]
    found = []
    for name, value in values.items():
        own = tape.gradient(value, [row.tensor for row in held])
        pairs = [(_dense(g), _dense(row.gradient)) for g, row in zip(own, held, strict=True) if g is not None]
        found.append(term_of(name, float(tf.reduce_sum(value)), pairs, whole))
    return found


def _dense(gradient: Any) -> Numbers:
    return numbers(tf.convert_to_tensor(gradient))
