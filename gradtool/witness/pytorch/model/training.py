"""N optimizer steps on the batch, looked at one by one."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import torch

from gradtool.evidence import Cause, ModelRequest, Progress, Record, TrainingStep
from gradtool.values import indices, label
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.model.conventions import FEW, MOST, OFTEN
from gradtool.witness.model.figures import norm
from gradtool.witness.model.user_file import blamed
from gradtool.witness.pytorch.causes.finders import Replay
from gradtool.witness.pytorch.model.clipping import clip
from gradtool.witness.pytorch.model.parameters import Named, module_names, nonfinite, norm_of_rows
from gradtool.witness.pytorch.model.recorder import Recorder
from gradtool.witness.pytorch.model.statistics import numbers
from gradtool.witness.pytorch.model.subject import Subject

__all__ = ["born", "trained"]


def trained(
    request: ModelRequest, one: Subject, rows: Sequence[Named], optimizer: Any, replay: Replay
) -> Generator[Record, None, tuple[list[TrainingStep], TrainingStep | None]]:
    """The loss before each step, the global norm, what clipping leaves of it, and how far the weights move.

    Then the loss and the norm behind the last. It begins at the weights as they were found, and ends early where a
    gradient is not finite; ``replay`` then knows how that step began.
    """
    total = request.training.steps if request.training else 0
    steps: list[TrainingStep] = []
    few = list(rows) if sum(row.tensor.numel() for row in rows) <= FEW else []
    told, names = time.monotonic(), module_names({"": one.model})
    own = [row.tensor for row in rows if row.tensor.requires_grad]
    # Weights that begin at 0, as fresh biases do, move by more than their size for long; that says nothing.
    sized = [tensor for tensor in own if norm(numbers(tensor)) > 0]
    measured = sum(tensor.numel() for tensor in sized) <= MOST
    for number in range(1, total + 1):
        optimizer.zero_grad()
        torch.manual_seed(request.seed + number)
        replay.begin()
        with Recorder() as recorder:
            loss = one.loss()
            loss.backward()
        size = norm_of_rows(rows)
        before_step = _numbers(few)
        clipped = _clipped(rows, request.clip)
        bad = nonfinite(rows, size)
        before = [tensor.detach().clone() for tensor in sized] if measured else []
        if not bad:
            _stepped(request.seed + number, one, optimizer)
        ratio = _ratio(sized, before) if measured else None
        dead = max((seen.dead / seen.units for seen in recorder.layers(names) if seen.units), default=0.0)
        steps.append(TrainingStep(number, float(loss.detach()), size, clipped, ratio, dead, bad, *before_step))
        if bad:
            break
        if time.monotonic() - told > OFTEN:
            told = time.monotonic()
            yield Progress(request.key, "training, step", number, total)
    return steps, None if steps and steps[-1].nonfinite else _after(request, one, rows, few, total)


def born(step: TrainingStep, rows: Sequence[Named], replay: Replay) -> list[Cause]:
    """Where the first number that is not finite was born in the last step, whose weights are still those before it."""
    bad = [
        row.name for row in rows if row.tensor.grad is not None and not math.isfinite(norm(numbers(row.tensor.grad)))
    ]
    asked = Wanted(nonfinite=bad, loss=not math.isfinite(step.loss))
    return [replace(cause, step=step.step) for cause in replay.nonfinite(asked)]


def _stepped(seed: int, one: Subject, optimizer: Any) -> None:
    """A step; an optimizer that asks for the loss as often as it likes, as LBFGS does, is given it."""

    def again() -> torch.Tensor:
        optimizer.zero_grad()
        torch.manual_seed(seed)
        with torch.enable_grad():
            loss = one.loss()
            loss.backward()
        return loss

    needs = inspect.signature(type(optimizer).step).parameters.get("closure")
    with blamed(f"a step of {type(optimizer).__name__} failed"):
        if needs is not None and needs.default is inspect.Parameter.empty:
            optimizer.step(again)
        else:
            optimizer.step()


def _after(
    request: ModelRequest, one: Subject, rows: Sequence[Named], few: Sequence[Named], total: int
) -> TrainingStep:
    """The loss and the gradient behind the last step."""
    for row in rows:
        row.tensor.grad = None
    torch.manual_seed(request.seed + total + 1)
    loss = one.loss()
    loss.backward()
    point, gradient = _numbers(few)
    return TrainingStep(total + 1, float(loss.detach()), norm_of_rows(rows), point=point, gradient=gradient)


def _numbers(rows: Sequence[Named]) -> tuple[dict[str, float], dict[str, float]]:
    """The point and the gradient, number by number."""
    point: dict[str, float] = {}
    gradient: dict[str, float] = {}
    for row in rows:
        names = [label(row.name, index) for index in indices(tuple(row.tensor.shape))]
        point.update(zip(names, row.tensor.detach().double().reshape(-1).tolist(), strict=True))
        if row.tensor.grad is not None:
            gradient.update(zip(names, row.tensor.grad.to_dense().double().reshape(-1).tolist(), strict=True))
    return point, gradient


def _clipped(rows: Sequence[Named], limit: float | None) -> float | None:
    if limit is None:
        return None
    clip(rows, limit)
    return norm_of_rows(rows)


def _ratio(own: Sequence[torch.Tensor], before: Sequence[torch.Tensor]) -> float | None:
    """The largest root mean square of an update over that of its weights; weights of 0 have none."""
    pairs = ((numbers(tensor), numbers(old)) for tensor, old in zip(own, before, strict=True))
    return max((norm(now - was) / size for now, was in pairs if (size := norm(was)) > 0), default=None)
