"""A program's own training, watched.

``GradientTape`` and the optimizers are looked at. Figures are taken after each gradient, before anyone clips it; the
optimizer's step, or variables that have changed when the next gradient is asked for, end an iteration. So several
losses before one step count together, and a loop that updates bare variables by hand works too. ``fit`` and
``train_on_batch`` end in Keras' own ``train_step``: its model and first batch are then run by ourselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any, NoReturn

import keras
import tensorflow as tf

from gradtool.evidence import ModelRequest, TrainingStep
from gradtool.witness.causes.patches import patch
from gradtool.witness.causes.replay import Wanted, wanted_of
from gradtool.witness.model.discovery import Case, Found
from gradtool.witness.model.figures import global_norm
from gradtool.witness.model.frames import scopes
from gradtool.witness.model.stopping import Stop
from gradtool.witness.model.turns import Turns
from gradtool.witness.model.user_file import user_line
from gradtool.witness.tensorflow.causes.around import Finders
from gradtool.witness.tensorflow.model.bystanders import Bystanders
from gradtool.witness.tensorflow.model.clipping import clipped
from gradtool.witness.tensorflow.model.idle import Idle
from gradtool.witness.tensorflow.model.leaves import name_of
from gradtool.witness.tensorflow.model.loop import Loop
from gradtool.witness.tensorflow.model.observed import Observed
from gradtool.witness.tensorflow.model.optimizers import optimizer_record, rate_of, refuses
from gradtool.witness.tensorflow.model.parameters import layer_names, nonfinite, norm_of_rows, parameters, tensor_of
from gradtool.witness.tensorflow.model.recorder import Recorder
from gradtool.witness.tensorflow.model.rows import Rows
from gradtool.witness.tensorflow.model.taping import Taping

__all__ = ["Watch"]


class Watch:
    """Sees every gradient and every optimizer step of the program."""

    def __init__(
        self, request: ModelRequest, recorder: Recorder, leave: Callable[[Observed | Found], NoReturn]
    ) -> None:
        self.request = request
        self._patches = ExitStack()
        self._stop = Stop(leave)
        self.seen, self.recorder = Observed(), recorder
        self.fitted: Found | None = None
        self._wanted = request.steps
        self._rows = Rows()
        self._losses: dict[int, Any] = {}
        self._tapes: list[Any] = []
        self._finders = Finders(request.find, recorder.sources)
        self._optimizers: list[Any] = []
        self._applied: set[int] = set()
        self._loop = Loop(lambda: self._rows.all)
        self._others, self._idle, self._turns = Bystanders(self.seen, recorder), Idle(), Turns()
        self._complete = False
        """Whether everything is seen that was asked for, and only the gradient of another model is waited for."""

    def watching(self) -> ExitStack:
        """Watch while the program runs."""
        stack = self._patches
        stack.enter_context(Taping(self.recorder, self._around, self._look))
        stack.enter_context(self._loop.watched())
        stack.enter_context(self._finders)
        patch(stack, keras.optimizers.Optimizer, "apply_gradients", self._apply_gradients)
        patch(stack, keras.optimizers.Optimizer, "apply", self._apply)
        patch(stack, keras.Model, "train_step", self._train_step)
        return stack

    def _train_step(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def train_step(model: Any, data: Any) -> Any:
            if self.request.steps or self.seen.backwards or self.seen.steps:
                return own(model, data)
            inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
            case = Case(inputs, targets, weights=weights)
            self.fitted = Found(model, name_of(model, sys._getframe(1)), "script", case)  # noqa: SLF001
            return self._stop(self.told)

        return train_step

    def _apply_gradients(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def apply_gradients(optimizer: Any, grads_and_vars: Any, *args: Any, **kwargs: Any) -> Any:
            pairs = list(grads_and_vars)
            if not self.seen.steps and refuses(optimizer, [variable for _, variable in pairs]):
                return own(optimizer, pairs, *args, **kwargs)
            self._loop.step(optimizer, pairs)
            self._step(optimizer, [variable for _, variable in pairs])
            return own(optimizer, pairs, *args, **kwargs)

        return apply_gradients

    def _apply(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
            if trainable_variables is not None:
                grads, trainable_variables = list(grads), list(trainable_variables)
                if not self.seen.steps and refuses(optimizer, trainable_variables):
                    return own(optimizer, grads, trainable_variables)
                self._loop.step(optimizer, list(zip(grads, trainable_variables, strict=False)))
            self._step(optimizer, trainable_variables)
            return own(optimizer, grads, trainable_variables)

        return apply

    def over(self, names: Mapping[str, Any]) -> None:
        """The program has come to its end, and nothing stopped it."""
        begun = self.seen.backwards and not self.seen.steps and not self._optimizers
        if begun and not self._rows.moved():
            self._idle.look(names.items())
            self._idle.over(self.seen)

    @contextmanager
    def _around(self, targets: Sequence[Any]) -> Iterator[None]:
        """The time in which a gradient is taken; if the variables have moved since the last, a new iteration begins."""
        if not self._complete and self.seen.backwards and self._rows.moved():
            self._iteration()
        if self._loop.rebound and (self.seen.steps or self.seen.backwards):
            self._stop(self.told)
        with self._finders.backward(targets):
            yield

    def _look(
        self, tape: Any, targets: Sequence[Any], asked: Mapping[int, tuple[Any, Any]], used: Any, frame: FrameType
    ) -> None:
        """Take the figures of the gradients in ``asked``, by ``id``: (tensor, gradient); ``used`` were read too."""
        seen = self.seen
        if seen.steps:
            self._others.look(asked, frame)
            self._find_beside(tape, targets)
        if self._complete:
            self._enough()
            return
        seen.source = seen.source or user_line(frame)
        if seen.backwards == 1 and not seen.steps and not self._optimizers:
            self._idle.look(scopes(frame))
        self._losses |= {id(target): target for target in targets}  # one may be asked twice, by other variables
        seen.loss = sum(float(tf.reduce_sum(tf.cast(loss, tf.float64))) for loss in self._losses.values())
        seen.backwards += 1
        self._rows.take(asked, used, frame, self.recorder.ran())
        if seen.steps:
            seen.norm = norm_of_rows(self._rows.all)
        else:
            seen.losses, seen.rows = len(self._losses), list(self._rows.all)
            seen.models, seen.notes = self._rows.models, self._rows.notes
            seen.parameters = parameters(seen.rows, moments=self.request.moments)
            seen.norm = global_norm(seen.parameters)
            seen.layers = self.recorder.layers(layer_names(seen.models))
            self._others.remember()
            seen.head = self.recorder.head
            if self.request.clip is not None:
                seen.clipped = clipped(seen.rows, self.request.clip, seen.norm)
        self._tapes.append(tape)
        seen.cut = seen.cut or self.recorder.cut
        if self._finders and len(seen.steps) + 1 == max(self.request.find_step, 1):
            self._find()

    def _find(self) -> None:
        """What the finders say of the iteration so far."""
        seen = self.seen
        told = seen.parameters if not seen.steps else parameters(self._rows.all)
        asked = wanted_of(told, seen.loss, cut="cut" in self.request.find)
        found = self._finders.told(self._tapes, [*self._losses.values()], self._rows.all, asked)
        seen.causes = [replace(one, step=self.request.find_step) for one in found]

    def _find_beside(self, tape: Any, losses: Sequence[Any]) -> None:
        """What the finders say of another model, whose gradient is None throughout."""
        rows = self._others.cut
        asked = Wanted(none=[row.name for row in rows])
        if rows:
            found = self._finders.told([tape], losses, rows, asked)
            self.seen.causes += [one for one in found if one.fate == "none"]

    def _step(self, optimizer: Any, variables: Sequence[Any] | None) -> None:
        """An optimizer's step. The iteration is over when every gradient has been applied, by whichever optimizer."""
        seen = self.seen
        given = [row.tensor for row in self._rows.all] if variables is None else [tensor_of(one) for one in variables]
        self._others.step(optimizer, {id(tensor) for tensor in given})
        if self._complete:
            self._enough()
        if not seen.backwards:
            return
        self._turns.step(optimizer)
        if not any(one is optimizer for one in self._optimizers):
            self._optimizers.append(optimizer)
        self._applied |= {id(tensor) for tensor in given}
        if not seen.steps:
            seen.optimizer = seen.optimizer or optimizer_record(optimizer, [row.tensor for row in seen.rows])
            place = next(place for place, one in enumerate(self._optimizers) if one is optimizer)
            held, rate = {id(tensor) for tensor in given}, rate_of(optimizer)
            seen.parameters = [
                replace(parameter, group=place, rate=rate) if id(row.tensor) in held else parameter
                for parameter, row in zip(seen.parameters, seen.rows, strict=True)
            ]
        if self._rows.applied(self._applied):
            self._iteration()

    def _iteration(self) -> None:
        """One iteration is over."""
        self.end()
        if len(self.seen.steps) >= max(self._wanted, 1) or self._turns.gone():
            self._complete = True
            self._enough()
            return
        self._rows.restart()
        self._applied, self._losses, self._tapes = set(), {}, []
        self._finders.restart()
        self.recorder.clear()

    def _enough(self) -> None:
        """End the program, unless another model's gradient is still to come."""
        if not self._others.waited_for(self._optimizers):
            self._stop(self.told)

    def told(self) -> Observed | Found:
        """What was seen, with the iteration that was not over; nothing is watched any longer."""
        self._patches.close()
        self.seen.incidents += self._loop.told()
        self.seen.mode = self._loop.mode
        if self.seen.backwards:
            self.end()
        return self.fitted or self.seen

    def end(self) -> None:
        """Write down an iteration."""
        seen = self.seen
        bad = nonfinite(self._rows.all, seen.norm)
        if self._turns.over(seen.notes if self._wanted else []):
            seen.steps.append(TrainingStep(len(seen.steps) + 1, seen.loss, seen.norm, nonfinite=bad))
        seen.backwards = 0
