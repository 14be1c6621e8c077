"""Writes down the data flow of everything that comes from a parameter, the edges that autograd loses included.

Tensors are known by weak references, and nodes of autograd's graph by their sequence numbers, so nothing is kept
alive. What the function mode does not see, such as a custom function's ``apply``, is read off autograd's own graph
when its output is used.
"""

from __future__ import annotations

import itertools
import sys
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from gradtool.witness.causes.events import NOWHERE, Flow
from gradtool.witness.causes.lines import Spot, spot
from gradtool.witness.pytorch.causes.graph import Graph, plain
from gradtool.witness.pytorch.causes.numbers import is_literal, numbers_in, tensors_in
from gradtool.witness.pytorch.causes.operations import (
    ARITHMETIC,
    CUTS,
    EXITS,
    FREEZES,
    FROM_NUMBERS,
    UNRELATED,
    name_of,
    rough_kind,
    writes,
)
from gradtool.witness.pytorch.causes.switches import Switches

__all__ = ["DataFlow"]


@dataclass(slots=True)
class _Known:
    """What is known of a tensor: its node (None: it comes from no parameter), whether it had a graph, its version."""

    tensor: weakref.ref[torch.Tensor]
    node: int | None
    attached: bool
    version: int


class _Place:
    """The user's line of a call, looked up once, and only where it is wanted."""

    def __init__(self, frame: FrameType | None) -> None:
        self.frame = frame
        self._spot: Spot | None = None

    def __call__(self) -> Spot:
        if self._spot is None:
            self._spot = spot(self.frame)
        return self._spot


