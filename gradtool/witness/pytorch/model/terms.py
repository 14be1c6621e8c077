"""The named terms of a loss that is their sum, one backward pass each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from gradtool.evidence import Term
from gradtool.witness.model.terms import term_of
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.statistics import numbers

__all__ = ["terms_of"]


def terms_of(values: Mapping[str, torch.Tensor], rows: Sequence[Named], whole: float) -> list[Term]:
    """For each term one more backward pass through the graph, which must still be there."""
    held = [(row.tensor, row.tensor.grad) for row in rows if row.tensor.grad is not None]
    found = []
    for name, value in values.items():
        own: Sequence[torch.Tensor | None] = [None] * len(held)
        if value.requires_grad:
            tensors = [tensor for tensor, _ in held]
            own = torch.autograd.grad(value.sum(), tensors, retain_graph=True, allow_unused=True)
        pairs = [
            (numbers(g.to_dense()), numbers(all_.to_dense()))
            for g, (_, all_) in zip(own, held, strict=True)
            if g is not None
        ]
        found.append(term_of(str(name), float(value.detach().sum()), pairs, whole))
    return found
