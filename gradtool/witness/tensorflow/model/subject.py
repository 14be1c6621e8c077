"""A model with its batch and its loss, ready to be run forward and backward as often as is asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import ModelRequest
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.tensorflow.model.batch import attempts, cast, described
from gradtool.witness.tensorflow.model.objective import Asked, Objective, objective
from gradtool.witness.tensorflow.model.outputs import tensors_in
from gradtool.witness.tensorflow.model.recorder import Recorder
from gradtool.witness.tensorflow.model.sources import Sources
from gradtool.witness.tensorflow.model.versions import Version

__all__ = ["Run", "Subject", "subject"]


@dataclass(slots=True)
class Run:
    """One forward pass: the loss, the tape that knows the way back, and what was seen on the way."""

    loss: Any
    tape: Any
    recorder: Recorder


class Subject:
    """What is run. ``batch`` is what the model is called with; ``objective`` is settled by the first run."""

    def __init__(self, model: Any, seed: int, mode: str, settle: Callable[[Any, Any, str], Objective]) -> None:
        self.model, self.seed, self.training = model, seed, mode == "train"
        self.batch: Any = None
        self.targets: Any = None
        self.weights: Any = None
        self.objective: Objective | None = None
        self._settle = settle
        self._states: list[tuple[Any, Any]] = []
        self.remember()

    def run(self, sources: Sources) -> Run:
        """Forward to the loss, recorded."""
        recorder = Recorder(sources)
        with tf.GradientTape(persistent=True) as tape, recorder:
            output = self._called(self.batch)
            if self.objective is None:
                with tape.stop_recording():
                    recorder.looking = False
                    final = recorder.outputs.activation_of(next(tensors_in(output), None))
                    self.objective = self._settle(output, self.targets, final)
                    self.targets = self.objective.targets
                    recorder.looking = True
            loss = self.objective.loss(output, self.targets, self.batch, self.weights)
        return Run(loss, tape, recorder)

    def loss(self) -> Any:
        """The loss again, with the random numbers of the first run, and nobody looking on."""
        self.rewind()
        return self.loss_of(self.batch, self.targets, self.weights)

    def loss_of(self, batch: Any, targets: Any, weights: Any) -> Any:
        """The loss of another batch, with whatever random numbers come next."""
        if self.objective is None:
            raise ValueError("run() settles the loss first")
        return self.objective.loss(self._called(batch), targets, batch, weights)

    def remember(self) -> None:
        """Take note of everything that is not trained, for ``rewind``."""
        self._states = [(v, tf.identity(v)) for v in _states(self.model)]

    @property
    def states(self) -> list[tuple[Any, Any]]:
        """Everything that is not trained, with the value that it had when the first run began."""
        return self._states

    def rewind(self) -> None:
        """Set the random numbers and everything that is not trained to where the first run began."""
        keras.utils.set_random_seed(self.seed + 1)
        for variable, value in self._states:
            variable.assign(value)

    def _called(self, batch: Any) -> Any:
        with blamed(f"calling the model, {type(self.model).__name__}, on {described(batch)} failed"):
            arguments, named = _arguments(self.model, batch)
            if isinstance(self.model, keras.layers.Layer):
                named["training"] = self.training
            return self.model(*arguments, **named)


def _states(model: Any) -> list[Any]:
    """What a run changes beside the weights: moving averages, seeds of layers that draw, what cells remember."""
    trained = {id(variable) for variable in model.trainable_variables}
    found = [variable for variable in model.variables if id(variable) not in trained]
    layers = model._flatten_layers() if isinstance(model, keras.layers.Layer) else ()  # noqa: SLF001  # Keras shows only models'
    cells = (layer for layer in layers if getattr(layer, "stateful", False))
    return [*found, *(state for cell in cells for state in keras.tree.flatten(getattr(cell, "states", None) or []))]


def _arguments(model: Any, batch: Any) -> tuple[list[Any], dict[str, Any]]:
    """How a batch of several tensors is handed over: as one nested argument, or as several, as ``call`` takes them."""
    if not isinstance(batch, Mapping | tuple):
        return [batch], {}
    if not batch:
        return [], {}
    if isinstance(model, keras.Model) and getattr(model, "inputs", None):
        return [dict(batch) if isinstance(batch, Mapping) else list(batch)], {}
    function = model.call if isinstance(model, keras.layers.Layer) else model.__call__
    known = inspect.signature(function).parameters.values()
    wanted = [p.name for p in known if p.default is inspect.Parameter.empty and p.name not in {"training", "mask"}]
    if isinstance(batch, Mapping):
        return ([], dict(batch)) if set(wanted) <= set(batch) and wanted else ([dict(batch)], {})
    return (list(batch), {}) if len(wanted) > 1 else ([list(batch)], {})


def subject(request: ModelRequest, version: Version, assumed: Assumptions) -> tuple[Subject, Run]:
    """The model with the first batch that it takes, and its first run."""
    found, names = version.found, version.names
    model = found.model
    if not callable(model):
        raise UserFileError(f"{found.name} ({type(model).__name__}) can't be called", "give it a __call__ or a call")
    assumed.add("mode", request.mode, "as in training" if request.mode == "train" else "--mode", "--mode")

    def settle(output: Any, targets: Any, final: str) -> Objective:
        asked = Asked(found.case.loss, request.loss, request.labels, final)
        return objective(model, output, targets, names, asked, assumed)

    keras.utils.set_random_seed(request.seed)
    if found.case.inputs is not None and not request.inputs:
        why = "the first batch that the file trains on" if found.route == "script" else f"the file's {found.name}"
        assumed.add("inputs", described(found.case.inputs) or "none", why)
        batches = iter([(found.case.inputs, found.case.targets, found.case.weights)])
    else:
        batches = attempts(model, names, request.inputs, keras.config.floatx(), assumed)
    first: UserFileError | None = None
    one = Subject(model, request.seed, request.mode, settle)
    for one.batch, *beside in batches:
        # Layers cast what they are called with; a loss of the user's own casts nothing.
        fits = request.dtype and getattr(model, "compute_dtype", "") == request.dtype
        one.targets, one.weights = (cast(part, request.dtype) for part in beside) if fits else beside
        one.rewind()
        try:
            return one, one.run(version.sources)
        except UserFileError as error:
            first = first or error
    if first is not None:
        raise first
    raise UserFileError(
        f"no input for {found.name} is known",
        "give its shape, as --input 8,16 or --input 8,16:int64<500, or define sample_inputs in the file",
    )
