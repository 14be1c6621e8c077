"""The user's line on which each layer was made."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, MutableMapping
from types import FrameType
from typing import Any

from gradtool.witness.model.user_file import user_line

__all__ = ["Sources", "made", "no_sources"]

Sources = MutableMapping[Any, str]
"""The lines, by layer."""


def no_sources() -> Sources:
    """Nothing known yet. Layers that are gone are forgotten."""
    return weakref.WeakKeyDictionary()


def made(sources: Sources, own: Callable[..., Any]) -> Callable[..., Any]:
    """A constructor of layers that writes its caller into ``sources``."""

    def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807  # the name that tracebacks show
        own(layer, *args, **kwargs)
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the documented way to a caller
        while frame is not None and frame.f_locals.get("self") is layer:  # the constructors of its own class
            frame = frame.f_back
        if line := user_line(frame):
            sources[layer] = line

    return __init__
