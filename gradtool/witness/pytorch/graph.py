"""Autograd's graph, node by node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

__all__ = ["nodes"]


def nodes(tensors: Iterable[torch.Tensor]) -> Iterator[Any]:
    """Every node that leads back from ``tensors``, once; a tensor without a graph, such as a new one, has none."""
    pending, known = [tensor.grad_fn for tensor in tensors], set()
    while pending:
        node = pending.pop()
        if node is None or node in known:
            continue
        known.add(node)
        yield node
        pending += [above for above, _ in node.next_functions]
