"""Looks on while a model runs under a tape: every layer's output, and afterwards the gradient by it.

``Layer.__call__`` is replaced while the recorder is entered, so the same recorder serves a model that we run and the
user's own script; so are TensorFlow's activation functions and the losses. Outputs are remembered until the tape has
been asked for their gradients, in the same call that asks for those of the variables.
"""

from __future__ import annotations

import functools
import math
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradtool.evidence import Head, Layer
from gradtool.witness.model.user_file import user_line
from gradtool.witness.tensorflow.model.activations import FUNCTIONS, Activation, activation_of, dead_units
from gradtool.witness.tensorflow.model.head import FUNCTIONS as LOSSES
from gradtool.witness.tensorflow.model.head import head_seen
from gradtool.witness.tensorflow.model.statistics import Figures, figures, numbers

__all__ = ["Recorder", "Sources", "no_sources", "tensors_in"]

Sources = MutableMapping[Any, str]
"""The user's line on which each layer was first called; in a functional model, where it was put into it."""


def no_sources() -> Sources:
    """Nothing known yet. Layers that are gone are forgotten."""
    return weakref.WeakKeyDictionary()


_NONE = Activation("")


@dataclass(slots=True)
class _Seen:
    """One layer, or one function called inside a layer, over all of its calls."""

    kind: str
    place: int
    inner: bool
    source: str
    layer: Any = None
    activation: Activation | None = None
    calls: int = 0
    shape: tuple[int, ...] = ()
    forward: list[Figures] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    dead: np.ndarray[Any, Any] | None = None
    saturated: float = 0.0
    samples: int = 0
    axis: int = 0
    nonfinite: int = 0


@dataclass(slots=True)
class _Waiting:
    """An output whose gradient is still to come; ``hidden`` are the logits that Keras' losses read in its place."""

    tensor: Any
    hidden: Any
    figures: Figures
    seen: list[_Seen]


