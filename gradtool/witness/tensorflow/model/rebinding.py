"""Variables in whose place a loop has put plain tensors, as ``w = w - rate * gradient`` does."""

from __future__ import annotations

import ast
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import Incident
from gradtool.witness.model.frames import names_of_values
from gradtool.witness.model.user_file import line_of, user_frame

__all__ = ["Rebinding"]


class Rebinding:
    """What each line asks gradients by: a variable first, and in its place a tensor that no tape watches."""

    def __init__(self) -> None:
        self._asked: dict[str, list[tuple[Any, Any] | None]] = {}
        """By the line: shape and dtype of the variables, None in the place of everything else."""
        self._watched: dict[int, weakref.ref[Any]] = {}

    def watch(self, tensors: Any) -> None:
        """A tape is told to watch these."""
        self._watched |= {id(one): weakref.ref(one) for one in tf.nest.flatten(tensors) if isinstance(one, tf.Tensor)}

    def look(self, sources: Sequence[Any], frame: FrameType | None) -> Incident | None:
        """What became of a variable, before a gradient by ``sources`` is taken; None where nothing did."""
        own = user_frame(frame)
        line = "" if own is None else line_of(own.f_code.co_filename, own.f_lineno)
        before = self._asked.setdefault(line, [_kind(one) for one in sources])
        if own is None or len(before) != len(sources):
            return None
        pairs = zip(before, sources, strict=True)
        lost = [one for kind, one in pairs if kind == (getattr(one, "shape", None), getattr(one, "dtype", None))
                and isinstance(one, tf.Tensor) and not self._is_watched(one)]  # fmt: skip
        if not lost:
            return None
        names = names_of_values(own, lambda value: any(value is one for one in lost), lambda _: False)
        name = next(iter(names.values()), "a variable")
        place = _assigned(name, own)
        source = line_of(own.f_code.co_filename, place) if place else line
        return Incident("rebound", name, source=source, count=len(lost))

    def _is_watched(self, tensor: Any) -> bool:
        ref = self._watched.get(id(tensor))
        return ref is not None and ref() is tensor


def _kind(one: Any) -> tuple[Any, Any] | None:
    if not isinstance(one, tf.Variable | keras.Variable):
        return None
    return tf.TensorShape(one.shape), tf.as_dtype(one.dtype)


def _assigned(name: str, frame: FrameType) -> int:
    """The line of the file that gives ``name`` another value, the next behind where ``frame`` stands; 0 for none."""
    last = name.partition("[")[0].rpartition(".")[2]
    try:
        tree = ast.parse(Path(frame.f_code.co_filename).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return 0
    found = [one.lineno for one in ast.walk(tree) if isinstance(one, ast.Assign) and last in _given(one)]
    return min(found, key=lambda number: (number < frame.f_lineno, number), default=0)


def _given(statement: ast.Assign) -> Iterator[str]:
    """The last names of what a statement assigns to, unless it makes variables."""
    if "Variable(" in ast.unparse(statement.value):
        return
    for target in statement.targets:
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            inner = part.value if isinstance(part, ast.Subscript) else part
            if isinstance(inner, ast.Name):
                yield inner.id
            elif isinstance(inner, ast.Attribute):
                yield inner.attr
