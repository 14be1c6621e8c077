"""The tensors of a pass as nodes of what flowed: by ``id`` while they live, and of a variable every value."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from gradtool.witness.causes.events import Flow
from gradtool.witness.tensorflow.causes.operations import title_of

__all__ = ["Nodes", "beside"]

READ = title_of("ReadVariableOp")


class Nodes:
    """Those of ``flow``. Tensors that a tape took note of are kept, so that it can be asked about them.

    Such a tape keeps their memory anyway.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._nodes: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._versions: dict[int, list[int]] = {}
        """The nodes of every variable's handle, one for each value that it was given."""
        self._kept: dict[int, Any] = {}

    def new(self, tensor: Any, *, live: bool) -> int:
        """A node for a tensor, or for a variable's new value; ``live`` if a tape took note of it."""
        node = self.flow.node(connected=live)
        self._nodes[id(tensor)] = (weakref.ref(tensor), node)
        if tensor.dtype == tf.resource:
            self._versions.setdefault(id(tensor), []).append(node)
        if live:
            self._kept[node] = tensor
        return node

    def connect(self, node: int, tensor: Any) -> None:
        """A tape was told of it afterwards."""
        self._kept[node] = tensor
        self.flow.unconnected.discard(node)

    def now(self, tensor: Any) -> int | None:
        """The node of a tensor, of a variable's handle that of its last value; None if it was never seen."""
        seen, node = self._nodes.get(id(tensor), (None, None))
        return node if seen is not None and seen() is tensor else None

    def of(self, tensor: Any) -> int | None:
        """The node of a tensor, or of what a variable held when it was first read; None if it was never seen."""
        held = tensor.handle if isinstance(tensor, tf.Variable) else tensor
        last = self.now(held)
        if last is None:
            return None
        return next((node for node in self._versions.get(id(held), ()) if self._is_read(node)), last)

    def _is_read(self, node: int) -> bool:
        return any(event.kind != "assigned" for event in self.flow.used_by(node))

    def tensor(self, node: int) -> Any:
        """What a tape took note of, by its node; None for everything else."""
        return self._kept.get(node)


def beside(flow: Flow, node: int, sources: Iterable[int]) -> list[int]:
    """What ``node`` is made of beside ``sources``, and beside the variables that they were read from."""
    inside: set[int] = set()
    pending = [*sources, *(above for one in sources for event in flow.made_by(one) for above in event.inputs
                           if event.operation == READ)]  # fmt: skip
    while pending:
        one = pending.pop()
        if one not in inside:
            inside.add(one)
            pending += [below for event in flow.used_by(one) for below in event.outputs]
    found: dict[int, None] = {}
    pending, seen = [node], set(sources)
    while pending:
        one = pending.pop()
        if one in seen:
            continue
        seen.add(one)
        for above in (above for event in flow.made_by(one) for above in event.inputs):
            if above in inside:
                pending.append(above)
            else:
                found[above] = None
    return list(found)
