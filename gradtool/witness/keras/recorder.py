"""Every layer that runs, in order, with its output as a tensor, so that the gradient can be asked for afterwards."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any

import keras
from keras.src import ops as keras_ops

from gradtool.evidence import SideLayer
from gradtool.witness.causes.patches import patch
from gradtool.witness.keras.layers import FUNCTIONS, Row, activation_layer, described, operation_layer, row_of
from gradtool.witness.keras.sources import Sources, layer_names, line_of
from gradtool.witness.model.user_file import user_line

__all__ = ["Recorder"]


class Recorder:
    """A context that keeps (layer, output tensor or None) of every call in ``calls``.

    ``names`` are those of the variables by ``id``. ``is_tensor`` tells floating-point tensors with numbers; ``places``
    are modules whose activation functions count as layers, beside those of Keras.
    """

    def __init__(
        self,
        model: Any,
        names: Mapping[int, str],
        sources: Sources,
        is_tensor: Callable[[Any], bool],
        places: Sequence[Any],
    ) -> None:
        self.calls: list[tuple[SideLayer, Any]] = []
        self._names, self._sources, self._is_tensor = names, sources, is_tensor
        self._layers = layer_names(model)
        self._places = [keras_ops, keras.ops, *places]
        self._stack: list[tuple[Any, Row | None]] = []
        self._known: set[int] = set()
        self._busy = False
        self._patches = ExitStack()

    def __enter__(self) -> Recorder:
        patch(self._patches, keras.layers.Layer, "__call__", self._layer_call)
        patch(self._patches, keras.Operation, "__call__", self._operation_call)
        for place in self._places:
            for name, known in FUNCTIONS.items():
                if hasattr(place, name):
                    patch(self._patches, place, name, functools.partial(self._function_call, known))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patches.close()

    def _inside(self) -> bool:
        """Whether a layer or a function is at work that counts as a whole."""
        return self._busy or any(row is not None for _, row in self._stack)

    # ---- layers

    def _layer_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807  # the name that tracebacks show
            row = None if isinstance(layer, keras.Model) else row_of(layer)
            inside, activation = self._inside(), getattr(layer, "activation", None)
            fused = bool(row and row.fused and not inside and activation not in (None, keras.activations.linear))
            before: list[Any] = []
            self._stack.append((layer, row))
            try:
                if fused:
                    layer.activation = self._activation(activation, before)
                output = own(layer, *args, **kwargs)
            finally:
                self._stack.pop()
                if fused:
                    layer.activation = activation
            if not inside:
                self._leave(layer, row, args, before, output, sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
            return output

        return __call__

    def _activation(self, function: Any, before: list[Any]) -> Callable[..., Any]:
        """A layer's own activation; ``before`` then holds what it got, and the layer that it counts as."""

        def activation(taken: Any, *args: Any, **kwargs: Any) -> Any:
            count, stack, self._stack = len(self.calls), self._stack, []
            try:
                output = function(taken, *args, **kwargs)
            finally:
                self._stack = stack
            seen = self.calls[count:]
            del self.calls[count:]
            name = getattr(function, "__name__", type(function).__name__)
            plain = SideLayer(name, "activation", name, {"function": FUNCTIONS.get(name, name)})
            before[:] = [taken, seen[-1][0] if seen else plain]
            return output

        return activation

    def _leave(
        self, layer: Any, row: Row | None, args: Any, before: Sequence[Any], output: Any, frame: FrameType
    ) -> None:
        """Note a layer that has run, and behind it the activation that made its output of what stood before."""
        own = (*layer._trainable_variables, *layer._non_trainable_variables)  # noqa: SLF001  # its own, none inside
        if isinstance(layer, keras.Model) or (row is None and not any(id(v) in self._names for v in own)):
            return
        name, first = self._layers.get(id(layer), layer.name), id(layer) not in self._known
        self._known.add(id(layer))
        source = line_of(self._sources, layer) or user_line(frame)  # where it was made stand its settings
        found = list(described(name, layer, row, self._names, source, first=first))
        self.calls += [(inner, None) for inner in found[:-1]]
        self._keep(found[-1], args, before[0] if before else output)
        if before:
            shown = before[1]
            self._keep(replace(shown, name=f"{name}/{shown.name.rpartition('/')[2]}", source=source), (), output)

    # ---- operations of functional models, and functions called in a layer of the user's own

    def _operation_call(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(operation: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if isinstance(operation, keras.layers.Layer) or self._inside():
                return own(operation, *args, **kwargs)
            output = self._quietly(own, operation, *args, **kwargs)
            layer = operation_layer(operation, args, output) if self._is_tensor(output) else None
            if layer is not None:
                source = line_of(self._sources, operation)
                self._keep(replace(layer, name=operation.name, source=source), args, output)
            return output

        return __call__

    def _function_call(self, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def function(*args: Any, **kwargs: Any) -> Any:
            if self._inside():
                return own(*args, **kwargs)
            output = self._quietly(own, *args, **kwargs)
            if self._is_tensor(output):
                layer = activation_layer(name, own, args, kwargs)
                owner = self._stack[-1][0] if self._stack else None
                source = user_line(sys._getframe(1)) or line_of(self._sources, owner)  # noqa: SLF001
                above = self._layers.get(id(owner), "")
                self._keep(replace(layer, name=f"{above}/{name}" if above else name, source=source), args, output)
            return output

        return function

    def _quietly(self, own: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call it, without looking at what it calls itself."""
        self._busy = True
        try:
            return own(*args, **kwargs)
        finally:
            self._busy = False

    def _keep(self, layer: SideLayer, args: Any, output: Any) -> None:
        tensor = next(self.tensors_in(output), None)
        taken = next((part for part in args if hasattr(part, "shape")), None)
        takes = [] if taken is None else [*map(int, taken.shape)]
        shape = () if tensor is None else tuple(map(int, tensor.shape))
        self.calls.append((replace(layer, takes=takes, shape=shape), tensor))

    def tensors_in(self, output: Any) -> Iterator[Any]:
        """Every floating-point tensor in nested tuples, lists and mappings, in their order."""
        if isinstance(output, Mapping):
            output = list(output.values())
        if isinstance(output, list | tuple):
            for part in output:
                yield from self.tensors_in(part)
        elif self._is_tensor(output):
            yield output
