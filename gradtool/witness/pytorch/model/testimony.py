"""PyTorch's testimony on a model: find it, run it forward and backward once, and say what the gradient does."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn

from gradtool.evidence import Failure, Loss, ModelEvidence, ModelRequest, Progress, Record
from gradtool.witness.callable.randomness import set_random
from gradtool.witness.causes.replay import causes, wanted
from gradtool.witness.model.accumulation import batch_of
from gradtool.witness.model.assumed import Assumptions, passed_over
from gradtool.witness.model.conventions import ROUTES
from gradtool.witness.model.discovery import CASE, Found, Kind
from gradtool.witness.model.experiments import Experiments, experiments
from gradtool.witness.model.figures import global_norm
from gradtool.witness.model.search import looked_for
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.parting import part
from gradtool.witness.pytorch.causes.finders import Replay
from gradtool.witness.pytorch.causes.state import State
from gradtool.witness.pytorch.model.experiments import room
from gradtool.witness.pytorch.model.expression import PREFIX, expression_subject
from gradtool.witness.pytorch.model.function import Function, is_leaf
from gradtool.witness.pytorch.model.observed import Observed
from gradtool.witness.pytorch.model.optimizers import find_optimizer
from gradtool.witness.pytorch.model.parameters import (
    Named,
    module_names,
    named,
    optimizer_record,
    parameters,
)
from gradtool.witness.pytorch.model.script import run_file
from gradtool.witness.pytorch.model.shadow import compared, shadow_of
from gradtool.witness.pytorch.model.subject import Run, Subject, subject
from gradtool.witness.pytorch.model.terms import terms_of

__all__ = ["answer"]

KIND = Kind(
    "nn.Module",
    lambda value: isinstance(value, nn.Module),
    lambda value: isinstance(value, type) and issubclass(value, nn.Module) and value is not nn.Module,
    is_leaf=is_leaf,
    of_function=Function,
)
CUT_OFF = "the loss does not require a gradient: no path leads back from it, and nothing beside the pass was tried"
HALF = ("float16", "bfloat16")


def answer(record: Record) -> Iterator[Record]:
    """The evidence on the model that a ModelRequest names; a Failure that begins in the user's own code otherwise."""
    if not isinstance(record, ModelRequest):
        return
    yield from _guarded(record, _testimony_on_expression(record) if record.expression else _testimony(record))


def _guarded(request: ModelRequest, records: Iterable[Record]) -> Iterator[Record]:
    try:
        yield from records
    except UserFileError as error:
        yield Failure(request.key, "torch", "file", error.message, error.hint, error.detail)


def _testimony(request: ModelRequest) -> Iterator[Record]:
    began = time.perf_counter()
    file = Path(request.path).name
    _seed(request.seed)
    yield Progress(request.key, f"running {file}")

    def told(seen: Observed) -> Iterator[Record]:
        yield replace(_observed(request, seen), seconds=time.perf_counter() - began)

    def leave(seen: Observed) -> NoReturn:
        part(_guarded(request, told(seen)))

    names, found, seen = looked_for(
        request, KIND, lambda as_main, stops: run_file(request, leave, as_main=as_main, stops=stops)
    )
    if seen is not None:
        yield from told(seen)
        return
    if found is None:
        raise UserFileError(
            f"{file} defines no model, and runs no backward pass",
            f"define an nn.Module, or name a function over tensors of the file, or "
            f"write {CASE}() that returns (model, inputs, targets, loss)",
        )
    yield Progress(request.key, f"running {found.name} forward and backward")
    evidence = yield from _run(request, found, names)
    yield replace(evidence, seconds=time.perf_counter() - began)


def _testimony_on_expression(request: ModelRequest) -> Iterator[Record]:
    began = time.perf_counter()
    torch.manual_seed(request.seed)
    evidence = yield from _run_expression(request)
    yield replace(evidence, seconds=time.perf_counter() - began)


def _seed(seed: int) -> None:
    """Every source of random numbers that a program commonly draws from."""
    set_random(seed)
    torch.manual_seed(seed)


def _run(request: ModelRequest, found: Found, names: Mapping[str, Any]) -> Generator[Record, None, ModelEvidence]:
    """One forward and backward pass of a model that we run ourselves, and the experiments."""
    assumed = Assumptions()
    assumed.add("model", f"{found.name} ({type(found.model).__name__})", ROUTES[found.route], "FILE.py:NAME")
    lazy = any(isinstance(parameter, nn.UninitializedParameter) for parameter in found.model.parameters())
    plain = isinstance(found.model, Function)  # which no copy of its leaves would reach
    shadow = shadow_of(found.model) if request.dtype and not (lazy or plain) else None
    one, run = subject(request, found, names, assumed)
    rows = named({"": one.model})
    optimizer = find_optimizer(one.model, names, found, request, assumed)
    evidence = replace(_passed(request, found, one, run, rows, optimizer, assumed), candidates=found.candidates)
    replay = Replay(one.model, one.loss, rows, run.first)
    if (asked := wanted(evidence)).fates():
        yield Progress(request.key, "looking for the causes in a second pass")
        evidence = replace(evidence, causes=list(causes(asked, replay)))
        evidence = replace(evidence, notes=[*evidence.notes, *dict.fromkeys(replay.notes)])
    if not run.loss.requires_grad:
        return evidence
    if shadow is not None:
        digits = compared(request.seed, request.dtype, one, shadow, rows)
        evidence = replace(evidence, digits=[digits])
    elif request.dtype:
        why = "a function keeps its own tensors" if plain else "lazy layers have no weights before the first"
        told = f"no run in float64 was compared with, since {why}"
        evidence = replace(evidence, notes=[*evidence.notes, told])
    known = room(request, one, rows, optimizer, evidence, replay)
    return (yield from _tried(request, known, evidence, replay))


