"""TensorFlow's testimony on a model: find it, run it forward and backward once, and say what the gradient does."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf

from gradtool.evidence import Digits, Failure, Loss, ModelEvidence, ModelRequest, Progress, Record
from gradtool.witness.causes.replay import causes, wanted
from gradtool.witness.model.accumulation import batch_of
from gradtool.witness.model.assumed import Assumptions, passed_over
from gradtool.witness.model.conventions import ROUTES
from gradtool.witness.model.discovery import Found
from gradtool.witness.model.experiments import experiments
from gradtool.witness.model.figures import global_norm
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.tensorflow.causes.finders import SubjectFinders
from gradtool.witness.tensorflow.causes.missing import frozen
from gradtool.witness.tensorflow.model import BACKEND
from gradtool.witness.tensorflow.model.backward import backward, rows_of
from gradtool.witness.tensorflow.model.experiments import room
from gradtool.witness.tensorflow.model.expression import DTYPE, expression_subject
from gradtool.witness.tensorflow.model.observed import Observed
from gradtool.witness.tensorflow.model.optimizers import find_optimizer, optimizer_record
from gradtool.witness.tensorflow.model.parameters import Named, layer_names, parameters
from gradtool.witness.tensorflow.model.shadow import WIDE, cast_model, digits_of, weights_of
from gradtool.witness.tensorflow.model.sources import Sources
from gradtool.witness.tensorflow.model.subject import Run, Subject, subject
from gradtool.witness.tensorflow.model.terms import terms_of
from gradtool.witness.tensorflow.model.versions import OWN, Version, prepare, version

__all__ = ["answer"]

HALF = ("float16", "bfloat16")
EAGER = "what tf.function would compile was run eagerly, so that its layers could be looked at"


def answer(record: Record) -> Iterator[Record]:
    """The evidence on the model that a ModelRequest names; a Failure that begins in the user's own code otherwise."""
    if not isinstance(record, ModelRequest):
        return
    yield from _guarded(record, _testimony(record))


def _guarded(request: ModelRequest, records: Iterator[Record]) -> Iterator[Record]:
    try:
        with _device(request.device):
            yield from records
    except UserFileError as error:
        yield Failure(request.key, "tensorflow", "file", error.message, error.hint, error.detail)


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

    def told(found: Version | Observed) -> Iterator[Record]:
        evidence = _observed(request, found) if isinstance(found, Observed) else (yield from _run(request, found))
        yield replace(evidence, seconds=time.perf_counter() - began)

    if request.expression:
        evidence = yield from _run_expression(request)
        yield replace(evidence, seconds=time.perf_counter() - began)
    else:
        yield Progress(request.key, f"running {Path(request.path).name}")
        yield from told(version(request, OWN, lambda found: _guarded(request, told(found))))


def _run(request: ModelRequest, found: Version) -> Generator[Record, None, ModelEvidence]:
    """One forward and backward pass of a model that we run ourselves, and the experiments."""
    assumed, file, name = Assumptions(), Path(request.path).name, found.found.name
    assumed.add("model", f"{name} ({type(found.found.model).__name__})", ROUTES[found.found.route], "FILE.py:NAME")
    yield Progress(request.key, f"running {name} forward and backward")
    one, run = subject(request, found, assumed)
    weights = weights_of(one, run) if request.dtype else []
    notes: list[str] = []
    if request.dtype not in {"", found.dtype}:
        yield Progress(request.key, f"running {file} again in {request.dtype}")
        found, one, run, notes = cast_model(request, weights, assumed)
    rows = rows_of(one, run)
    optimizer = find_optimizer(one.model, found.names, found.found, request, assumed)
    evidence = _passed(request, found.found, one, run, rows, optimizer, assumed)
    finders = SubjectFinders(one, rows, run.recorder.sources)
    if (asked := wanted(evidence)).fates():
        yield Progress(request.key, "looking for the causes in a second pass")
        evidence = replace(evidence, causes=list(causes(asked, finders)))
        evidence = replace(evidence, notes=[*evidence.notes, *finders.notes])
    if any(row.trainable for row in rows):  # where nothing is, it has been asked
        evidence = replace(evidence, causes=[*evidence.causes, *frozen(run.recorder.sources, rows)])
    digits: list[Digits] = []
    if request.dtype and not notes:
        yield Progress(request.key, f"running {file} again in {WIDE}")
        digits, notes = digits_of(request, one, rows, weights)
    evidence = replace(evidence, digits=digits, notes=[*evidence.notes, *notes])
    if all(row.gradient is None for row in rows if row.trainable):
        why = "no parameter has a gradient" if any(row.trainable for row in rows) else "everything is frozen"
        return replace(evidence, notes=[*evidence.notes, f"nothing was tried, since {why}"])
    return (yield from experiments(request, room(request, one, rows, optimizer, evidence, finders), evidence))


