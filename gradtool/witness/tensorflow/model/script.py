"""The user's file as it is, run until its first gradient has been looked at.

``GradientTape`` and the optimizers are watched. Figures are taken after each gradient, before anyone clips it; the
optimizer's step, or variables that have changed when the next gradient is asked for, end the watch. So several losses
before one step count together, and a loop that updates bare variables by hand works too. ``fit`` and
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
import numpy as np
import tensorflow as tf

from gradtool.evidence import ModelRequest, TrainingStep
from gradtool.witness.causes.replay import Wanted, wanted_of
from gradtool.witness.model.crashes import tell_of_end
from gradtool.witness.model.discovery import Case, Found
from gradtool.witness.model.figures import global_norm
from gradtool.witness.model.frames import scopes
from gradtool.witness.model.stopping import Stop, quiet_threads
from gradtool.witness.model.turns import Turns
from gradtool.witness.model.user_file import Enough, UserFileError, execute, user_line
from gradtool.witness.tensorflow.causes.around import program_finders
from gradtool.witness.tensorflow.model.bystanders import Bystanders
from gradtool.witness.tensorflow.model.clipping import clipped
from gradtool.witness.tensorflow.model.idle import Idle
from gradtool.witness.tensorflow.model.leaves import left_out, models_of, name_of, names_of, owns
from gradtool.witness.tensorflow.model.loop import Loop
from gradtool.witness.tensorflow.model.observed import Observed
from gradtool.witness.tensorflow.model.optimizers import optimizer_record, rate_of, refuses
from gradtool.witness.tensorflow.model.parameters import (
    Named,
    layer_names,
    nonfinite,
    norm_of_rows,
    parameters,
    tensor_of,
)
from gradtool.witness.tensorflow.model.recorder import Recorder
from gradtool.witness.tensorflow.model.statistics import merged
from gradtool.witness.tensorflow.model.taping import Taping

__all__ = ["run_file"]


def run_file(
    request: ModelRequest,
    recorder: Recorder,
    leave: Callable[[Observed | Found], NoReturn],
    *,
    as_main: bool,
    stops: bool,
) -> tuple[Mapping[str, Any], Observed | Found | None]:
    """The names of the file, and what was seen if it asked for a gradient; with ``stops`` it ends there.

    A program that goes on all the same is left by ``leave``.
    """
    if not stops:
        return execute(request.path, request.arguments, as_main=as_main), None
    names: Mapping[str, Any] = {}
    watch = _Watch(request, recorder, leave)
    quiet_threads()
    try:
        with watch.watching():
            names = execute(request.path, request.arguments, as_main=as_main)
        watch.over(names)
    except Enough:
        pass
    except UserFileError as error:
        if not watch.seen.backwards and not watch.seen.steps:
            raise
        tell_of_end(error, watch.seen.incidents, watch.seen.notes)
    if not tf.executing_eagerly():
        hint = "gradtool looks at eager programs; remove disable_eager_execution() and disable_v2_behavior()"
        raise UserFileError("the file runs TensorFlow 1 graphs", hint)
    told = watch.told()
    return names, told if isinstance(told, Found) or told.steps else None


class _Watch:
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
        self._rows: list[Named] = []
        """Those of every iteration so far; what is told is the first."""
        self._asked: dict[int, Any] = {}
        self._beside: dict[int, tuple[Any, str]] = {}
        """Models by whose variables no gradient is asked for, each with the sentence that says so."""
        self._losses: dict[int, Any] = {}
        self._tapes: list[Any] = []
        self._finders = program_finders(request.find, recorder.sources)
        self._before_step: list[Any] = []
        self._optimizers: list[Any] = []
        self._applied: set[int] = set()
        self._loop = Loop(lambda: self._rows)
        self._others, self._idle, self._turns = Bystanders(self.seen, recorder), Idle(), Turns()
        self._complete = False
        """Whether everything is seen that was asked for, and only the gradient of another model is waited for."""

    def watching(self) -> ExitStack:
        """Watch while the program runs."""
        stack = self._patches
        stack.enter_context(Taping(self.recorder, self._around, self._look))
        stack.enter_context(self._loop.watched())
        for finder in self._finders:
            stack.enter_context(finder)
        for place, name, wrapper in (
            (keras.optimizers.Optimizer, "apply_gradients", self._apply_gradients),
            (keras.optimizers.Optimizer, "apply", self._apply),
            (keras.Model, "train_step", self._train_step),
        ):
            own = getattr(place, name)
            setattr(place, name, wrapper(own))
            stack.callback(setattr, place, name, own)
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
        if begun and not _moved(self._rows, self._before_step):
            self._idle.look(names.items())
            self._idle.over(self.seen)

    @contextmanager
    def _around(self, targets: Sequence[Any]) -> Iterator[None]:
        """The time in which a gradient is taken; if the variables have moved since the last, a new iteration begins."""
        if not self._complete and self.seen.backwards and _moved(self._rows, self._before_step):
            self._iteration()
        if self._loop.rebound and (self.seen.steps or self.seen.backwards):
            self._stop(self.told)
        with ExitStack() as stack:
            for finder in self._finders:
                stack.enter_context(finder.backward(targets))
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
        self._name([tensor for tensor, _ in asked.values()], used, frame)
        for row in self._rows:
            if id(row.tensor) in asked:
                row.gradient = _sum(row.gradient, merged(asked[id(row.tensor)][1]))
        if seen.steps:
            seen.norm = norm_of_rows(self._rows)
        else:
            seen.losses, seen.rows = len(self._losses), list(self._rows)
            seen.parameters = parameters(seen.rows, moments=self.request.moments)
            seen.norm = global_norm(seen.parameters)
            seen.layers = self.recorder.layers(layer_names(seen.models))
            self._others.remember()
            seen.head = self.recorder.head
            if self.request.clip is not None:
                seen.clipped = clipped(seen.rows, self.request.clip, seen.norm)
        self._before_step = [_value(row.tensor) for row in self._rows]
        self._tapes.append(tape)
        seen.cut = seen.cut or self.recorder.cut
        if self._finders and len(seen.steps) + 1 == max(self.request.find_step, 1):
            self._find()

    def _find(self) -> None:
        """What the finders say of the iteration so far."""
        seen = self.seen
        told = seen.parameters if not seen.steps else parameters(self._rows)
        asked = wanted_of(told, seen.loss, cut="cut" in self.request.find)
        found = [
            one
            for finder in self._finders
            for one in finder.told(self._tapes, [*self._losses.values()], self._rows, asked)
        ]
        seen.causes = [replace(one, step=self.request.find_step) for one in found]

    def _find_beside(self, tape: Any, losses: Sequence[Any]) -> None:
        """What the finders say of another model, whose gradient is None throughout."""
        rows = self._others.cut
        asked = Wanted(none=[row.name for row in rows])
        for finder in self._finders if rows else ():
            self.seen.causes += [one for one in finder.told([tape], losses, rows, asked) if one.fate == "none"]

    def _name(self, asked: Sequence[Any], used: Sequence[Any], frame: FrameType) -> None:
        """Rows for what the gradient is taken by, and for what was used beside it."""
        known = {id(row.tensor): row for row in self._rows}
        self._asked |= {id(tensor): tensor for tensor in asked if isinstance(tensor, tf.Variable)}
        if all(id(tensor) in known for tensor in [*asked, *used]):
            return
        # A program that asks for nothing has frozen everything.
        models = self.seen.models | (models_of(frame, asked) if asked else models_of(frame, used, frozen=True))
        self._leave_out(models, used, frame)
        theirs = {id(tensor_of(variable)) for model, _ in self._beside.values() for variable in model.variables}
        others = [tensor for tensor in used if id(tensor) not in theirs]
        rows = names_of(models, frame, [*(row.tensor for row in self._rows), *asked, *others], self.recorder.ran())
        self._rows = [row for row in rows if id(row.tensor) not in theirs]
        for row in self._rows:
            if id(row.tensor) in known:
                row.gradient = known[id(row.tensor)].gradient
        if not self.seen.steps:
            self.seen.models = models
            self.seen.notes = list(dict.fromkeys(told for _, told in self._beside.values()))

    def _leave_out(self, models: Mapping[str, Any], used: Sequence[Any], frame: FrameType) -> None:
        """Models by whose variables no gradient is asked for, beside ``models`` and inside: another step is theirs."""
        told = f"no gradient by its variables is asked for in {user_line(frame)}"
        ran = {name: one for name, one in models_of(frame, used, frozen=True).items() if models.get(name) is not one}
        found = [(one, f"{name} ran too; {told}") for name, one in ran.items()]
        found += [(one, f"{name_of(one, frame)} is left out: {told}") for one in left_out(models, self._asked)]
        self._beside = {id(model): (model, sentence) for model, sentence in found} | self._beside
        self._beside = {key: pair for key, pair in self._beside.items() if not owns(pair[0], self._asked, frozen=True)}

    def _step(self, optimizer: Any, variables: Sequence[Any] | None) -> None:
        """An optimizer's step. The iteration is over when every gradient has been applied, by whichever optimizer."""
        seen = self.seen
        given = [row.tensor for row in self._rows] if variables is None else [tensor_of(one) for one in variables]
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
        asked = [row for row in self._rows if row.gradient is not None or id(row.tensor) in self._asked]
        if all(id(row.tensor) in self._applied for row in asked):
            self._iteration()

    def _iteration(self) -> None:
        """One iteration is over."""
        self.end()
        if len(self.seen.steps) >= max(self._wanted, 1) or self._turns.gone():
            self._complete = True
            self._enough()
            return
        if not all(isinstance(row.tensor, tf.Variable) for row in self._rows):
            self._rows = []
        for row in self._rows:
            row.gradient = None
        self._before_step, self._applied, self._losses, self._tapes = [], set(), {}, []
        for finder in self._finders:
            finder.restart()
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
        bad = nonfinite(self._rows, seen.norm)
        if self._turns.over(seen.notes if self._wanted else []):
            seen.steps.append(TrainingStep(len(seen.steps) + 1, seen.loss, seen.norm, nonfinite=bad))
        seen.backwards = 0


def _value(tensor: Any) -> Any:
    """The value now. TensorFlow copies a variable's memory only when it is written to."""
    return tensor.read_value() if isinstance(tensor, tf.Variable) else tensor


def _moved(rows: Sequence[Named], before: Sequence[Any]) -> bool:
    for row, old in zip(rows, before, strict=True):
        if not isinstance(row.tensor, tf.Variable):
            return True  # tensors never change; the program makes new ones
        one, other = np.asarray(old), np.asarray(row.tensor.read_value())
        if one.ctypes.data != other.ctypes.data and not np.array_equal(one, other):
            return True
    return False


def _sum(one: Any, other: Any) -> Any:
    """Gradients of several losses together."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, tf.IndexedSlices) and isinstance(other, tf.IndexedSlices):
        values, rows = tf.concat([one.values, other.values], 0), tf.concat([one.indices, other.indices], 0)
        return merged(tf.IndexedSlices(values, rows, one.dense_shape))
    return tf.convert_to_tensor(one) + tf.convert_to_tensor(other)