class Recorder:
    """A context in which layers are looked at while ``looking`` is True. ``layers`` gives the figures afterwards."""

    def __init__(self, sources: Sources | None = None, *, looking: bool = True) -> None:
        self.looking = looking
        self.final = ""
        """The activation of the last layer that ran, if it is one."""
        self.head: Head | None = None
        """What the last loss was given."""
        self._sources = no_sources() if sources is None else sources
        self._layers: dict[int, tuple[Any, _Seen]] = {}
        self._functions: dict[tuple[int, str, str], _Seen] = {}
        self._stack: list[Any] = []
        self._waiting: dict[int, _Waiting] = {}
        self._in_loss = False
        self._patches = ExitStack()

    def __enter__(self) -> Recorder:
        self._replace(keras.layers.Layer, "__call__", self._layer_call)
        self._replace(keras.losses.Loss, "__call__", self._loss_call)
        for (place, name), title in FUNCTIONS.items():
            self._replace(place, name, functools.partial(self._activation_call, title))
        for (place, name), title in LOSSES.items():
            self._replace(place, name, functools.partial(self._loss_function_call, title))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patches.close()

    def _replace(self, place: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
        own = getattr(place, name)
        setattr(place, name, wrapper(own))
        self._patches.callback(setattr, place, name, own)

    # ---- what happens while the model runs

    def _layer_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807  # the name that tracebacks show
            if layer not in self._sources and (line := user_line(sys._getframe(1))):  # noqa: SLF001  # a caller
                self._sources[layer] = line
            if not self.looking:
                return own(layer, *args, **kwargs)
            self._stack.append(layer)
            try:
                output = own(layer, *args, **kwargs)
            finally:
                self._stack.pop()
            self._leave_layer(layer, output)
            return output

        return __call__

    def _leave_layer(self, layer: Any, output: Any) -> None:
        tensor = next(tensors_in(output), None)
        if tensor is None:
            return
        if id(layer) not in self._layers:
            inner = any(part is not layer for part in layer._flatten_layers())  # noqa: SLF001  # Keras shows only models'
            row = _Seen(
                type(layer).__name__, self._next(), inner, self._sources.get(layer, ""), layer, activation_of(layer)
            )
            self._layers[id(layer)] = (layer, row)
        self._look(self._layers[id(layer)][1], tensor)

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
        new = _Seen(title, self._next(), False, source, None, Activation.of(title, axis))
        self._look(self._functions.setdefault((id(owner), title, source), new), tensor)

    def _loss_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(loss: Any, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            with _Inside(self, loss, y_true, y_pred, logits=False):
                return own(loss, y_true, y_pred, *args, **kwargs)

        return __call__

    def _loss_function_call(self, title: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def loss(*args: Any, **kwargs: Any) -> Any:
            goals = args[0] if args else kwargs.get("labels", kwargs.get("y_true"))
            output = args[1] if len(args) > 1 else kwargs.get("logits", kwargs.get("y_pred"))
            with _Inside(self, title, goals, output, logits=bool(kwargs.get("from_logits"))):
                return own(*args, **kwargs)

        return loss

    def enter_loss(self, loss: Any, targets: Any, output: Any, *, logits: bool) -> bool:
        """Look at what a loss is given, and say whether it is one that another loss has called."""
        inside, self._in_loss = self._in_loss, True
        if self.looking and not inside:
            made_by = [one for one in self._made_by(output) if not one.inner]
            final = (made_by[-1].activation or _NONE).name if made_by else self.final
            self.head = head_seen(loss, final, targets, output, logits=logits) or self.head
        return inside

    def _made_by(self, output: Any) -> list[_Seen]:
        """The layers whose output this very tensor is."""
        waiting = self._waiting.get(id(output))
        return waiting.seen if waiting is not None else []

    def leave_loss(self, inside: bool) -> None:
        """The end of what ``enter_loss`` began."""
        self._in_loss = inside

    def _next(self) -> int:
        return len(self._layers) + len(self._functions)

    def _look(self, seen: _Seen, tensor: Any) -> None:
        """Keep the figures of an output; a container hands on the very tensor of its last child, read once."""
        seen.calls += 1
        if not seen.inner:
            self.final = seen.activation.name if seen.activation else ""
        seen.shape = tuple(tensor.shape)
        seen.samples = max(seen.samples, seen.shape[0] if seen.shape else 1)
        values = numbers(tensor)
        waiting = self._waiting.get(id(tensor))
        if waiting is None:
            waiting = _Waiting(tensor, getattr(tensor, "_keras_logits", None), figures(values), [])
            self._waiting[id(tensor)] = waiting
        waiting.seen.append(seen)
        seen.forward.append(waiting.figures)
        if not math.isfinite(waiting.figures.norm):
            seen.nonfinite += int(values.size - np.isfinite(values).sum())
        if seen.activation is not None and values.size:
            self._judge(seen, seen.activation, values.reshape(seen.shape))

    def _judge(self, seen: _Seen, row: Activation, value: np.ndarray[Any, Any]) -> None:
        seen.axis = value.shape[row.axis] if row.axis is not None and value.ndim else 0
        if row.flat is not None:
            low, high = row.flat
            seen.saturated = max(seen.saturated, float(((value <= low) | (value >= high)).mean()))
        if row.dies:
            silent = dead_units(value, seen.layer)
            seen.dead = silent if seen.dead is None or seen.dead.shape != silent.shape else seen.dead & silent

    # ---- the way back

    def outputs(self) -> list[Any]:
        """The tensors whose gradient the tape is to be asked for; ``take`` wants them in the same order."""
        waiting = list(self._waiting.values())
        return [one.tensor for one in waiting] + [one.hidden for one in waiting if one.hidden is not None]

    def take(self, gradients: Sequence[Any]) -> None:
        """The gradients of ``outputs``; several losses may each give theirs."""
        waiting = list(self._waiting.values())
        hidden = iter(gradients[len(waiting) :])
        for one, gradient in zip(waiting, gradients, strict=False):
            instead = next(hidden) if one.hidden is not None else None
            found = instead if gradient is None else gradient
            if found is not None:
                norm = figures(numbers(found)).norm
                for seen in one.seen:
                    seen.gradients.append(norm)

    def release(self) -> None:
        """Let go of the outputs, whose figures stay."""
        self._waiting = {}

    def clear(self) -> None:
        """Forget what was seen: a new iteration begins."""
        self._layers, self._functions, self._waiting = {}, {}, {}

    # ---- what is told afterwards

    def layers(self, names: Mapping[int, str]) -> list[Layer]:
        """The layers in the order of execution; ``names`` are theirs by ``id``.

        The model itself, whose name is empty, ends where its last layer does, and is left out unless it is a layer.
        """
        rows = [(names.get(key, layer.name), seen) for key, (layer, seen) in self._layers.items()]
        rows = [(name, seen) for name, seen in rows if name or not seen.inner]
        for (owner, _, _), seen in self._functions.items():
            prefix = names.get(owner, "")
            rows.append((f"{prefix}/{seen.kind}" if prefix else seen.kind, seen))
        return sorted((_layer(name, seen) for name, seen in rows), key=lambda layer: layer.place)


class _Inside:
    """The time inside a loss: what other losses and activations do there is its own business."""

    def __init__(self, recorder: Recorder, loss: Any, targets: Any, output: Any, *, logits: bool) -> None:
        self._recorder, self._given, self._logits = recorder, (loss, targets, output), logits
        self._outer = type(loss).__name__ == "CompileLoss"  # Keras' list of losses, each called with its own output

    def __enter__(self) -> None:
        if not self._outer:
            self._before = self._recorder.enter_loss(*self._given, logits=self._logits)

    def __exit__(self, *_: object) -> None:
        if not self._outer:
            self._recorder.leave_loss(self._before)


def _tells_itself(layer: Any) -> bool:
    """Whether the layer's class says what its activation is, so that the functions inside are not looked at."""
    own = type(layer).__module__.startswith("keras.") and not isinstance(layer, keras.Model)
    return own or activation_of(layer) is not None


def _layer(name: str, seen: _Seen) -> Layer:
    count = max(math.prod(seen.shape), 1)
    rms = [one.norm / count**0.5 for one in seen.forward]
    several = seen.calls > 1
    return Layer(
        name=name or seen.kind,
        kind=seen.kind,
        place=seen.place,
        calls=seen.calls,
        shape=seen.shape,
        inner=seen.inner,
        rms=_largest(rms),
        least=min((one.least for one in seen.forward), default=0.0),
        largest=_largest([one.largest for one in seen.forward]),
        nonfinite=seen.nonfinite,
        gradient=_largest(seen.gradients) if seen.gradients else None,
        activation=seen.activation.name if seen.activation else "",
        units=0 if seen.dead is None else seen.dead.size,
        dead=0 if seen.dead is None else int(seen.dead.sum()),
        samples=seen.samples,
        saturated=seen.saturated,
        axis=seen.axis,
        source=seen.source,
        first_rms=rms[0] if several and rms else None,
        last_gradient=seen.gradients[-1] if several and seen.gradients else None,
    )


def _largest(values: Sequence[float]) -> float:
    """The largest; NaN if one of them is."""
    return math.nan if any(map(math.isnan, values)) else max(values, default=0.0)


def tensors_in(output: Any) -> Iterator[Any]:
    """Every floating-point tensor with numbers in nested tuples, lists and mappings, in their order."""
    if isinstance(output, tf.Tensor):
        if output.dtype.is_floating and not tf.is_symbolic_tensor(output):
            yield output
    elif isinstance(output, Mapping):
        for part in output.values():
            yield from tensors_in(part)
    elif isinstance(output, list | tuple):
        for part in output:
            yield from tensors_in(part)
