"""The named terms of a loss that is their sum: the size of the gradient of each, and whether it goes the same way."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gradtool.evidence import Term
from gradtool.witness.model.figures import Numbers, norm

__all__ = ["term_of"]


def term_of(name: str, value: float, pairs: Sequence[tuple[Numbers, Numbers]], whole: float) -> Term:
    """A term by its gradient beside the whole one, parameter by parameter; ``whole`` is the global norm of that.

    The cosine is that between the two; 0 where either is 0.
    """
    size = math.hypot(*(norm(own) for own, _ in pairs))
    along = math.fsum(float(np.dot(own.astype(np.float64), other.astype(np.float64))) for own, other in pairs)
    cosine = along / (size * whole) if size and whole and math.isfinite(size * whole) else 0.0
    return Term(name, value, size, min(max(cosine, -1.0), 1.0))
