"""The user's line on which an operation was called; for what Keras calls by itself, that on which it was made."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import CodeType, FrameType

import keras

from gradtool.witness.causes.lines import Spot, spot
from gradtool.witness.model.user_file import is_users
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["place"]

_GRAPH: CodeType = keras.Function._run_through_graph.__code__  # noqa: SLF001  # calls the layers of functional models


def place(frame: FrameType | None, sources: Sources, ends: Collection[CodeType] = ()) -> Spot | None:
    """The innermost of the user's frames, or the line that made the layer that a functional model called inside it.

    None if the stack comes to one of ``ends`` first: what is called there is not called from where the user stands.
    """
    while frame is not None:
        code = frame.f_code
        if is_users(code.co_filename):
            return spot(frame)
        if code in ends:
            return None
        if code is _GRAPH and (made := _made(frame, sources)):
            return made
        frame = frame.f_back
    return spot(None)


def _made(frame: FrameType, sources: Sources) -> Spot | None:
    """Where the layer that a functional model is calling was made, where that is known."""
    node = frame.f_locals.get("node")
    source = "" if node is None else sources.made(node.operation)
    name, _, number = source.rpartition(":")
    return (str(Path.cwd() / name), int(number), "") if name else None
