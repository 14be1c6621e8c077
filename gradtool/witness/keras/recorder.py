"""Every layer that runs, in order, with its output as a tensor, so that the gradient can be asked for afterwards."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any

import keras
from keras.src import ops as keras_ops

from gradtool.evidence import SideLayer
from gradtool.witness.keras.layers import FUNCTIONS, Row, activation_layer, described, operation_layer, row_of
from gradtool.witness.model.user_file import user_line

__all__ = ["Recorder", "Sources", "layer_names", "made"]

Sources = dict[int, tuple[Any, str]]
"""The user's line on which each layer was made, by its ``id``."""


@contextmanager
def made() -> Iterator[Sources]:
    """A time in which the lines are noted on which layers, and operations of functional models, are made."""
    sources: Sources = {}

    def noting(own: Callable[..., None]) -> Callable[..., None]:
        def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807  # the name that tracebacks show
            own(layer, *args, **kwargs)
            frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the documented way to a caller
            while frame is not None and frame.f_locals.get("self") is layer:  # the constructors of its own class
                frame = frame.f_back
            sources[id(layer)] = (layer, user_line(frame))

        return __init__

    with ExitStack() as patches:
        for kind in (keras.Operation, keras.layers.Layer):
            patches.callback(setattr, kind, "__init__", kind.__init__)
            kind.__init__ = noting(kind.__init__)
        yield sources


def layer_names(model: Any) -> dict[int, str]:
    """The name of every layer inside by its ``id``: the names of the layers around it and its own."""
    found: dict[int, str] = {}

    def look(layer: Any, above: str) -> None:
        for child in layer._flatten_layers(recursive=False, include_self=False):  # noqa: SLF001  # its own children
            if id(child) not in found:
                found[id(child)] = f"{above}{child.name}"
                look(child, f"{above}{child.name}/")

    look(model, "")
    return found


