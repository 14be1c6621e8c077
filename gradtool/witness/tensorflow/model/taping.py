"""The user's gradient tapes, watched: what they are asked for, and the gradients of the layers' outputs beside it.

Every tape keeps its record after it was asked once (``persistent``), so that nothing of the user's order of calls
matters; the outputs' gradients are asked for in the same call as theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import FrameType, TracebackType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradtool.witness.causes.patches import patch
from gradtool.witness.tensorflow.model.parameters import tensor_of
from gradtool.witness.tensorflow.model.recorder import Recorder

__all__ = ["Taping"]

Look = Callable[[Any, Sequence[Any], Mapping[int, tuple[Any, Any]], Sequence[Any], FrameType], None]
"""Called with the tape, the targets, (tensor, gradient) by ``id``, the variables that the tape saw, and the caller."""


class Taping:
    """A context in which ``around`` is entered for, and ``look`` called after, each gradient of variables."""

    def __init__(
        self, recorder: Recorder, around: Callable[[Sequence[Any]], AbstractContextManager[None]], look: Look
    ) -> None:
        self.recorder, self.around, self.look = recorder, around, look
        self._open: set[int] = set()
        self._once: set[int] = set()
        self._busy = False
        """Whether a gradient is being taken; one inside, as of what is recomputed, is none to learn from."""
        self._patches = ExitStack()

    def __enter__(self) -> Taping:
        for name, wrapper in (
            ("__init__", self._init),
            ("__enter__", self._enter),
            ("__exit__", self._exit),
            ("gradient", self._gradient),
        ):
            patch(self._patches, tf.GradientTape, name, wrapper)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patches.close()

    def _init(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __init__(tape: Any, persistent: bool = False, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            own(tape, True, *args, **kwargs)
            (self._once.discard if persistent else self._once.add)(id(tape))

        return __init__

    def _enter(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __enter__(tape: Any) -> Any:  # noqa: N807
            if not self._open:
                self.recorder.outputs.release()
            self._open.add(id(tape))
            self.recorder.looking = True
            return own(tape)

        return __enter__

    def _exit(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __exit__(tape: Any, *error: Any) -> Any:  # noqa: N807
            self._closed(tape)
            return own(tape, *error)

        return __exit__

    def _closed(self, tape: Any) -> None:
        self._open.discard(id(tape))
        self.recorder.looking = bool(self._open)

    def _gradient(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            if id(tape) in self._once and id(tape) in self._open:  # such a tape stops where it is asked
                tape._pop_tape()  # noqa: SLF001  # as GradientTape.gradient does itself
                self._closed(tape)
            asked = [tensor_of(one) for one in tf.nest.flatten(sources)]
            targets = [one for one in tf.nest.flatten(target) if isinstance(one, tf.Tensor)]
            if not targets and (numbers := _numbers(target)):  # TensorFlow refuses them: what it would say of constants
                gradient(tape, numbers, sources)
            if self._busy or not self._wanted(asked, targets):
                return own(tape, target, sources, *args, **kwargs)
            self._busy = True
            try:
                with self.around(targets):
                    found, outputs = own(tape, target, (sources, self.recorder.outputs.tensors()), *args, **kwargs)
            finally:
                self._busy = False
            self.recorder.outputs.take(outputs)
            pairs = zip(asked, tf.nest.flatten(found), strict=True)
            own_frame = sys._getframe(1)  # noqa: SLF001  # the documented way to a caller
            used = [tensor_of(variable) for variable in tape.watched_variables()]
            self.look(tape, targets, {id(one): (one, gradient) for one, gradient in pairs}, used, own_frame)
            return found

        return gradient

    def _wanted(self, asked: Sequence[Any], targets: Sequence[Any]) -> bool:
        """Whether this is a gradient to learn from, and not one on the way (such as a gradient penalty's)."""
        if not tf.executing_eagerly() or not targets or any(map(tf.is_symbolic_tensor, targets)):
            return False
        variables = any(isinstance(one, tf.Variable | keras.Variable) for one in asked)
        return variables or (not self._open and all(isinstance(one, tf.Tensor) for one in asked))


def _numbers(target: Any) -> list[Any]:
    """What has left TensorFlow, and no tape knows any longer, as constants; none where something else is among it."""
    parts = tf.nest.flatten(target)
    left = all(isinstance(one, float | np.floating | np.ndarray) and np.asarray(one).dtype.kind == "f" for one in parts)
    return [tf.constant(one) for one in parts] if left and tf.executing_eagerly() else []