def _run_expression(request: ModelRequest) -> Generator[Record, None, ModelEvidence]:
    """The same for an expression, whose variables are the parameters."""
    assumed = Assumptions()
    one = expression_subject(request, assumed)
    rows = [replace(row, name=row.name.removeprefix(PREFIX), layer="") for row in named({"": one.model})]
    found = Found(one.model, request.expression, "expression")
    optimizer = find_optimizer(one.model, {}, found, request, assumed)
    evidence = replace(_passed(request, found, one, one.run(), rows, optimizer, assumed), layers=[], batch=0)
    replay = Replay(one.model, one.loss, rows, State.taken(one.model))
    known = room(request, one, rows, optimizer, evidence, replay)
    return (yield from _tried(request, known, evidence, replay))


def _tried(
    request: ModelRequest, known: Experiments, evidence: ModelEvidence, replay: Replay
) -> Generator[Record, None, ModelEvidence]:
    """The experiments, and what is to be said of the passes that were run again for them."""
    evidence = yield from experiments(request, known, evidence)
    more = [note for note in replay.notes if note not in evidence.notes]
    return replace(evidence, notes=[*evidence.notes, *dict.fromkeys(more)])


def _passed(
    request: ModelRequest, found: Found, one: Subject, run: Run, rows: list[Named], optimizer: Any, assumed: Assumptions
) -> ModelEvidence:
    """What the backward pass leaves behind."""
    for row in rows:
        row.tensor.grad = None
    with run.recorder.changes.named(), blamed("the backward pass failed"):
        named_terms = one.objective.terms if one.objective else {}
        if run.loss.requires_grad:
            run.loss.backward(retain_graph=bool(named_terms))
    evidence = _evidence(request, found.name, type(found.model).__name__, found.route, rows, assumed)
    seen = parameters(rows, optimizer, moments=request.moments, half=evidence.dtype in HALF)
    norm = global_norm(seen)
    terms = terms_of(named_terms, rows, norm)
    return replace(
        evidence,
        loss=Loss(float(run.loss.detach()), one.objective.how if one.objective else "training_step", terms=terms),
        layers=run.recorder.layers(module_names({"": one.model})),
        parameters=seen,
        norm=norm,
        optimizer=optimizer_record(optimizer, rows),
        batch=batch_of(one.batch),
        head=run.recorder.head,
        cut=run.recorder.rejoined.found,
        notes=[] if run.loss.requires_grad else [CUT_OFF],
    )


def _evidence(
    request: ModelRequest, name: str, kind: str, route: str, rows: list[Named], assumed: Assumptions
) -> ModelEvidence:
    """What is known before any figure is."""
    first = rows[0].tensor
    trainable = sum(row.tensor.requires_grad for row in rows)
    numbers = sum(row.tensor.numel() for row in rows)
    assumed.add(
        "parameters", f"{len(rows)} ({numbers:,} numbers), {len(rows) - trainable} frozen", "as the model has them"
    )
    assumed.add("seed", str(request.seed), "set before the file ran", "--seed")
    dtype = str(first.dtype).removeprefix("torch.")
    return ModelEvidence(
        request.key, "torch", torch.__version__, request.path, name, kind, route, dtype, str(first.device),
        request.mode, request.seed, assumed.rows(), Loss(0.0, ""), [], [], 0.0,
    )  # fmt: skip


def _observed(request: ModelRequest, seen: Observed) -> ModelEvidence:
    """What the user's own training left behind."""
    if not seen.rows:
        raise UserFileError("the backward pass reaches no parameter", "every leaf of the loss's graph is a constant")
    assumed = Assumptions()
    name = ", ".join(seen.models) or ", ".join(row.name for row in seen.rows[:4])
    kind = ", ".join(type(model).__name__ for model in seen.models.values()) or "tensors"
    assumed.add("model", f"{name} ({kind})", "the leaves of the loss that the file computes", "FILE.py:NAME")
    assumed.add("loss", f"as in {seen.source}", "the file's own first backward pass", "--loss")
    if seen.optimizer:
        assumed.add_optimizer(seen.optimizer.kind, seen.optimizer.rate, "the file's own")
    evidence = _evidence(request, name, kind, "script", seen.rows, assumed)
    modes = {model.training for model in seen.models.values()}
    return replace(
        evidence,
        mode="eval" if modes == {False} else "train",
        loss=Loss(seen.steps[0].loss, "the file's own", seen.source),
        parameters=seen.parameters,
        layers=seen.layers,
        batch=max((layer.samples for layer in seen.layers[:1]), default=0),
        head=seen.head,
        norm=seen.steps[0].norm,
        clipped=seen.clipped,
        optimizer=seen.optimizer,
        steps=seen.steps if request.steps else [],
        stepped=seen.stepped,
        zeroed=seen.zeroed,
        incidents=seen.incidents,
        cut=seen.cut,
        causes=seen.causes,
        notes=[*seen.notes, *passed_over(request)],
    )
