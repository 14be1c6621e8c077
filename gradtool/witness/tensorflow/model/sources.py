"""The user's lines on which layers were made, and on which layers and variables were frozen."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, MutableMapping
from contextlib import ExitStack
from types import FrameType
from typing import Any

import keras

from gradtool.witness.causes.lines import NOWHERE, Spot, spot
from gradtool.witness.causes.patches import patch
from gradtool.witness.model.user_file import is_users, user_line
from gradtool.witness.tensorflow.model.parameters import tensor_of

__all__ = ["Sources"]


class Sources:
    """What is known of them. Layers that are gone are forgotten."""

    def __init__(self) -> None:
        self._made: MutableMapping[Any, str] = weakref.WeakKeyDictionary()
        self._frozen: dict[int, tuple[weakref.ref[Any], Spot]] = {}
        """By ``id``, the last one last."""

    def install(self, undo: ExitStack) -> None:
        """Take note of every layer from now on, until ``undo`` is closed."""
        for kind in (keras.layers.Layer, keras.Operation):  # these are the functions of functional models
            patch(undo, kind, "__init__", self._init)
        for kind in (keras.layers.Layer, keras.Variable):
            patch(undo, kind, "trainable", self._trainable)

    def made(self, layer: Any) -> str:
        """The line on which a layer was made; empty where that is not known."""
        return self._made.get(layer, "")

    def frozen(self, tensor: Any) -> Spot:
        """Where a variable was frozen last, by itself or with a layer around it, as far as is known."""
        for seen, place in reversed(self._frozen.values()):
            one = seen()
            variables = one.variables if isinstance(one, keras.layers.Layer) else [one]
            if any(tensor_of(variable) is tensor for variable in variables):
                return place
        return NOWHERE

    def _init(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807  # the name that tracebacks show
            own(layer, *args, **kwargs)
            frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the documented way to a caller
            while frame is not None and frame.f_locals.get("self") is layer:  # the constructors of its own class
                frame = frame.f_back
            if line := user_line(frame):
                self._made[layer] = line
            if kwargs.get("trainable") is False:
                self._froze(layer, frame)

        return __init__

    def _trainable(self, own: property) -> property:
        def trainable(one: Any, value: Any) -> None:
            self._frozen.pop(id(one), None)
            own.__set__(one, value)
            frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
            while frame is not None and frame.f_code.co_name == "__setattr__":  # Keras' own
                frame = frame.f_back
            # What Keras sets by itself follows from what the user set, on the layer around it or before.
            if not value and frame is not None and is_users(frame.f_code.co_filename):
                self._froze(one, frame)

        return property(own.fget, trainable, doc=own.__doc__)

    def _froze(self, one: Any, frame: FrameType | None) -> None:
        if (place := spot(frame)) != NOWHERE:
            self._frozen[id(one)] = weakref.ref(one), place
