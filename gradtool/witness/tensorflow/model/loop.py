"""What a training loop does with its tapes and its gradients, watched in the order in which it happens."""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import Incident
from gradtool.witness.causes.patches import patch
from gradtool.witness.model.user_file import user_line
from gradtool.witness.tensorflow.model.kept import Kept, is_same, some
from gradtool.witness.tensorflow.model.parameters import Named, tensor_of
from gradtool.witness.tensorflow.model.rebinding import Rebinding

__all__ = ["Loop"]

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "auto")
"""Reductions of Keras' losses that are means."""

MOODY = (keras.layers.BatchNormalization, keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout,
         keras.layers.GaussianNoise, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D)  # fmt: skip
"""Layers that behave otherwise in training."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One gradient: its line, the variables by ``id``, and the mean that its loss is; empty if it is none."""

    line: str
    variables: frozenset[int]
    mean: str


class Loop:
    """Watches tapes, means and layers by itself, and is told of each step by whoever watches the optimizers."""

    def __init__(self, rows: Callable[[], Sequence[Named]]) -> None:
        self._rows = rows
        """What is known of the variables: their names, and the sums of their gradients since the last step."""
        self.incidents: list[Incident] = []
        self._once: weakref.WeakSet[Any] = weakref.WeakSet()
        self._asked: weakref.WeakSet[Any] = weakref.WeakSet()
        self._open = 0
        self._means: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._gradients: dict[int, tuple[weakref.ref[Any], dict[int, Any]]] = {}
        self._passes: list[_Pass] = []
        self._kept = Kept()
        self._moods: set[bool] = set()
        self._judged = False
        self._rebinding = Rebinding()
        self.rebound = False
        """Whether a tensor has taken the place of a variable, so that nothing is learnt from here on."""

    @property
    def mode(self) -> str:
        """``eval`` where every layer that behaves otherwise in training ran as in evaluation; empty without one."""
        return "" if not self._moods else "train" if True in self._moods else "eval"

    def told(self) -> list[Incident]:
        """What was done wrong; asked again, only what has been since."""
        told, self.incidents = self.incidents, []
        return told

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch inside the block."""
        places = [
            (tf.GradientTape, "__init__", self._init),
            (tf.GradientTape, "__enter__", self._enter),
            (tf.GradientTape, "__exit__", self._exit),
            (tf.GradientTape, "gradient", self._gradient),
            (tf.GradientTape, "watch", self._watch),
            *((place, name, self._mean) for place, name in ((tf, "reduce_mean"), (tf.math, "reduce_mean"))),
            (keras.ops, "mean", self._mean),
            (keras.losses.Loss, "__call__", self._loss),
            *((layer, "call", self._mood) for layer in MOODY),
        ]
        with ExitStack() as patches:
            for place, name, wrapper in places:
                patch(patches, place, name, wrapper)
            yield

    def step(self, optimizer: Any, pairs: Sequence[tuple[Any, Any]]) -> None:
        """An optimizer is handed pairs of gradient and variable."""
        line = user_line(sys._getframe(1))  # noqa: SLF001  # the way to a caller
        self._misapplied(pairs, line)
        passes, self._passes = self._passes, []
        if passes and self._kept.look(pairs, self._rows()):
            self.incidents.append(Incident("kept", _kind(optimizer), source=line))
        if self._judged or not passes:
            return
        self._judged = True
        if len(passes) > 1 and len(set(passes)) == 1 and passes[0].mean and self._is_sum(pairs):
            self.incidents.append(Incident("undivided", _kind(optimizer), source=passes[0].line, count=len(passes)))

    def _misapplied(self, pairs: Iterable[tuple[Any, Any]], line: str) -> None:
        """Pairs of a variable and the very gradient that a tape gave for another one."""
        wrong = []
        for gradient, variable in pairs:
            ref, owners = self._gradients.get(id(gradient), (None, {}))
            if ref is not None and ref() is gradient and id(tensor_of(variable)) not in owners:
                wrong.append((variable, next(iter(owners.values()))))
        if wrong:
            names = {id(row.tensor): row.name for row in self._rows()}
            own, other = (names.get(id(tensor_of(one))) or _bare_name(one) for one in wrong[0])
            self.incidents.append(Incident("misapplied", own, other, source=line, count=len(wrong)))

    def _is_sum(self, pairs: Iterable[tuple[Any, Any]]) -> bool:
        """Whether what is applied is the sum of what the tapes gave, and nothing has scaled it."""
        sums = {id(row.tensor): row.gradient for row in self._rows()}
        told = [(gradient, sums.get(id(tensor_of(variable)))) for gradient, variable in pairs if gradient is not None]
        return is_same([(some(one), some(other)) for one, other in told if other is not None])

    # ---- what it watches itself

    def _init(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def __init__(tape: Any, persistent: bool = False, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            own(tape, persistent, *args, **kwargs)
            if not persistent:
                self._once.add(tape)

        return __init__

    def _enter(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def __enter__(tape: Any) -> Any:  # noqa: N807
            self._asked.discard(tape)
            self._open += 1
            return own(tape)

        return __enter__

    def _exit(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def __exit__(tape: Any, *error: Any) -> Any:  # noqa: N807
            self._open -= 1
            return own(tape, *error)

        return __exit__

    def _gradient(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def gradient(tape: Any, target: Any, sources: Any, output_gradients: Any = None, *args: Any, **kw: Any) -> Any:
            if tape in self._once and tape in self._asked:
                tape._tape = None  # noqa: SLF001  # as TensorFlow leaves it, which then raises
            self._asked.add(tape)
            self._rebound(tf.nest.flatten(sources), sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
            found = own(tape, target, sources, output_gradients, *args, **kw)
            if tf.executing_eagerly():
                line = user_line(sys._getframe(1))  # noqa: SLF001
                weighted = output_gradients is not None
                self._look(tf.nest.flatten(target), tf.nest.flatten(sources), found, line, weighted=weighted)
            return found

        return gradient

    def _watch(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def watch(tape: Any, tensor: Any) -> Any:
            self._rebinding.watch(tensor)
            return own(tape, tensor)

        return watch

    def _rebound(self, sources: list[Any], frame: FrameType) -> None:
        if tf.executing_eagerly() and (incident := self._rebinding.look(sources, frame)):
            self.incidents.append(incident)
            self.rebound = True

    def _look(self, targets: list[Any], sources: list[Any], found: Any, line: str, *, weighted: bool) -> None:
        """What was asked, and what came of it."""
        variables = {id(tensor_of(one)): one for one in sources if isinstance(one, tf.Variable | keras.Variable)}
        if not variables:
            return
        losses = [one for one in targets if isinstance(one, tf.Tensor) and id(one) not in self._gradients]
        for loss in losses:
            if not weighted and loss.shape.num_elements() not in {None, 1}:
                shape, count = str(tuple(loss.shape)), int(loss.shape.num_elements() or 0)
                self.incidents.append(Incident("summed", "", shape, source=line, count=count))
        ref, mean = self._means.get(id(losses[0]), (None, "")) if len(losses) == 1 else (None, "")
        mean = mean if ref is not None and ref() is losses[0] else ""
        self._passes.append(_Pass(line, frozenset(variables), mean))
        for gradient, source in zip(tf.nest.flatten(found), sources, strict=False):
            if gradient is not None and id(tensor_of(source)) in variables:
                ref, owners = self._gradients.get(id(gradient), (None, {}))
                owners = owners if ref is not None and ref() is gradient else {}
                # The same tensor may be the gradient of several: those of the terms of a sum.
                self._gradients[id(gradient)] = weakref.ref(gradient), owners | {id(tensor_of(source)): source}

    def _mean(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def mean(*args: Any, **kwargs: Any) -> Any:
            result = own(*args, **kwargs)
            self._remember(result, "mean")
            return result

        return mean

    def _loss(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def __call__(loss: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            result = own(loss, *args, **kwargs)
            if loss.reduction in MEANS:
                self._remember(result, type(loss).__name__)
            return result

        return __call__

    def _remember(self, result: Any, name: str) -> None:
        if self._open and isinstance(result, tf.Tensor) and tf.executing_eagerly():
            self._means[id(result)] = weakref.ref(result), name

    def _mood(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if self._open and layer.trainable:  # a frozen normalisation evaluates on purpose
                self._moods.add(bool(kwargs.get("training", args[1] if len(args) > 1 else False)))
            return own(layer, *args, **kwargs)

        return call


def _kind(optimizer: Any) -> str:
    return type(getattr(optimizer, "inner_optimizer", optimizer)).__name__


def _bare_name(variable: Any) -> str:
    return str(tensor_of(variable).name).partition(":")[0]