def _run_expression(request: ModelRequest) -> Generator[Record, None, ModelEvidence]:
    """The same for an expression, whose variables are the parameters."""
    prepare(request.seed, request.dtype or DTYPE)  # Keras keeps an optimizer's rate in it
    assumed = Assumptions()
    one = expression_subject(request, assumed)
    run, rows = one.run(Sources()), one.model.rows()
    found = Found(one.model, request.expression, "expression")
    optimizer = find_optimizer(one.model, {}, found, request, assumed)
    finders = SubjectFinders(one, rows, run.recorder.sources)
    evidence = _passed(request, found, one, run, rows, optimizer, assumed)
    evidence = replace(evidence, layers=[], batch=0)
    return (yield from experiments(request, room(request, one, rows, optimizer, evidence, finders), evidence))


def _passed(
    request: ModelRequest, found: Found, one: Subject, run: Run, rows: list[Named], optimizer: Any, assumed: Assumptions
) -> ModelEvidence:
    """What the backward pass leaves behind."""
    backward(run, rows)
    evidence = _evidence(request, found.name, type(found.model).__name__, found.route, rows, assumed)
    compute = getattr(one.model, "compute_dtype", "") or evidence.dtype
    told = parameters(rows, optimizer, moments=request.moments, half=compute in HALF)
    norm = global_norm(told)
    terms = terms_of(run.tape, one.objective.terms if one.objective else {}, rows, norm)
    del run.tape  # and everything that it remembers
    return replace(
        evidence,
        loss=Loss(float(run.loss), one.objective.how if one.objective else "", terms=terms),
        parameters=told,
        layers=run.recorder.layers(layer_names({"": one.model})),
        norm=norm,
        batch=batch_of(one.batch),
        head=run.recorder.head,
        cut=run.recorder.cut,
        optimizer=optimizer_record(optimizer, [row.tensor for row in rows]),
        candidates=found.candidates,
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
    if request.expression:
        return []
    text = Path(request.path).read_text(encoding="utf-8", errors="replace")
    wanted = os.environ.get("KERAS_BACKEND", BACKEND)  # the file may have set it since
    told = f"the file asks Keras for its backend {wanted}; here it ran on TensorFlow"
    return [*([EAGER] if "tf.function" in text else []), *([told] if wanted != BACKEND else [])]


def _observed(request: ModelRequest, seen: Observed) -> ModelEvidence:
    """What the user's own training left behind."""
    assumed = Assumptions()
    name = ", ".join(seen.models) or ", ".join(row.name for row in seen.rows[:4])
    kind = ", ".join(type(model).__name__ for model in seen.models.values()) or "variables"
    assumed.add("model", f"{name} ({kind})", "the variables that the file asks a gradient for", "FILE.py:NAME")
    assumed.add("loss", f"as in {seen.source}", "the file's own first gradient", "--loss")
    if seen.optimizer:
        assumed.add_optimizer(seen.optimizer.kind, seen.optimizer.rate, "the file's own")
    evidence = _evidence(request, name, kind, "script", seen.rows, assumed)
    how = "the file's own" if seen.losses == 1 else f"the file's own, sum of {seen.losses} losses"
    return replace(
        evidence,
        mode=seen.mode or "train",
        loss=Loss(seen.steps[0].loss, how, seen.source),
        parameters=seen.parameters,
        layers=seen.layers,
        norm=seen.steps[0].norm,
        batch=max((layer.samples for layer in seen.layers[:1]), default=0),
        head=seen.head,
        stepped=seen.stepped,
        clipped=seen.clipped,
        optimizer=seen.optimizer,
        steps=seen.steps if request.steps else [],
        incidents=seen.incidents,
        cut=seen.cut,
        causes=seen.causes,
        notes=[*evidence.notes, *seen.notes, *passed_over(request)],
    )