class DataFlow(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not typed here
    """A context in which what comes from parameters is written down in ``flow``, unless it is ``asleep``."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = False
        self.switches = Switches()
        self.created: dict[int, Spot] = {}
        """The lines that made parameters, by ``id``."""
        self._froze: dict[int, Spot] = {}
        self._graph = Graph(self._leaf)
        self.clear()

    def clear(self) -> None:
        """Forget what was seen: a new iteration begins."""
        self._graph.close()
        self.flow = Flow()
        self.frozen: dict[int, Spot] = {}
        """Parameters that were only used while they required no gradient, by ``id``, and the line that froze them."""
        self._graph = Graph(self._leaf)
        self._known: dict[int, _Known] = {}
        self._applied: dict[int, Spot] = {}
        self._shared: dict[int, tuple[str, weakref.ref[torch.Tensor]]] = {}
        """By their memory: tensors that another looks at behind autograd's back, and how that came about."""

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        self._graph.close()

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every function of tensors passes here."""
        output = function(*args, **(kwargs or {}))
        self.called(name_of(function), args, kwargs or {}, output, sys._getframe(1))  # noqa: SLF001  # the caller
        return output

    def called(self, name: str, args: Any, kwargs: Mapping[str, Any], output: Any, frame: FrameType) -> None:
        """Look at one call of a function, by its name, from ``frame``."""
        if self.asleep:
            return
        self.asleep = True
        try:
            with torch._C.DisableTorchFunction():  # noqa: SLF001  # where a patch calls, the mode is on
                self._look(name, args, kwargs, output, frame)
        finally:
            self.asleep = False

    # ---- what happens while the program runs

    def _look(self, name: str, args: Any, kwargs: Mapping[str, Any], output: Any, frame: FrameType) -> None:
        """Write down one call."""
        if frame.f_code.co_name == "__deepcopy__":  # a parameter's, which takes its .data
            name = "__deepcopy__"
        if name == "Parameter":
            self.created[id(output)] = spot(frame)
        if name == "_set_grad_enabled":
            self.switches.set(frame, on=bool(args[0]))
        elif name in FREEZES:
            self._freeze(args, kwargs, frame)
        else:
            given, place = list(tensors_in((args, kwargs))), _Place(frame)
            written = self._written(name, given, kwargs, output)
            outputs = written or [t for t in tensors_in(output) if not any(t is own for own in given)]
            if name in UNRELATED or not (outputs or name in EXITS):
                return
            inputs = [node for tensor in given if (node := self._seen(tensor, place)) is not None]
            if name in EXITS:
                for node in inputs[:1]:
                    self.flow.leave(name.strip("_"), node, place(), EXITS[name], numbers_in(output, whole=True))
                return
            if name in CUTS and written is None:
                self._share(given, CUTS[name])
            self._computed(name, args, kwargs, (given, inputs, outputs), place, written=bool(written))

    def _computed(
        self, name: str, args: Any, kwargs: Mapping[str, Any], flow: tuple[list[Any], list[int], list[Any]],
        place: _Place, *, written: bool,
    ) -> None:  # fmt: skip
        given, inputs, outputs = flow
        values: list[float] = []
        if self.flow.any_left:
            values = list(numbers_in((args, kwargs), whole=name in FROM_NUMBERS or name in ARITHMETIC))
        back = self.flow.came_back(values)
        if inputs or back:
            self.add(name, given, [*inputs, *back], outputs, place, written=written)
        strange = values and not back and (inputs or name in FROM_NUMBERS)
        if strange and place.frame and not is_literal(values, place.frame):
            self.flow.stranger(name, [self._now(tensor) for tensor in outputs], place())

    def applied(self, frame: FrameType | None) -> None:
        """A custom function is about to be applied in ``frame``: the next node of autograd's graph is its own."""
        self._applied[torch.autograd._get_sequence_nr()] = spot(frame)  # noqa: SLF001  # the only name it has

    def add(
        self, name: str, given: list[Any], inputs: list[int], outputs: list[Any], place: _Place, *,
        written: bool = False,
    ) -> None:  # fmt: skip
        """One event for each kind of output."""
        for kind, group in itertools.groupby(outputs, lambda tensor: self._kind(name, given, tensor)):
            tensors, operation, told, region, where = list(group), name.partition(".")[0].strip("_"), "", 0, None
            if kind == "off":
                off = self.switches.why(place.frame)
                kind, told, region, where = off.kind, off.told, off.region, off.spot  # noqa: PLW2901
                operation = off.operation or operation
            nodes = [self._made(tensor, written=written) for tensor in tensors]
            own = [node for node in dict.fromkeys(inputs) if node not in nodes]
            settles = any(tensor.is_leaf and tensor.requires_grad for tensor in tensors)
            self.flow.add(operation, own, nodes, where or place(), kind, told=told, region=region, settles=settles)
            if written:
                for tensor, node in zip(tensors, nodes, strict=True):
                    self._spread(tensor, node, where or place())

    def _kind(self, name: str, given: list[torch.Tensor], output: torch.Tensor) -> str:
        """Why nothing comes back through this output, whatever went in; ``off`` where no graph is recorded."""
        if not (output.is_floating_point() or output.is_complex()):
            return rough_kind(name)
        connected = plain(output).grad_fn is not None
        if not torch.is_grad_enabled() and CUTS.get(name) != "new_tensor":
            return "off"
        if name in CUTS and not connected:
            return CUTS[name]
        live = not connected and any(plain(tensor).requires_grad for tensor in given if tensor is not output)
        return "nondifferentiable" if live else ""

    def _freeze(self, args: Any, kwargs: Mapping[str, Any], frame: FrameType) -> None:
        if args[1] if len(args) > 1 else kwargs.get("requires_grad", True):
            self._froze.pop(id(args[0]), None)
        else:
            self._froze[id(args[0])] = spot(frame)

    def froze(self, tensor: torch.Tensor) -> Spot:
        """The line that switched a tensor's gradient off, where it was seen."""
        return self._froze.get(id(tensor), NOWHERE)

    # ---- which node a tensor is

    def node_of(self, tensor: torch.Tensor) -> int | None:
        """The node that a tensor is now; None where it does not come from a parameter."""
        asleep, self.asleep = self.asleep, True
        try:
            return self._seen(tensor, _Place(None))
        finally:
            self.asleep = asleep

    def _find(self, tensor: torch.Tensor) -> _Known | None:
        known = self._known.get(id(tensor))
        return known if known is not None and known.tensor() is tensor else None

    def _seen(self, tensor: torch.Tensor, place: _Place) -> int | None:
        """The same for an input of a call, with what happened to it unseen."""
        tensor = plain(tensor)
        known = self._find(tensor)
        if tensor.is_leaf and tensor.requires_grad:
            self.frozen.pop(id(tensor), None)
            return self._leaf(tensor)
        if isinstance(tensor, nn.Parameter) and known is None:
            self.frozen.setdefault(id(tensor), self.froze(tensor))
            return None
        if tensor.grad_fn is not None and (known is None or not known.attached):
            self._attach(tensor, place)
        elif (base := self._newer_base(tensor, known)) is not None:
            kind = "" if tensor.grad_fn is not None or not base.attached else "detach"
            self.flow.add("view", [base.node or 0], [self._made(tensor)], place(), kind)
        elif known is None and self.flow.any_left and tensor.is_floating_point():
            self._from_outside(tensor, place)
        known = self._find(tensor)
        return known.node if known else None

    def _leaf(self, tensor: torch.Tensor) -> int:
        known = self._find(tensor)
        return self._made(tensor) if known is None or known.node is None else known.node

    def _now(self, tensor: torch.Tensor) -> int:
        """The node of an output, which may be one that comes from no parameter so far."""
        return self._leaf(plain(tensor))

    def _made(self, tensor: torch.Tensor, *, written: bool = False) -> int:
        """A node for what a tensor has become just now; a leaf that is written into stays what it is."""
        tensor = plain(tensor)
        known = self._find(tensor)
        if written and known and known.node is not None and tensor.is_leaf and tensor.requires_grad:
            return known.node
        function = tensor.grad_fn
        node = self.flow.node(connected=tensor.requires_grad)
        self._known[id(tensor)] = _Known(weakref.ref(tensor), node, function is not None, _version(tensor))
        if function is not None:
            self._graph.made(function, node)
        return node

    def _attach(self, tensor: torch.Tensor, place: _Place) -> None:
        """The tensor has a graph that nobody saw being made."""
        function = tensor.grad_fn
        edges = self._graph.above(function)
        inputs = list(dict.fromkeys(node for edge in edges for node in edge))
        where = self._applied.get(function._sequence_nr()) or place()  # noqa: SLF001  # the only name it has
        event = self.flow.add(type(function).__name__.removesuffix("Backward"), inputs, [self._made(tensor)], where)
        self._graph.watch(function, event, edges)

    def _from_outside(self, tensor: torch.Tensor, place: _Place) -> None:
        """The tensor has no graph: its numbers may be some that have left."""
        back = self.flow.came_back(tensor.reshape(-1)[:64].tolist())
        if back:
            self.flow.add("tensor", back, [self._made(tensor)], place())
        else:
            self._known[id(tensor)] = _Known(weakref.ref(tensor), None, attached=False, version=_version(tensor))

    # ---- memory that is written into

    def _written(self, name: str, given: list[Any], kwargs: Mapping[str, Any], output: Any) -> list[Any] | None:
        """The tensors that the call has written into."""
        if isinstance(kwargs.get("out"), torch.Tensor):
            return [kwargs["out"]]
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

    def _share(self, given: list[torch.Tensor], kind: str) -> None:
        for tensor in given[:1]:
            if start := _memory(tensor):
                self._shared.setdefault(start, (kind, weakref.ref(tensor)))
                if self._shared[start][1]() is None:
                    self._shared[start] = (kind, weakref.ref(tensor))

    def _spread(self, tensor: torch.Tensor, node: int, line: Spot) -> None:
        """What was written is seen in the tensor that this is a view of, or whose memory it shares."""
        base = tensor._base if tensor._is_view() else None  # noqa: SLF001
        if base is not None:
            kind = "" if base.requires_grad or not tensor.requires_grad else "detach"
            self.flow.add("view", [node], [self._made(base, written=True)], line, kind)
        kind, shared = self._shared.get(_memory(tensor), ("", None))
        if shared and (other := shared()) is not None and other is not tensor and other is not base:
            self.flow.add("write", [node], [self._made(other, written=True)], line, kind)


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else int(tensor._version)  # noqa: SLF001  # what counts changes in place


def _memory(tensor: torch.Tensor) -> int:
    """Where a tensor's numbers begin; 0 where it has none of its own, as a sparse one or one inside vmap."""
    try:
        return int(tensor.untyped_storage().data_ptr())
    except (RuntimeError, NotImplementedError):
        return 0
