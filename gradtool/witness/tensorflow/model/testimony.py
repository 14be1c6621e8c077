"""TensorFlow's testimony on a model: find it, run it forward and backward once, and say what the gradient does."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import Failure, Loss, ModelEvidence, ModelRequest, Progress, Record
from gradtool.witness.model.assumed import Assumptions, passed_over
from gradtool.witness.model.conventions import ROUTES
from gradtool.witness.model.discovery import CASE, Found, Kind
from gradtool.witness.model.search import looked_for
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.tensorflow.model.experiments import experiments
from gradtool.witness.tensorflow.model.head import batch_of
from gradtool.witness.tensorflow.model.leaves import is_model
from gradtool.witness.tensorflow.model.optimizers import find_optimizer, optimizer_record
from gradtool.witness.tensorflow.model.parameters import (
    Named,
    layer_names,
    named,
    norm_of,
    parameters,
    tensor_of,
)
from gradtool.witness.tensorflow.model.recorder import Recorder, Sources, no_sources
from gradtool.witness.tensorflow.model.script import Observed, run_file
from gradtool.witness.tensorflow.model.statistics import merged
from gradtool.witness.tensorflow.model.subject import Run, Subject, subject
from gradtool.witness.tensorflow.model.terms import terms_of

__all__ = ["answer"]

_NONE = (keras.Model, keras.Sequential, tf.Module)
KIND = Kind(
    "keras.Model",
    lambda value: is_model(value) and (isinstance(value, keras.Model) or not isinstance(value, keras.layers.Layer)),
    lambda value: isinstance(value, type) and issubclass(value, keras.Model | tf.Module) and value not in _NONE,
    is_model,
)
_FLOATX = keras.config.floatx()
HALF = ("float16", "bfloat16")
EAGER = "what tf.function would compile was run eagerly, so that its layers could be looked at"


def answer(record: Record) -> Iterator[Record]:
    """The evidence on the model that a ModelRequest names; a Failure that begins in the user's own code otherwise."""
    if not isinstance(record, ModelRequest):
        return
    if record.expression:
        told = "does not follow expressions yet"
        yield Failure(record.key, "tensorflow", "unsupported", told, "use --framework torch")
        return
    try:
        with _device(record.device):
            yield from _testimony(record)
    except UserFileError as error:
        yield Failure(record.key, "tensorflow", "file", error.message, error.hint, error.detail)


def _device(name: str) -> Any:
    """Work on the device that PyTorch calls ``cuda:1`` and TensorFlow ``gpu:1``; without a name where TensorFlow likes.

    Nothing is asked of TensorFlow before its name is known to be given: it can't be configured by the file afterwards.
    """
    if not name:
        return contextlib.nullcontext()
    kind, _, index = name.lower().replace("cuda", "gpu").partition(":")
    there = [device.name.rpartition("device:")[2].lower() for device in tf.config.list_logical_devices()]
    if f"{kind}:{index or 0}" not in there:
        raise UserFileError(f"TensorFlow sees no device {name}", f"it sees {', '.join(there)}")
    return tf.device(f"/{kind}:{index or 0}")


def _testimony(request: ModelRequest) -> Iterator[Record]:
    began = time.perf_counter()
    file = Path(request.path).name
    _prepare(request)
    yield Progress(request.key, f"running {file}")
    sources = no_sources()
    with Recorder(sources, looking=False) as recorder:
        names, found, seen = looked_for(
            request, KIND, lambda as_main, stops: run_file(request, recorder, as_main=as_main, stops=stops)
        )
    if isinstance(seen, Observed):
        yield replace(_observed(request, seen), seconds=time.perf_counter() - began)
        return
    found = seen or found
    if found is None:
        raise UserFileError(
            f"{file} defines no model, and asks for no gradient",
            f"define a keras.Model, or a function {CASE}() that returns (model, inputs, targets, loss)",
        )
    yield Progress(request.key, f"running {found.name} forward and backward")
    evidence = yield from _run(request, found, names, sources)
    yield replace(evidence, seconds=time.perf_counter() - began)


def _prepare(request: ModelRequest) -> None:
    """Settle what the file finds when it begins to run, whatever an earlier file has left behind."""
    dtype = request.dtype or _FLOATX
    try:
        keras.config.set_floatx(dtype)
    except ValueError:
        raise UserFileError(f"Keras has no models in {dtype}", "float64, float32, float16, bfloat16") from None
    keras.config.set_dtype_policy(dtype)
    keras.utils.clear_session()
    tf.config.run_functions_eagerly(True)
    keras.utils.set_random_seed(request.seed)


