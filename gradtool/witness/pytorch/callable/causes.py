"""Why PyTorch's gradient of a callable is None or not finite, by the finders of models."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gradtool.witness.callable.causes import Sought
from gradtool.witness.callable.subject import Floats
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.pytorch.callable.pulled import pulled
from gradtool.witness.pytorch.callable.subject import TorchSubject
from gradtool.witness.pytorch.callable.tensors import weights_for
from gradtool.witness.pytorch.causes.finders import Search
from gradtool.witness.pytorch.model.parameters import Named

__all__ = ["causes"]


def causes(subject: TorchSubject, upstream: Sequence[Floats], asked: Wanted) -> Sought:
    """The callable once more at its own point, with the finders on."""
    leaves = subject.leaves(subject.point)
    rows = [Named(name, leaves[name], "", "") for name in subject.active]
    with Search(asked.fates()) as search:
        outputs = subject.run(leaves)
        weights = weights_for(upstream, outputs)
        total = sum(((one * weight).sum() for one, weight in zip(outputs, weights, strict=True)), torch.zeros(()))
        search.before([total])
        if total.requires_grad:
            inputs = [leaves[name] for name in subject.active]
            for leaf, gradient in zip(inputs, pulled([total], inputs), strict=True):
                leaf.grad = gradient  # where the finders look for it; no other tensor's is touched
        search.told(rows, total, asked)
    return Sought(search.causes, search.notes)
