"""Gradients from PyTorch's graph."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from gradtool.witness.callable.subject import UnavailableError
from gradtool.witness.pytorch.graph import nodes

__all__ = ["first_line", "pulled", "refuses"]


def pulled(
    outputs: Sequence[torch.Tensor],
    inputs: Sequence[torch.Tensor],
    weights: Sequence[torch.Tensor] | None = None,
    *,
    create: bool = False,
) -> Sequence[torch.Tensor | None]:
    """The gradient of the outputs' weighed sum by fresh leaves, None where there is none.

    A checkpoint with use_reentrant=True refuses torch.autograd.grad: then by ``backward()``, which leaves it in
    ``.grad``, and which cannot be differentiated again.
    """
    try:
        found: Sequence[torch.Tensor | None] = torch.autograd.grad(
            outputs, inputs, weights, allow_unused=True, create_graph=create, retain_graph=True
        )
    except RuntimeError as error:
        if "use_reentrant" not in str(error):
            raise
        if create:
            raise UnavailableError(first_line(error)) from error
    else:
        return found
    with _grads_kept(inputs):
        torch.autograd.backward(outputs, weights)
        return [one.grad for one in inputs]


@contextlib.contextmanager
def _grads_kept(fresh: Sequence[torch.Tensor]) -> Iterator[None]:
    """Meanwhile backward passes, and those inside of them, add to ``.grad`` of other leaves; afterwards it is undone.

    What a reentrant checkpoint leads to shows only once it has run its function again.
    """
    original, kept = torch.autograd.backward, {id(one): (one, None) for one in fresh}
    others: dict[int, tuple[torch.Tensor, torch.Tensor | None]] = {}

    def backward(tensors: Any, *given: Any, **named: Any) -> Any:
        for node in nodes([tensors] if isinstance(tensors, torch.Tensor) else tensors):
            leaf = getattr(node, "variable", None)
            if leaf is not None and id(leaf) not in kept:
                others.setdefault(id(leaf), (leaf, None if leaf.grad is None else leaf.grad.clone()))
        return original(tensors, *given, **named)

    torch.autograd.backward = backward
    try:
        yield
    finally:
        torch.autograd.backward = original
        for leaf, grad in others.values():
            leaf.grad = grad


def refuses(gradient: torch.Tensor | None) -> bool:
    """Whether differentiating again would raise, or, where unused inputs are allowed, silently give None."""
    node = None if gradient is None else gradient.grad_fn
    return node is not None and node.name() == "torch::autograd::Error"


def first_line(error: BaseException) -> str:
    """The first line of an error, cut at 200 characters."""
    return str(error).strip().partition("\n")[0][:200]