class Recorder:
    """A context that keeps (layer, output tensor or None) of every call in ``calls``.

    ``is_tensor`` tells floating-point tensors with numbers; ``places`` are modules whose activation functions count
    as layers, beside those of Keras.
    """

    def __init__(
        self, model: Any, names: Mapping[int, str], sources: Sources, is_tensor: Callable[[Any], bool], places: list[Any]
    ) -> None:
        self.calls: list[tuple[SideLayer, Any]] = []
        self._names, self._sources, self._is_tensor = names, sources, is_tensor
        self._layers = layer_names(model)
        self._model = model
        self._places = [keras_ops, keras.ops, *places]
        self._stack: list[tuple[Any, Row | None]] = []
        self._known: set[int] = set()
        self._busy = False
        self._patches = ExitStack()

    def __enter__(self) -> Recorder:
        self._replace(keras.layers.Layer, "__call__", self._layer_call)
        self._replace(keras.Operation, "__call__", self._operation_call)
        for place in self._places:
            for name, known in FUNCTIONS.items():
                if hasattr(place, name):
                    self._replace(place, name, functools.partial(self._function_call, known))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patches.close()

    def _replace(self, place: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
        own = getattr(place, name)
        setattr(place, name, wrapper(own))
        self._patches.callback(setattr, place, name, own)

    def _inside(self) -> bool:
        """Whether a layer is at work that counts as a whole."""
        return self._busy or any(row is not None for _, row in self._stack)

    def _layer_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807  # the name that tracebacks show
            row = None if isinstance(layer, keras.Model) else row_of(layer)
            inside = self._inside()
            self._stack.append((layer, row))
            before, activation = [], getattr(layer, "activation", None)
            fused = bool(row and row.fused and not inside and activation is not keras.activations.linear and activation)
            try:
                if fused:
                    layer.activation = self._activation(activation, before)
                output = own(layer, *args, **kwargs)
            finally:
                self._stack.pop()
                if fused:
                    layer.activation = activation
            if not inside:
                self._leave(layer, row, args, before[0] if before else output, sys._getframe(1))  # noqa: SLF001
                if before:
                    name = self._layers.get(id(layer), layer.name)
                    shown = before[1]
                    self._keep(replace(shown, name=f"{name}/{shown.name}", source=self.calls[-1][0].source), (), output)
            return output

        return __call__

    def _activation(self, function: Any, before: list[Any]) -> Callable[..., Any]:
        """A layer's own activation, which is shown what it gets; ``before`` then holds that, and what it is."""

        def activation(taken: Any, *args: Any, **kwargs: Any) -> Any:
            count, stack = len(self.calls), self._stack
            self._stack = []
            try:
                output = function(taken, *args, **kwargs)
            finally:
                self._stack = stack
            seen = self.calls[count:]
            del self.calls[count:]
            name = getattr(function, "__name__", type(function).__name__)
            shown = seen[-1][0] if seen else SideLayer(name, "activation", name, {"function": FUNCTIONS.get(name, name)})
            before[:] = [taken, shown]
            return output

        return activation

    def _leave(self, layer: Any, row: Row | None, args: Any, output: Any, frame: FrameType) -> None:
        own = [v for v in (*layer._trainable_variables, *layer._non_trainable_variables) if id(v) in self._names]  # noqa: SLF001
        if (row is None and not own) or isinstance(layer, keras.Model):
            return
        name = self._layers.get(id(layer), layer.name)
        first = id(layer) not in self._known
        self._known.add(id(layer))
        found = list(described(name, layer, row, self._names, self._source(layer, frame), first))
        for inner in found[:-1]:
            self.calls.append((inner, None))
        self._keep(found[-1], args, output)

    def _source(self, layer: Any, frame: FrameType) -> str:
        """The line on which it was made, which says its settings; else that of the call."""
        return self._sources.get(id(layer), (None, ""))[1] or user_line(frame)

    def _operation_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(operation: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if isinstance(operation, keras.layers.Layer) or self._inside():
                return own(operation, *args, **kwargs)
            self._busy = True
            try:
                output = own(operation, *args, **kwargs)
            finally:
                self._busy = False
            layer = operation_layer(operation, args, output) if self._is_tensor(output) else None
            if layer is not None:
                self._keep(replace(layer, name=operation.name, source=self._sources.get(id(operation), (0, ""))[1]), args, output)
            return output

        return __call__

    def _function_call(self, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def function(*args: Any, **kwargs: Any) -> Any:
            if self._inside():
                return own(*args, **kwargs)
            self._busy = True
            try:
                output = own(*args, **kwargs)
            finally:
                self._busy = False
            if self._is_tensor(output):
                layer = activation_layer(name, own, args, kwargs)
                owner = self._layers.get(id(self._stack[-1][0]), "") if self._stack else ""
                source = user_line(sys._getframe(1)) or (self._sources.get(id(self._stack[-1][0]), (0, ""))[1] if self._stack else "")  # noqa: SLF001
                self._keep(replace(layer, name=f"{owner}/{name}" if owner else name, source=source), args, output)
            return output

        return function

    def _keep(self, layer: SideLayer, args: Any, output: Any) -> None:
        tensor = next(self.tensors_in(output), None)
        taken = next((part for part in args if hasattr(part, "shape")), None)
        takes = [] if taken is None else [*map(int, taken.shape)]
        shape = () if tensor is None else tuple(map(int, tensor.shape))
        self.calls.append((replace(layer, takes=takes, shape=shape), tensor))

    def tensors_in(self, output: Any) -> Iterator[Any]:
        """Every floating-point tensor in nested tuples, lists and mappings, in their order."""
        if isinstance(output, Mapping):
            for part in output.values():
                yield from self.tensors_in(part)
        elif isinstance(output, list | tuple):
            for part in output:
                yield from self.tensors_in(part)
        elif self._is_tensor(output):
            yield output
