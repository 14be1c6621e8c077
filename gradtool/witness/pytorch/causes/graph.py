"""Autograd's own graph, read where an operation passed unseen: a custom function, or one of an extension."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.autograd.function import BackwardCFunction

from gradtool.witness.causes.events import Event

__all__ = ["Graph", "plain"]


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor inside the wrappers that vmap puts around it: autograd knows that one."""
    functorch = torch._C._functorch  # noqa: SLF001  # vmap has no public way in
    while functorch.is_functorch_wrapped_tensor(tensor):
        tensor = functorch.get_unwrapped(tensor)
    return tensor


class Graph:
    """Which nodes of the flow belong to which nodes of autograd's graph, by their sequence numbers.

    ``leaf`` gives the node of a leaf. Nothing of the graph is kept, but for hooks on custom functions.
    """

    def __init__(self, leaf: Callable[[torch.Tensor], int]) -> None:
        self._leaf = leaf
        self._nodes: dict[int, list[int]] = {}
        self._handles: list[Any] = []

    def made(self, function: Any, node: int) -> None:
        """``node`` is an output of autograd's ``function``."""
        self._nodes.setdefault(function._sequence_nr(), []).append(node)  # noqa: SLF001  # the only name it has

    def above(self, function: Any) -> list[list[int]]:
        """The nodes that went into ``function``, for each of its edges."""
        return [list(dict.fromkeys(self._known(edge))) for edge, _ in function.next_functions]

    def _known(self, function: Any) -> Iterator[int]:
        pending, seen = [function], set()
        while pending:
            function = pending.pop()
            if function is None or function in seen:
                continue
            seen.add(function)
            if isinstance(leaf := getattr(function, "variable", None), torch.Tensor):
                yield self._leaf(leaf)
            elif (nodes := self._nodes.get(function._sequence_nr())) is not None:  # noqa: SLF001
                yield from nodes
            else:
                pending += [edge for edge, _ in function.next_functions]

    def watch(self, function: Any, event: Event, edges: list[list[int]]) -> None:
        """Where a custom function's backward gives None for an input, its event is told so."""
        if not isinstance(function, BackwardCFunction):
            return

        def passed(gradients: Any, _: Any) -> None:
            pairs = list(zip(edges, gradients, strict=False))
            given = {node for edge, gradient in pairs if gradient is not None for node in edge}
            event.stopped = frozenset(node for edge, gradient in pairs if gradient is None for node in edge) - given

        self._handles.append(function.register_hook(passed))

    def close(self) -> None:
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()
