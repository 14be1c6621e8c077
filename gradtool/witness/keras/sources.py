"""What layers are called, and the user's lines on which they were made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

import keras

from gradtool.witness.causes.patches import patch
from gradtool.witness.model.user_file import user_line

__all__ = ["Sources", "layer_names", "line_of", "made"]

Sources = dict[int, tuple[Any, str]]
"""The line on which each layer or operation was made, by its ``id``, and what has it, so that the ``id`` stays its."""


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
            patch(patches, kind, "__init__", noting)
        yield sources


def line_of(sources: Sources, layer: Any) -> str:
    """The line on which a layer was made; empty where that is not known."""
    return sources.get(id(layer), (None, ""))[1]


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
