"""The outputs of layers while their gradient is still to come, and the figures of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.witness.model.figures import Figures, figures, norm
from gradtool.witness.model.seen import Seen
from gradtool.witness.tensorflow.model.statistics import numbers

__all__ = ["Outputs", "tensors_in"]


@dataclass(slots=True)
class _Waiting:
    """An output whose gradient is still to come; ``hidden`` are the logits that Keras' losses read in its place."""

    tensor: Any
    hidden: Any
    figures: Figures
    seen: list[Seen]


class Outputs:
    """Remembered until the tape has been asked for their gradients."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}
        self._final = ""
        """The activation of the last layer that ran, if it is one."""

    def look(self, seen: Seen, tensor: Any) -> None:
        """Keep the figures of an output; a container hands on the very tensor of its last child, read once."""
        if not seen.inner:
            self._final = seen.activation.name if seen.activation else ""
        values = numbers(tensor)
        waiting = self._waiting.get(id(tensor))
        if waiting is None:
            waiting = _Waiting(tensor, getattr(tensor, "_keras_logits", None), figures(values), [])
            self._waiting[id(tensor)] = waiting
        waiting.seen.append(seen)
        seen.look(values.reshape(tuple(tensor.shape)), waiting.figures)

    def activation_of(self, output: Any) -> str:
        """The activation of the layer whose output this very tensor is; else that of the last layer that ran.

        Of that only if the numbers are still its own, as behind a reshape or a cast, and not those of what followed.
        """
        waiting = self._waiting.get(id(output))
        leaves = [seen for seen in waiting.seen if not seen.inner] if waiting else []
        if leaves:
            return leaves[-1].activation.name if leaves[-1].activation else ""
        last = next(reversed(self._waiting.values()), None)
        if waiting is None and last is not None and isinstance(output, tf.Tensor):
            return self._final if np.array_equal(numbers(output), numbers(last.tensor)) else ""
        return self._final

    def tensors(self) -> list[Any]:
        """The tensors whose gradient the tape is to be asked for; ``take`` wants them in the same order."""
        waiting = list(self._waiting.values())
        return [one.tensor for one in waiting] + [one.hidden for one in waiting if one.hidden is not None]

    def take(self, gradients: Sequence[Any]) -> None:
        """The gradients of ``tensors``; several losses may each give theirs."""
        waiting = list(self._waiting.values())
        hidden = iter(gradients[len(waiting) :])
        for one, gradient in zip(waiting, gradients, strict=False):
            instead = next(hidden) if one.hidden is not None else None
            found = instead if gradient is None else gradient
            if found is not None:
                size = norm(numbers(found))
                for seen in one.seen:
                    seen.gradients.append(size)

    def release(self) -> None:
        """Let go of the outputs, whose figures stay."""
        self._waiting = {}


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