def _run(
    request: ModelRequest, found: Found, names: Mapping[str, Any], sources: Sources
) -> Generator[Record, None, ModelEvidence]:
    """One forward and backward pass of a model that we run ourselves, and the experiments."""
    assumed = Assumptions()
    assumed.add("model", f"{found.name} ({type(found.model).__name__})", ROUTES[found.route], "FILE.py:NAME")
    one, run = subject(request, found, names, sources, assumed)
    rows = _rows(one, run)
    optimizer = find_optimizer(one.model, names, found, request, assumed)
    _backward(run, rows)
    evidence = _evidence(request, found.name, type(found.model).__name__, found.route, rows, assumed)
    compute = getattr(one.model, "compute_dtype", "") or evidence.dtype
    told = parameters(rows, optimizer, moments=request.moments, half=compute in HALF)
    norm = norm_of(told)
    terms = terms_of(run.tape, one.objective.terms if one.objective else {}, rows, norm)
    del run.tape  # and everything that it remembers
    evidence = replace(
        evidence,
        loss=Loss(float(run.loss), one.objective.how if one.objective else "", terms=terms),
        parameters=told,
        layers=run.recorder.layers(layer_names({"": one.model})),
        norm=norm,
        batch=batch_of(one.batch),
        head=run.recorder.head,
        optimizer=optimizer_record(optimizer, [row.tensor for row in rows]),
        candidates=found.candidates,
    )
    return (yield from experiments(request, one, rows, optimizer, evidence))


def _rows(one: Subject, run: Run) -> list[Named]:
    """The model's variables, and those that the tape has seen and the model does not know of."""
    rows = named({"": one.model})
    known = {id(row.tensor) for row in rows}
    for variable in run.tape.watched_variables():
        tensor = tensor_of(variable)
        if id(tensor) not in known:
            rows.append(Named(str(tensor.name).partition(":")[0], tensor, "", "Variable"))
    if not any(row.trainable for row in rows):
        kind = type(one.model).__name__
        told = "all of its parameters are frozen" if rows else "it has no parameters"
        raise UserFileError(f"the model, {kind}, can't learn: {told}", "set trainable = True on a layer, or add one")
    return rows


def _backward(run: Run, rows: list[Named]) -> None:
    """The gradients of the variables and of the layers' outputs, in one pass."""
    wanted = [row for row in rows if row.trainable]
    outputs = run.recorder.outputs()
    with blamed("the backward pass failed"):
        gradients, flows = run.tape.gradient(run.loss, ([row.tensor for row in wanted], outputs))
    run.recorder.take(flows)
    run.recorder.release()
    for row, gradient in zip(wanted, gradients, strict=True):
        row.gradient = merged(gradient)
    if all(row.gradient is None for row in wanted):
        raise UserFileError(
            "the loss reaches no parameter: every gradient is None",
            "every path is cut: tf.stop_gradient, .numpy(), a cast to integers, or NumPy in the model",
        )


def _evidence(
    request: ModelRequest, name: str, kind: str, route: str, rows: list[Named], assumed: Assumptions
) -> ModelEvidence:
    """What is known before any figure is."""
    first = rows[0].tensor
    trainable = sum(row.trainable for row in rows)
    numbers = sum(int(tf.size(row.tensor)) for row in rows)
    assumed.add(
        "parameters", f"{len(rows)} ({numbers:,} numbers), {len(rows) - trainable} frozen", "as the model has them"
    )
    assumed.add("seed", str(request.seed), "set before the file ran", "--seed")
    device = str(first.device).rpartition("device:")[2].lower().removesuffix(":0") or "cpu"
    return ModelEvidence(
        request.key, "tensorflow", tf.__version__, request.path, name, kind, route, first.dtype.name, device,
        request.mode, request.seed, assumed.rows(), Loss(0.0, ""), [], [], 0.0, notes=_notes(request),
    )  # fmt: skip


def _notes(request: ModelRequest) -> list[str]:
    text = Path(request.path).read_text(encoding="utf-8", errors="replace")
    return [EAGER] if "tf.function" in text else []


def _observed(request: ModelRequest, seen: Observed) -> ModelEvidence:
    """What the user's own training left behind."""
    if all(parameter.gradient is None for parameter in seen.parameters):
        raise UserFileError(
            f"every gradient asked for in {seen.source} is None", "the loss does not depend on what it is taken by"
        )
    assumed = Assumptions()
    name = ", ".join(seen.models) or ", ".join(row.name for row in seen.rows[:4])
    kind = ", ".join(type(model).__name__ for model in seen.models.values()) or "variables"
    assumed.add("model", f"{name} ({kind})", "the variables that the file asks a gradient for", "FILE.py:NAME")
    assumed.add("loss", f"as in {seen.source}", "the file's own first gradient", "--loss")
    if seen.optimizer:
        assumed.add("optimizer", f"{seen.optimizer.kind}, lr {seen.optimizer.rate}", "the file's own")
    evidence = _evidence(request, name, kind, "script", seen.rows, assumed)
    return replace(
        evidence,
        mode="train",
        loss=Loss(seen.steps[0].loss, "the file's own", seen.source),
        parameters=seen.parameters,
        layers=seen.layers,
        norm=seen.steps[0].norm,
        batch=max((layer.samples for layer in seen.layers[:1]), default=0),
        head=seen.head,
        optimizer=seen.optimizer,
        steps=seen.steps if request.training else [],
        notes=[*evidence.notes, *seen.notes, *passed_over(request)],
    )
