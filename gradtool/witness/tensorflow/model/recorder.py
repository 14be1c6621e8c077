"""Looks on while a model runs under a tape: every layer's output, and afterwards the gradient by it.

``Layer.__call__`` is replaced while the recorder is entered, so the same recorder serves a model that we run and the
user's own script; so are TensorFlow's activation functions and the losses. Outputs are remembered until the tape has
been asked for their gradients, in the same call that asks for those of the variables.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Any

import keras
from tensorflow.python.framework.ops import EagerTensor
from tensorflow.python.ops import gen_array_ops

from gradtool.evidence import Head, Layer
from gradtool.witness.causes.patches import patch
from gradtool.witness.model.seen import Seen, told_apart
from gradtool.witness.model.user_file import user_line
from gradtool.witness.tensorflow.causes.callers import users_own
from gradtool.witness.tensorflow.model.activations import FUNCTIONS, activation_of, known_activation
from gradtool.witness.tensorflow.model.head import DIFFERENCES, head_seen, pairs_seen
from gradtool.witness.tensorflow.model.head import FUNCTIONS as LOSSES
from gradtool.witness.tensorflow.model.outputs import Outputs, tensors_in
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["Recorder"]

CUTTING = ((gen_array_ops, "stop_gradient"), (EagerTensor, "numpy"), (EagerTensor, "__float__"))
"""What may cut a path; whether one is missing is looked at afterwards, if anything of this was called."""


class Recorder:
    """A context in which layers are looked at while ``looking`` is True. ``layers`` gives the figures afterwards."""

    def __init__(self, sources: Sources | None = None, *, looking: bool = True) -> None:
        self.looking = looking
        self.head: Head | None = None
        """What the last loss was given."""
        self.cut = False
        """Whether tf.stop_gradient was called, or numbers left TensorFlow by ``.numpy()`` or ``float()``."""
        self.sources = Sources() if sources is None else sources
        self.outputs = Outputs()
        self._layers: dict[int, tuple[Any, Seen]] = {}
        self._outside: dict[int, tuple[Any, Seen]] = {}
        """Layers that ran while nobody looked, as those outside every tape; no figures are taken of them."""
        self._functions: dict[tuple[int, str, str], Seen] = {}
        self._stack: list[Any] = []
        self._in_loss = False
        self._patches = ExitStack()

    def __enter__(self) -> Recorder:
        self.sources.install(self._patches)
        patch(self._patches, keras.layers.Layer, "__call__", self._layer_call)
        patch(self._patches, keras.losses.Loss, "__call__", self._loss_call)
        for (place, name), title in FUNCTIONS.items():
            patch(self._patches, place, name, functools.partial(self._activation_call, title))
        for (place, name), title in LOSSES.items():
            patch(self._patches, place, name, functools.partial(self._loss_function_call, title))
        for place, name in CUTTING:
            patch(self._patches, place, name, self._cutting_call)
        for place, name in DIFFERENCES:
            patch(self._patches, place, name, self._difference_call)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patches.close()

    # ---- what happens while the model runs

    def _layer_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807  # the name that tracebacks show
            if not self.looking:
                output = own(layer, *args, **kwargs)
                if next(tensors_in(output), None) is not None and id(layer) not in self._outside:
                    self._outside[id(layer)] = (layer, self._new(layer, sys._getframe(1)))  # noqa: SLF001
                return output
            self._stack.append(layer)
            try:
                output = own(layer, *args, **kwargs)
            finally:
                self._stack.pop()
            self._leave_layer(layer, output, sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
            return output

        return __call__

    def _leave_layer(self, layer: Any, output: Any, frame: FrameType) -> None:
        tensor = next(tensors_in(output), None)
        if tensor is None:
            return
        if id(layer) not in self._layers:
            self._layers[id(layer)] = (layer, self._new(layer, frame))
        self.outputs.look(self._layers[id(layer)][1], tensor)

    def _new(self, layer: Any, frame: FrameType) -> Seen:
        inner = any(part is not layer for part in layer._flatten_layers())  # noqa: SLF001  # Keras shows only models'
        source = self._source(layer, frame)
        channels_from = 3 if getattr(layer, "data_format", None) == "channels_first" else math.inf
        return Seen(type(layer).__name__, self._next(), inner, source, activation_of(layer), channels_from)

    def _source(self, layer: Any, frame: FrameType) -> str:
        """The line in the user's ``call``; where Keras calls the layer, that on which it was made."""
        by_keras = bool(self._stack) and type(self._stack[-1]).__module__.startswith("keras.")
        return (not by_keras and user_line(frame)) or self.sources.made(layer) or user_line(frame)

    def _activation_call(self, title: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def activation(*args: Any, **kwargs: Any) -> Any:
            output = own(*args, **kwargs)
            if self.looking and not self._in_loss and not (self._stack and _tells_itself(self._stack[-1])):
                axis = kwargs.get("axis", args[1] if len(args) > 1 else None)
                self._function(title, axis, output, sys._getframe(1))  # noqa: SLF001
            return output

        return activation

    def _function(self, title: str, axis: Any, output: Any, frame: FrameType) -> None:
        tensor = next(tensors_in(output), None)
        if tensor is None:
            return
        source = user_line(frame)
        owner = self._stack[-1] if self._stack else None
        new = Seen(title, self._next(), False, source, known_activation(title, axis))
        self.outputs.look(self._functions.setdefault((id(owner), title, source), new), tensor)

    def _loss_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(loss: Any, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            with self._inside(loss, y_true, y_pred):
                return own(loss, y_true, y_pred, *args, **kwargs)

        return __call__

    def _loss_function_call(self, title: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def loss(*args: Any, **kwargs: Any) -> Any:
            goals = args[0] if args else kwargs.get("labels", kwargs.get("y_true"))
            output = args[1] if len(args) > 1 else kwargs.get("logits", kwargs.get("y_pred"))
            with self._inside(title, goals, output, logits=bool(kwargs.get("from_logits"))):
                return own(*args, **kwargs)

        return loss

    @contextmanager
    def _inside(self, loss: Any, targets: Any, output: Any, *, logits: bool = False) -> Iterator[None]:
        """The time inside a loss: what other losses and activations do there is its own business."""
        if type(loss).__name__ == "CompileLoss":  # Keras' list of losses, each of them called with its own output
            yield
            return
        inside, self._in_loss = self._in_loss, True
        if self.looking and not inside and not (self.head and self.head.source):
            self.head = head_seen(loss, self.outputs.activation_of(output), targets, output, logits=logits) or self.head
        try:
            yield
        finally:
            self._in_loss = inside

    def _difference_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def difference(*args: Any, **kwargs: Any) -> Any:
            # What a layer subtracts is the model's own business; what learns nothing may be a loss.
            if self.looking and not any(layer.trainable_variables for layer in self._stack):
                source = user_line(sys._getframe(1))  # noqa: SLF001
                self.head = (source and pairs_seen(args, self.outputs.activation_of, source)) or self.head
            return own(*args, **kwargs)

        return difference

    def _cutting_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def cutting(*args: Any, **kwargs: Any) -> Any:
            if self.looking and not self.cut:
                self.cut = users_own(sys._getframe(1))  # noqa: SLF001
            return own(*args, **kwargs)

        return cutting

    def _next(self) -> int:
        return len(self._layers) + len(self._functions) + len(self._outside)

    # ---- what is told afterwards

    def ran(self) -> list[Any]:
        """The layers that ran, those inside another after it: what is asked of all ends at the innermost."""
        return [layer for layer, _ in self._layers.values()][::-1]

    def places(self) -> dict[int, int]:
        """The turn of each layer that ran, by its ``id``."""
        return {key: seen.place for key, (_, seen) in self._layers.items()}

    def outside(self, names: Mapping[int, str]) -> list[Layer]:
        """The layers called ``names`` that ran only while nobody looked."""
        return [seen.layer_record(names[key]) for key, (_, seen) in self._outside.items() if key in names]

    def clear(self) -> None:
        """Forget what was seen: a new iteration begins."""
        self._layers, self._functions, self.cut = {}, {}, False
        self.outputs.release()

    def layers(self, names: Mapping[int, str]) -> list[Layer]:
        """The layers in the order of execution; ``names`` are theirs by ``id``.

        The model itself, whose name is empty, ends where its last layer does, and is left out unless it is a layer.
        """
        rows = [(names.get(key, layer.name), seen) for key, (layer, seen) in self._layers.items()]
        rows = [(name, seen) for name, seen in rows if name or not seen.inner]
        for (owner, _, _), seen in self._functions.items():
            prefix = names.get(owner, "")
            rows.append((f"{prefix}/{seen.kind}" if prefix else seen.kind, seen))
        return sorted((seen.layer_record(name) for name, seen in told_apart(rows)), key=lambda layer: layer.place)


def _tells_itself(layer: Any) -> bool:
    """Whether the layer's class says what its activation is, so that the functions inside are not looked at."""
    own = type(layer).__module__.startswith("keras.") and not isinstance(layer, keras.Model)
    return own or activation_of(layer) is not None
