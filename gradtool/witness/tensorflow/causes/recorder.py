"""Writes down what flowed where while a model or a program runs eagerly, with what the tapes took note of."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import record
from tensorflow.python.framework.ops import EagerTensor

from gradtool.witness.causes.events import Event, Flow
from gradtool.witness.causes.lines import Spot, spot
from gradtool.witness.tensorflow.causes.callers import spots, users_own, within
from gradtool.witness.tensorflow.causes.crossing import Crossing
from gradtool.witness.tensorflow.causes.doors import listening
from gradtool.witness.tensorflow.causes.listeners import hearing
from gradtool.witness.tensorflow.causes.nodes import Nodes, beside
from gradtool.witness.tensorflow.causes.operations import ASKING, FLAT, READING, SCORING, WRITING, kind_of, title_of

__all__ = ["Recorder"]


class Recorder:
    """A context in which every eager operation of this thread is written into ``flow``."""

    def __init__(self) -> None:
        self.flow = Flow()
        self.nodes, self._crossing = Nodes(self.flow), Crossing(self.flow)
        self.born: dict[int, Spot] = {}
        """Variables made meanwhile, by their first node, and where."""
        self.shapes: dict[int, Any] = {}
        """Their shapes."""
        self.opened: set[tuple[str, str]] = set()
        """File and function of everything that opened a tape."""
        self._asked: list[Any] = []
        """Variables that the compiled call under way reads."""
        self._late: dict[int, Event] = {}
        """By node: what a tape may still be told of, behind the callbacks."""
        self._outside: dict[int, tuple[Spot, ...]] = {}
        self._stretch, self._taped = 0, True
        """The number of the stretch in which no tape recorded, and whether one does."""
        self._paused = self._stops = False
        """Whether a tape is open and doesn't record; whether the operation under way is tf.stop_gradient."""
        self._deaf = False
        self._on = ExitStack()

    def __enter__(self) -> Recorder:
        with ExitStack() as stack:
            stack.enter_context(hearing(self._operation))
            stack.enter_context(listening(self))
            self._on = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on.close()

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """A time in which nothing is written down, as on the way back."""
        before, self._deaf = self._deaf, True
        try:
            yield
        finally:
            self._deaf = before

    def restart(self) -> None:
        """Forget everything that was written down."""
        self.flow = Flow()
        self.nodes, self._crossing = Nodes(self.flow), Crossing(self.flow)
        self.born, self.shapes, self._late, self._outside, self._asked = {}, {}, {}, {}, []

    # ---- nodes

    def _known(self, tensor: Any, frame: FrameType) -> int:
        """The node of an input; where it comes out of nothing, it is a variable, read just now, or numbers came in."""
        known = self.nodes.now(tensor)
        if known is not None:
            return known
        if tensor.dtype == tf.resource:
            return self.nodes.new(tensor, live=True)
        variable = next((one for one in self._asked if one.shape == tensor.shape and one.dtype == tensor.dtype), None)
        if variable is not None:
            self._asked = self._asked[self._asked.index(variable) + 1 :] or [variable]
            return self._read(variable.handle, tensor, frame)
        node = self.nodes.new(tensor, live=record.should_record_backprop([tensor]))
        self._crossing.used(tensor, node, frame)
        return node

    def _read(self, handle: Any, tensor: Any, frame: FrameType) -> int:
        before = self._stops
        self._stops = before or (not record.could_possibly_record() and within("stop_gradient", frame))
        live = self._stops or record.should_record_backprop([tensor])
        source = self._known(handle, frame)
        node = self.nodes.new(tensor, live=live)
        self._add("ReadVariableOp", [source], [node], frame, unwatched=not live).reads = True
        self._stops = before
        return node

    # ---- what is heard

    def _operation(
        self, kind: Any, inputs: Sequence[Any], _attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None
    ) -> Any:
        del op_name
        if self._deaf or graph is not None or not all(isinstance(one, EagerTensor) for one in inputs):
            return outputs
        operation = kind.decode() if isinstance(kind, bytes) else str(kind)
        frame = sys._getframe(1)  # noqa: SLF001  # the documented way to a caller
        if operation in READING:
            if outputs:
                self._read(inputs[0], outputs[0], frame)
        elif operation in WRITING:
            self._write(operation, inputs, frame)
        elif operation == "VarHandleOp":
            self.born[self.nodes.new(outputs[0], live=True)] = spot(frame)
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
            why = "" if live and operation not in FLAT else kind_of(operation, output.dtype)
            by_kind.setdefault(why, []).append(self.nodes.new(output, live=live))
        for why, nodes in by_kind.items():
            event = self._add(operation, sources, nodes, frame, why)
            event.scores = operation in SCORING
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
            kind, node = "assigned", self.nodes.new(handle, live=True)
        self.flow.add(title_of(operation), sources, [node], spot(frame), kind)

    def left(self, tensors: Sequence[Any], kind: str, operation: str, value: Any, frame: FrameType) -> None:
        """Numbers went out."""
        if self._deaf:
            return
        for tensor in tensors:
            if tensor.dtype not in (tf.resource, tf.string):
                self._crossing.left(self._known(tensor, frame), kind, operation, value, frame)

    def entered(self, value: Any, tensor: Any, frame: FrameType) -> None:
        """Numbers came in; where from is asked when they are used."""
        if self._deaf:
            return
        parts = [part for part in value if isinstance(part, EagerTensor)] if isinstance(value, list | tuple) else []
        if parts:
            sources = [self._known(part, frame) for part in parts]
            self.flow.add("tf.constant", sources, [self.nodes.new(tensor, live=False)], spot(frame), "new_tensor")
        else:
            self._crossing.entered(tensor, frame)

    def read(self, variable: Any) -> None:
        """A compiled call reads a variable, which the callbacks aren't told of."""
        if not self._deaf and not any(one is variable for one in self._asked):
            self._asked.append(variable)

    def recorded(self, operation: str, inputs: Sequence[Any], outputs: Sequence[Any], frame: FrameType) -> None:
        """A gradient apart from the operations takes the place of theirs; what they took besides gets none."""
        if self._deaf:
            return
        given = [one for one in inputs if isinstance(one, EagerTensor)]
        if not record.should_record_backprop(given):
            return
        sources = [self._known(one, frame) for one in given]
        for output in outputs:
            if not isinstance(output, EagerTensor) or not record.should_record_backprop([output]):
                continue
            node = self.nodes.of(output)
            if node is None:
                node = self.nodes.new(output, live=True)
            others = beside(self.flow, node, sources)
            self.flow.unmake(node)
            event = self.flow.add(operation, [*sources, *others], [node], spot(frame))
            event.stopped = frozenset(others)
            self._connect(node, output)

    def late(self, outputs: Sequence[Any]) -> None:
        """A tape was told of an operation that it had not been told of when it was heard."""
        for output in outputs or ():
            node = self.nodes.of(output) if isinstance(output, EagerTensor) else None
            if node is not None and record.should_record_backprop([output]):
                self._connect(node, output)

    def _connect(self, node: int, tensor: Any) -> None:
        self.nodes.connect(node, tensor)
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
