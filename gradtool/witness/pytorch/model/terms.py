"""The named terms of a loss that is their sum: the size of the gradient of each, and whether it goes the same way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from gradtool.evidence import Term
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.statistics import norms

__all__ = ["terms_of"]


def terms_of(values: Mapping[str, torch.Tensor], rows: Sequence[Named], whole: float) -> list[Term]:
    """For each term one more backward pass through the graph, which must still be there.

    The cosine is that between the term's gradient and the whole one, of norm ``whole``; 0 where either is 0.
    """
    held = [row.tensor for row in rows if row.tensor.grad is not None]
    found = []
    for name, value in values.items():
        if not value.requires_grad:
            found.append(Term(str(name), float(value.detach().sum()), 0.0, 0.0))
            continue
        own = torch.autograd.grad(value.sum(), held, retain_graph=True, allow_unused=True)
        pairs = [(g.to_dense(), t.grad.to_dense()) for g, t in zip(own, held, strict=True) if g is not None]
        norm = math.hypot(*norms([g for g, _ in pairs]))
        along = math.fsum(float((g.double() * w.double()).sum()) for g, w in pairs)
        cosine = along / (norm * whole) if norm and whole and math.isfinite(norm * whole) else 0.0
        found.append(Term(str(name), float(value.detach().sum()), norm, min(max(cosine, -1.0), 1.0)))
    return found
