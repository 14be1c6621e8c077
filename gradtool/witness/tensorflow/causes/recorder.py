"""Writes down what flowed where while a model or a program runs eagerly, with what the tapes took note of."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import execute, record
from tensorflow.python.framework import op_callbacks, ops

from gradtool.witness.causes.events import COMMON, LOOKED_AT, Event, Flow
from gradtool.witness.causes.lines import Spot, spot
from gradtool.witness.tensorflow.causes.callers import literal, maker, spots, users_own, within
from gradtool.witness.tensorflow.causes.doors import anybody, listening
from gradtool.witness.tensorflow.causes.operations import ASKING, READING, WRITING, kind_of, title_of

__all__ = ["Recorder"]

EAGER = ops.EagerTensor
READ = title_of("ReadVariableOp")
_leaving = threading.Lock()


class Recorder:
    """A context in which every eager operation of this thread is written into ``flow``.

    Tensors are known by ``id`` while they live. Those that a tape took note of are kept until ``restart``, so that it
    can be asked about them; such a tape keeps their memory anyway.
    """

    def __init__(self) -> None:
        self.flow = Flow()
        self._nodes: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._versions: dict[int, list[int]] = {}
        """The nodes of every variable's handle, one for each value that it was given."""
        self._kept: dict[int, Any] = {}
        self._asked: list[Any] = []
        """Variables that the compiled call under way reads."""
        self.born: dict[int, Spot] = {}
        """Variables made meanwhile, by their first node, and where."""
        self.shapes: dict[int, Any] = {}
        """Their shapes."""
        self.opened: set[tuple[str, str]] = set()
        """File and function of everything that opened a tape."""
        self._late: dict[int, Event] = {}
        """By node: what a tape may still be told of, behind the callbacks."""
        self._outside: dict[int, tuple[Spot, ...]] = {}
        self._entered: dict[int, tuple[str, Spot]] = {}
        self._stretch, self._taped = 0, True
        """The number of the stretch in which no tape recorded, and whether one does."""
        self._paused = self._stops = False
        """Whether a tape is open and doesn't record; whether the operation under way is tf.stop_gradient."""
        self._deaf = False
        self._patches = ExitStack()

    def __enter__(self) -> Recorder:
        op_callbacks.add_op_callback(self._operation)
        self._patches.callback(self._leave)
        self._patches.enter_context(listening(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patches.close()

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """A time in which nothing is written down, as on the way back."""
        before, self._deaf = self._deaf, True
        try:
            yield
        finally:
            self._deaf = before

    def _leave(self) -> None:
        with _leaving:
            hears = execute.execute
            op_callbacks.remove_op_callback(self._operation)
            if anybody():  # removing the last callback of one thread makes those of all others deaf
                execute.execute = hears

    def restart(self) -> None:
        """Forget everything that was written down."""
        self.flow = Flow()
        for held in (
            self._nodes,
            self._versions,
            self._kept,
            self.born,
            self.shapes,
            self._late,
            self._outside,
            self._entered,
        ):
            held.clear()
        self._asked.clear()

    # ---- nodes

    def node(self, tensor: Any) -> int | None:
        """The node of a tensor, or of what a variable held when it was first read; None if it was never seen."""
        held = tensor.handle if isinstance(tensor, tf.Variable) else tensor
        known = self._nodes.get(id(held))
        if known is None or known[0]() is not held:
            return None
        read = (node for node in self._versions.get(id(held), ()) if self._is_read(node))
        return next(read, known[1])

    def _is_read(self, node: int) -> bool:
        return any(event.kind != "assigned" for event in self.flow.used_by(node))

    def tensor(self, node: int) -> Any:
        """What a tape took note of, by its node; None for everything else."""
        return self._kept.get(node)

    def _new(self, tensor: Any, *, live: bool) -> int:
        node = self.flow.node(connected=live)
        self._nodes[id(tensor)] = (weakref.ref(tensor), node)
        if tensor.dtype == tf.resource:
            self._versions.setdefault(id(tensor), []).append(node)
        if live:
            self._kept[node] = tensor
        return node

    def _known(self, tensor: Any, frame: FrameType) -> int:
        """The node of an input; where it comes out of nothing, it is a variable, read just now, or numbers came in."""
        known = self._nodes.get(id(tensor))
        if known is not None and known[0]() is tensor:
            return known[1]
        if tensor.dtype == tf.resource:
            return self._new(tensor, live=True)
        variable = next((one for one in self._asked if one.shape == tensor.shape and one.dtype == tensor.dtype), None)
        if variable is not None:
            self._asked = self._asked[self._asked.index(variable) + 1 :] or [variable]
            return self._read(variable.handle, tensor, frame)
        node = self._new(tensor, live=record.should_record_backprop([tensor]))
        self._came(tensor, node, frame)
        return node

    def _read(self, handle: Any, tensor: Any, frame: FrameType) -> int:
        before = self._stops
        self._stops = before or (not record.could_possibly_record() and within("stop_gradient", frame))
        live = self._stops or record.should_record_backprop([tensor])
        source = self._known(handle, frame)
        node = self._new(tensor, live=live)
        self._add("ReadVariableOp", [source], [node], frame, unwatched=not live)
        self._stops = before
        return node

    def _came(self, tensor: Any, node: int, frame: FrameType) -> None:
        if not self.flow.any_left or not tensor.dtype.is_floating:
            return
        numbers = _numbers(tensor._numpy())  # noqa: SLF001  # nobody is told
        operation, place = self._entered.pop(id(tensor), ("", None))
        place = place or spot(frame)
        outside = self.flow.came_back(numbers)
        if outside:
            self.flow.add(operation or "tf.convert_to_tensor", outside, [node], place)
            for event in (event for one in outside for event in self.flow.made_by(one)):
                if operation and event.spot == place and event.kind in ("numpy", "float"):
                    event.kind = "new_tensor"
        elif any(number not in COMMON for number in numbers) and not (len(numbers) == 1 and literal(numbers[0], frame)):
            self.flow.stranger(operation or "tf.convert_to_tensor", [node], place)

    # ---- what is heard

    def _operation(
        self, kind: Any, inputs: Sequence[Any], _attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None
    ) -> Any:
        del op_name
        if self._deaf or graph is not None or not all(isinstance(one, EAGER) for one in inputs):
            return outputs
        operation = kind.decode() if isinstance(kind, bytes) else str(kind)
        frame = sys._getframe(1)  # noqa: SLF001  # the documented way to a caller
        if operation in READING:
            if outputs:
                self._read(inputs[0], outputs[0], frame)
        elif operation in WRITING:
            self._write(operation, inputs, frame)
        elif operation == "VarHandleOp":
            self.born[self._new(outputs[0], live=True)] = spot(frame)
        elif operation not in ASKING:
            self._flowed(operation, inputs, outputs, frame)
        self._asked.clear()
        return outputs

    def _flowed(self, operation: str, inputs: Sequence[Any], outputs: Sequence[Any], frame: FrameType) -> None:
        self._stops = operation == "StopGradient"
        sources = [self._known(one, frame) for one in inputs]
        taping = record.could_possibly_record()
        by_kind: dict[str, list[int]] = {}
        for output in outputs:
            live = taping and record.should_record_backprop([output])
            why = "" if live else kind_of(operation, output.dtype)
            by_kind.setdefault(why, []).append(self._new(output, live=live))
        for why, nodes in by_kind.items():
            event = self._add(operation, sources, nodes, frame, why)
            self._late |= dict.fromkeys(nodes, event)
        self._stops = False

    def _add(
        self, operation: str, inputs: Iterable[int], outputs: Iterable[int], frame: FrameType, kind: str = "",
        *, unwatched: bool = False,
    ) -> Event:  # fmt: skip
        # While tf.stop_gradient runs nothing is recorded, whatever the tapes do otherwise.
        outside = not self._stops and not record.could_possibly_record()
        kind = kind or ("outside_tape" if outside else "not_watched" if unwatched else "")
        if outside and self._taped:
            self._stretch += 1
        self._taped = not outside
        region = self._stretch if outside else 0
        event = self.flow.add(title_of(operation), inputs, outputs, spot(frame), kind, region=region)
        event.lawful = kind == "stop_gradient" and not users_own(frame)
        if outside and not self._paused:
            self._outside[event.place] = spots(frame)
        return event

    def _write(self, operation: str, inputs: Sequence[Any], frame: FrameType) -> None:
        """A variable is given a value: what it held before is gone, and no gradient comes back through it."""
        handle, *values = inputs
        before = self._known(handle, frame)
        sources = [self._known(one, frame) for one in values if one.dtype.is_floating or one.dtype.is_complex]
        if not operation.startswith("AssignVariable"):
            sources.append(before)
        place = self.born.get(before)
        if place is not None and not self.flow.used_by(before) and not self.flow.made_by(before):
            kind, node = "recreated", before
            self.shapes[before] = values[0].shape
        else:
            kind, node = "assigned", self._new(handle, live=True)
        self.flow.add(title_of(operation), sources, [node], spot(frame), kind)

    def left(self, tensors: Sequence[Any], kind: str, operation: str, value: Any, frame: FrameType) -> None:
        """Numbers went out."""
        if self._deaf:
            return
        numbers = [] if value is None else _numbers(value)
        for tensor in tensors:
            if tensor.dtype not in (tf.resource, tf.string):
                self.flow.leave(operation, self._known(tensor, frame), spot(frame), kind, numbers)

    def entered(self, value: Any, tensor: Any, frame: FrameType) -> None:
        """Numbers came in; where from is asked when they are used."""
        if self._deaf:
            return
        parts = [part for part in value if isinstance(part, EAGER)] if isinstance(value, list | tuple) else []
        if parts:
            sources = [self._known(part, frame) for part in parts]
            self.flow.add("tf.constant", sources, [self._new(tensor, live=False)], spot(frame), "new_tensor")
        elif self.flow.any_left:
            self._entered[id(tensor)] = (maker(frame), spot(frame))

    def read(self, variable: Any) -> None:
        """A compiled call reads a variable, which the callbacks aren't told of."""
        if not self._deaf and not any(one is variable for one in self._asked):
            self._asked.append(variable)

    def recorded(self, operation: str, inputs: Sequence[Any], outputs: Sequence[Any], frame: FrameType) -> None:
        """A gradient apart from the operations takes the place of theirs; what they took besides gets none."""
        if self._deaf:
            return
        given = [one for one in inputs if isinstance(one, EAGER)]
        if not record.should_record_backprop(given):
            return
        sources = [self._known(one, frame) for one in given]
        for output in outputs:
            if not isinstance(output, EAGER) or not record.should_record_backprop([output]):
                continue
            node = self.node(output)
            if node is None:
                node = self._new(output, live=True)
            beside = self._beside(node, sources)
            self.flow.unmake(node)
            event = self.flow.add(operation, [*sources, *beside], [node], spot(frame))
            event.stopped = frozenset(beside)
            self._connect(node, output)

    def _beside(self, node: int, sources: Iterable[int]) -> list[int]:
        """What ``node`` is made of beside ``sources``."""
        inside: set[int] = set()
        pending = [*sources, *(above for one in sources for event in self.flow.made_by(one) for above in event.inputs
                               if event.operation == READ)]  # fmt: skip
        while pending:
            one = pending.pop()
            if one not in inside:
                inside.add(one)
                pending += [below for event in self.flow.used_by(one) for below in event.outputs]
        beside: dict[int, None] = {}
        pending, seen = [node], set(sources)
        while pending:
            one = pending.pop()
            if one in seen:
                continue
            seen.add(one)
            for above in (above for event in self.flow.made_by(one) for above in event.inputs):
                if above in inside:
                    pending.append(above)
                else:
                    beside[above] = None
        return list(beside)

    def late(self, outputs: Sequence[Any]) -> None:
        """A tape was told of an operation that it had not been told of when it was heard."""
        for output in outputs or ():
            node = self.node(output) if isinstance(output, EAGER) else None
            if node is not None and record.should_record_backprop([output]):
                self._connect(node, output)

    def _connect(self, node: int, tensor: Any) -> None:
        self._kept[node] = tensor
        self.flow.unconnected.discard(node)
        if event := self._late.pop(node, None):
            event.kind = ""

    def opened_tape(self, frame: FrameType) -> None:
        """A tape begins to record."""
        file, _, function = spot(frame)
        self.opened.add((file, function))
        self._paused = False

    def paused_tape(self, *, paused: bool) -> None:
        """A tape stops recording for a while, or goes on."""
        self._paused = paused

    # ---- what is asked afterwards

    def loss(self, tensor: Any) -> int:
        """The node of a loss, which may be a number that came in and was never used."""
        return self._known(tensor, sys._getframe(1))  # noqa: SLF001

    def spot_of(self, event: Event) -> Spot:
        """Where an operation stands; outside of the tape, where the function that opened the tape called for it."""
        outside = self._outside.get(event.place, ()) if event.kind == "outside_tape" else ()
        return next((one for one in outside if (one[0], one[2]) in self.opened), event.spot)


def _numbers(value: Any) -> list[float]:
    """The first numbers of whatever left or came in."""
    try:
        flat = np.asarray(value).reshape(-1)[:LOOKED_AT]
        return [float(number) for number in flat]
    except (TypeError, ValueError):  # no numbers
        return []
