"""Which node of the flow a tensor is now, whatever happened to it unseen: known by weak references alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch import nn

from gradtool.witness.causes.events import LOOKED_AT, Flow
from gradtool.witness.causes.lines import Spot, spot
from gradtool.witness.model.user_file import is_users
from gradtool.witness.pytorch.causes.graph import Graph, plain
from gradtool.witness.pytorch.causes.operations import writes

__all__ = ["Nodes", "Place"]

PASSING = ("torch/overrides.py", "torch/autograd/__init__.py", "torch/_tensor.py", "torch/nn/parameter.py", "/copy.py")
"""Files whose functions only hand on what the program asks for."""


@dataclass(slots=True)
class _Known:
    """What is known of a tensor: its node (None: it comes from no parameter), whether it had a graph, its version."""

    tensor: weakref.ref[torch.Tensor]
    node: int | None
    attached: bool
    version: int


class Place:
    """The user's line of a call, looked up once, and only where it is wanted."""

    def __init__(self, frame: FrameType | None) -> None:
        self.frame = frame
        self._spot: Spot | None = None

    def __call__(self) -> Spot:
        """The file, the number and the function."""
        if self._spot is None:
            self._spot = spot(self.frame)
        return self._spot

    def is_own(self) -> bool:
        """Whether the program itself calls, and not a library for reasons of its own."""
        frame = self.frame
        while frame is not None and frame.f_code.co_filename.endswith(PASSING):
            frame = frame.f_back
        return frame is not None and is_users(frame.f_code.co_filename)


class Nodes:
    """The tensors of one pass as nodes of ``flow``. ``froze`` gives the line that froze a parameter."""

    def __init__(self, flow: Flow, froze: Callable[[torch.Tensor], Spot]) -> None:
        self.flow, self._froze = flow, froze
        self.graph = Graph(self._leaf)
        self.applied: dict[int, Spot] = {}
        """Where custom functions were applied, by the sequence numbers of their nodes in autograd's graph."""
        self.frozen: dict[int, Spot] = {}
        """Parameters that were only used while they required no gradient, by ``id``, and the lines that froze them."""
        self._known: dict[int, _Known] = {}
        self._shared: dict[int, tuple[str, weakref.ref[torch.Tensor]]] = {}
        """By their memory: tensors that another looks at behind autograd's back, and how that came about."""

    def _find(self, tensor: torch.Tensor) -> _Known | None:
        known = self._known.get(id(tensor))
        return known if known is not None and known.tensor() is tensor else None

    def seen(self, tensor: torch.Tensor, place: Place) -> int | None:
        """The node that an input of a call is; None where it does not come from a parameter."""
        tensor = plain(tensor)
        known = self._find(tensor)
        if tensor.is_leaf and tensor.requires_grad:
            self.frozen.pop(id(tensor), None)
            return self._leaf(tensor)
        if isinstance(tensor, nn.Parameter) and known is None:
            self.frozen.setdefault(id(tensor), self._froze(tensor))
            return None
        if tensor.grad_fn is not None and (known is None or not known.attached):
            self._attach(tensor, place)
        elif (base := self._newer_base(tensor, known)) is not None:
            kind = "" if tensor.grad_fn is not None or not base.attached else "detach"
            self.flow.add("view", [base.node or 0], [self.made(tensor)], place(), kind)
        elif known is None and self.flow.any_left and tensor.is_floating_point():
            self._from_outside(tensor, place)
        known = self._find(tensor)
        return known.node if known else None

    def _leaf(self, tensor: torch.Tensor) -> int:
        known = self._find(tensor)
        return self.made(tensor) if known is None or known.node is None else known.node

    def now(self, tensor: torch.Tensor) -> int:
        """The node of an output, which may be one that comes from no parameter so far."""
        return self._leaf(plain(tensor))

    def made(self, tensor: torch.Tensor, *, written: bool = False) -> int:
        """A node for what a tensor has become just now; a leaf that is written into stays what it is."""
        tensor = plain(tensor)
        known = self._find(tensor)
        if written and known and known.node is not None and tensor.is_leaf and tensor.requires_grad:
            return known.node
        function = tensor.grad_fn
        node = self.flow.node(connected=tensor.requires_grad)
        self._known[id(tensor)] = _Known(weakref.ref(tensor), node, function is not None, _version(tensor))
        if function is not None:
            self.graph.made(function, node)
        return node

    def _attach(self, tensor: torch.Tensor, place: Place) -> None:
        """The tensor has a graph that nobody saw being made."""
        function = tensor.grad_fn
        edges = self.graph.above(function)
        inputs = list(dict.fromkeys(node for edge in edges for node in edge))
        where = self.applied.get(function._sequence_nr()) or place()  # noqa: SLF001  # the only name it has
        event = self.flow.add(type(function).__name__.removesuffix("Backward"), inputs, [self.made(tensor)], where)
        self.graph.watch(function, event, edges)

    def _from_outside(self, tensor: torch.Tensor, place: Place) -> None:
        """The tensor has no graph: its numbers may be some that have left."""
        back = self.flow.came_back(tensor.reshape(-1)[:LOOKED_AT].tolist())
        if back:
            self.flow.add("tensor", back, [self.made(tensor)], place())
        else:
            self._known[id(tensor)] = _Known(weakref.ref(tensor), None, attached=False, version=_version(tensor))

    # ---- memory that is written into

    def written(self, name: str, given: list[Any], out: Any, output: Any) -> list[Any] | None:
        """The tensors that the call has written into."""
        if isinstance(out, torch.Tensor):
            return [out]
        if given and writes(name):
            return [given[0]]
        same = [tensor for tensor in given if tensor is output]
        known = self._find(plain(output)) if same else None
        return same[:1] if known is not None and known.version != _version(plain(output)) else None

    def _newer_base(self, tensor: torch.Tensor, known: _Known | None) -> _Known | None:
        """The tensor that this is a view of, if it was written into since."""
        if not tensor._is_view() or tensor._base is None:  # noqa: SLF001  # the documented way to a base
            return None
        base = self._find(tensor._base)  # noqa: SLF001
        if base is None or base.node is None:
            return None
        return base if known is None or known.node is None or base.node > known.node else None

    def share(self, given: list[torch.Tensor], kind: str) -> None:
        """A call has made a tensor that shares the memory of the first one given, behind autograd's back."""
        start = _memory(given[0]) if given else 0
        if start and (start not in self._shared or self._shared[start][1]() is None):
            self._shared[start] = (kind, weakref.ref(given[0]))

    def spread(self, tensor: torch.Tensor, node: int, line: Spot) -> None:
        """What was written is seen in the tensor that this is a view of, or whose memory it shares."""
        base = tensor._base if tensor._is_view() else None  # noqa: SLF001
        if base is not None:
            kind = "" if base.requires_grad or not tensor.requires_grad else "detach"
            self.flow.add("view", [node], [self.made(base, written=True)], line, kind)
        kind, shared = self._shared.get(_memory(tensor), ("", None))
        if shared and (other := shared()) is not None and other is not tensor and other is not base:
            event = self.flow.add("write", [node], [self.made(other, written=True)], line, kind)
            event.settles = isinstance(other, nn.Parameter)


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else int(tensor._version)  # noqa: SLF001  # what counts changes in place


def _memory(tensor: torch.Tensor) -> int:
    """Where a tensor's numbers begin; 0 where it has none of its own, as a sparse one or one inside vmap."""
    try:
        return int(tensor.untyped_storage().data_ptr())
    except (RuntimeError, NotImplementedError):
        return 0
