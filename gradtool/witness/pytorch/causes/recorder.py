"""Writes down the data flow of everything that comes from a parameter, the edges that autograd loses included.

Tensors are known by weak references, and nodes of autograd's graph by their sequence numbers, so nothing is kept
alive. What the function mode does not see, such as a custom function's ``apply``, is read off autograd's own graph
when its output is used.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from gradtool.witness.causes.events import Flow
from gradtool.witness.causes.lines import NOWHERE, Spot, spot
from gradtool.witness.pytorch.causes.graph import plain
from gradtool.witness.pytorch.causes.nodes import Nodes, Place
from gradtool.witness.pytorch.causes.numbers import is_literal, numbers_in, tensors_in
from gradtool.witness.pytorch.causes.operations import (
    ARITHMETIC,
    CUTS,
    EXITS,
    FREEZES,
    FROM_NUMBERS,
    LIKE,
    UNRELATED,
    name_of,
    rough_kind,
)
from gradtool.witness.pytorch.causes.switches import Switches

__all__ = ["DataFlow"]


class DataFlow(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not typed here
    """A context in which what comes from parameters is written down in ``flow``, unless it is ``asleep``."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep, self._thread = False, 0
        self.switches = Switches()
        self.created: dict[int, Spot] = {}
        """The lines that made parameters, by ``id``."""
        self._froze: dict[int, Spot] = {}
        self.elsewhere: set[int] = set()
        """The parameters, by ``id``, of modules that another thread has called."""
        self.failed: dict[str, str] = {}
        """What could not be looked at: functions, with the reasons."""
        self.flow = Flow()
        self.nodes = Nodes(self.flow, self.froze)

    def clear(self) -> None:
        """Forget what was seen: a new iteration begins."""
        self.nodes.graph.close()
        self.flow = Flow()
        self.nodes = Nodes(self.flow, self.froze)

    def __enter__(self) -> DataFlow:
        self._thread = threading.get_ident()
        super().__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        self.nodes.graph.close()

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every function of tensors passes here."""
        output = function(*args, **(kwargs or {}))
        self.called(name_of(function), args, kwargs or {}, output, _caller())
        return output

    def called(self, name: str, args: Any, kwargs: Mapping[str, Any], output: Any, frame: FrameType) -> None:
        """Look at one call of a function, by its name, from ``frame``."""
        if self.asleep or not self._is_here():
            return
        self.asleep = True
        try:
            with torch._C.DisableTorchFunction():  # noqa: SLF001  # where a patch calls, the mode is on
                self._look(name, args, kwargs, output, frame)
        except Exception as error:  # noqa: BLE001  # the program goes on, whatever strange tensors it makes
            self.failed.setdefault(name, f"{type(error).__name__}: {error}")
        finally:
            self.asleep = False

    def _is_here(self) -> bool:
        """Whether this is the thread in which the program is looked at."""
        return threading.get_ident() == self._thread

    def module(self, module: nn.Module) -> None:
        """A module is called, in whatever thread."""
        if not self._is_here():
            self.elsewhere |= {id(parameter) for parameter in module.parameters(recurse=False)}

    def applied(self, frame: FrameType | None) -> None:
        """A custom function is about to be applied in ``frame``: the next node of autograd's graph is its own."""
        if self._is_here():
            self.nodes.applied[torch.autograd._get_sequence_nr()] = spot(frame)  # noqa: SLF001  # the only name it has

    def inferring(self, frame: FrameType, *, on: bool) -> None:
        """A block of inference mode begins or ends."""
        if self._is_here():
            self.switches.opened("inference_mode", frame) if on else self.switches.closed()

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
            given, place = list(tensors_in((args, kwargs))), Place(frame)
            written = self.nodes.written(name, given, kwargs.get("out"), output)
            outputs = written or [t for t in tensors_in(output) if not any(t is own for own in given)]
            graph = name == "grad" and kwargs.get("create_graph", args[4] if len(args) > 4 else False)
            if graph or name in UNRELATED or not (outputs or name in EXITS):
                return
            if name in LIKE:
                given = given[1:]
            inputs = [node for tensor in given if (node := self.nodes.seen(tensor, place)) is not None]
            if name in EXITS:
                for node in inputs[:1]:
                    numbers = numbers_in(output, whole=True)
                    left = self.flow.leave(name.strip("_"), node, place(), EXITS[name], numbers)
                    left.lawful = not place.is_own()
                return
            if name in CUTS and written is None:
                self.nodes.share(given, CUTS[name])
            self._computed(name, args, kwargs, (given, inputs, outputs), place, written=bool(written))

    def _computed(
        self, name: str, args: Any, kwargs: Mapping[str, Any], flow: tuple[list[Any], list[int], list[Any]],
        place: Place, *, written: bool,
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
            self.flow.stranger(name, [self.nodes.now(tensor) for tensor in outputs], place())

    def add(
        self, name: str, given: list[Any], inputs: list[int], outputs: list[Any], place: Place, *,
        written: bool = False,
    ) -> None:  # fmt: skip
        """One event for each kind of output."""
        for kind, group in itertools.groupby(outputs, lambda tensor: self._kind(name, given, tensor)):
            tensors, operation, told, region, where = list(group), name.partition(".")[0].strip("_"), "", 0, None
            own_code = not kind or place.is_own()
            if name == "grad":
                kind = "first_order"  # noqa: PLW2901
            if kind == "off":
                off = self.switches.why(place.frame)
                kind, told, region, where = off.kind, off.told, off.region, off.spot  # noqa: PLW2901
                operation, own_code = off.operation or operation, off.own
            nodes = [self.nodes.made(tensor, written=written) for tensor in tensors]
            own = [node for node in dict.fromkeys(inputs) if node not in nodes]
            event = self.flow.add(operation, own, nodes, where or place(), kind, told=told, region=region)
            event.settles = any(
                tensor.is_leaf and (tensor.requires_grad or isinstance(tensor, nn.Parameter)) for tensor in tensors
            )
            event.scores = _scores(place.frame)
            event.lawful = not own_code
            if written:
                for tensor, node in zip(tensors, nodes, strict=True):
                    self.nodes.spread(tensor, node, where or place())

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
            return self.nodes.seen(tensor, Place(None))
        finally:
            self.asleep = asleep


def _scores(frame: FrameType | None) -> bool:
    """Whether a distribution computes a log-probability in this frame."""
    while frame is not None and "torch/distributions/" in frame.f_code.co_filename:
        if frame.f_code.co_name == "log_prob":
            return True
        frame = frame.f_back
    return False


def _caller() -> FrameType:
    """Who called the function that is looked at; other modes of ours, which may be on as well, stand in between."""
    frame = sys._getframe(2)  # noqa: SLF001  # the way to a caller
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("gradtool."):
        frame = frame.f_back
    return frame
