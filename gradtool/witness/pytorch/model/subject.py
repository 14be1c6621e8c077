"""A model with its batch and its loss, ready to be run forward and backward as often as is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gradtool.evidence import ModelRequest
from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.discovery import Found
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.pytorch.causes.state import State
from gradtool.witness.pytorch.model.batch import attempts, described, moved
from gradtool.witness.pytorch.model.hugging_face import completed
from gradtool.witness.pytorch.model.objective import Asked, Objective, objective, scalar
from gradtool.witness.pytorch.model.recorder import Recorder

__all__ = ["Run", "Subject", "subject"]


@dataclass(slots=True)
class Run:
    """One forward pass: the output (None behind a training_step), the loss, and what was seen on the way."""

    output: Any
    loss: torch.Tensor
    recorder: Recorder
    first: State
    """The random numbers and the buffers as they were before."""


class Subject:
    """What is run. ``batch`` is what the model is called with; ``objective`` is settled by the first run."""

    def __init__(
        self, model: nn.Module, batch: Any, targets: Any, settle: Callable[[Any, Any, Callable[[Any], str]], Objective]
    ) -> None:
        self.model, self.batch, self.targets = model, batch, targets
        self._settle = settle
        self.objective: Objective | None = None

    def run(self) -> Run:
        """Forward to the loss, recorded."""
        first = State.taken(self.model)
        with Recorder() as recorder:
            output = self._called(self.batch)
            if self.objective is None:
                self.objective = self._settle(output, self.targets, recorder.final_of)
                self.targets = self.objective.targets
            loss = self.objective.loss(output, self.targets)
        return Run(output, loss, recorder, first)

    def loss(self) -> torch.Tensor:
        """The loss again, with nobody looking on."""
        return self.loss_of(self.batch, self.targets)

    def loss_of(self, batch: Any, targets: Any) -> torch.Tensor:
        """The loss of another batch."""
        if self.objective is None:
            raise ValueError("run() settles the loss first")
        return self.objective.loss(self._called(batch), targets)

    def _called(self, batch: Any) -> Any:
        with blamed(f"calling the model, {type(self.model).__name__}, on {described(batch)} failed"):
            if isinstance(batch, Mapping):
                return self.model(**batch)
            return self.model(*batch) if isinstance(batch, tuple) else self.model(batch)


class Stepped(Subject):
    """A model that computes its loss itself, by ``training_step(batch, 0)``."""

    def run(self) -> Run:
        """Forward to the loss, recorded."""
        first = State.taken(self.model)
        with Recorder() as recorder:
            loss = self.loss()
        return Run(None, loss, recorder, first)

    def loss_of(self, batch: Any, targets: Any) -> torch.Tensor:
        """The loss of another batch."""
        whole = batch if targets is None else (batch, targets)
        with blamed("training_step failed"):
            told = self.model.training_step(whole, 0)
        return scalar(told.get("loss") if isinstance(told, Mapping) else told, "training_step")


def subject(request: ModelRequest, found: Found, names: Mapping[str, Any], assumed: Assumptions) -> tuple[Subject, Run]:
    """The model with the first batch that it takes, and its first run."""
    model: nn.Module = found.model
    device, dtype = _placed(model, request)
    _in_mode(model, request.mode, assumed)

    def settle(output: Any, targets: Any, final: Callable[[Any], str]) -> Objective:
        asked = Asked(found.case.loss, request.loss, request.labels, final)
        return objective(output, targets, names, asked, assumed)

    if found.case.inputs is not None and not request.inputs:
        assumed.add("inputs", described(found.case.inputs) or "none", f"the file's {found.name}")
        batches = iter([(found.case.inputs, found.case.targets)])
    else:
        torch.manual_seed(request.seed)
        batches = attempts(model, names, request.inputs, dtype, assumed)
    first: UserFileError | None = None
    wanted = dtype if request.dtype else None
    for inputs, targets in batches:
        torch.manual_seed(request.seed + 1)
        kind = Stepped if _steps_itself(model, targets) else Subject
        batch, goals = (
            moved(completed(model, inputs, targets, assumed), device, wanted),
            moved(targets, device, wanted),
        )
        one = kind(model, batch, goals, settle)
        try:
            return one, one.run()
        except UserFileError as error:
            first = first or error
    if first is not None:
        raise first
    raise UserFileError(
        f"no input for {found.name} is known",
        "give its shape, as --input 8,16 or --input 8,16:int64<500, or define sample_inputs in the file",
    )


def _placed(model: nn.Module, request: ModelRequest) -> tuple[torch.device, torch.dtype]:
    """Move the model where it is asked to be, and say where it is."""
    if request.device or request.dtype:
        with blamed(f"the model could not be moved to {request.device or 'its device'} {request.dtype}".rstrip()):
            model.to(request.device or None, getattr(torch, request.dtype) if request.dtype else None)
    first = next((p for p in model.parameters() if p.is_floating_point()), None)
    if first is None:
        raise UserFileError(
            f"the model, {type(model).__name__}, has no parameters",
            "a parameter is an nn.Parameter or sits in a submodule",
        )
    if isinstance(first, nn.UninitializedParameter):
        return torch.device("cpu"), getattr(torch, request.dtype) if request.dtype else torch.float32
    return first.device, first.dtype


def _in_mode(model: nn.Module, mode: str, assumed: Assumptions) -> None:
    model.train(mode == "train")
    assumed.add("mode", mode, "as in training" if mode == "train" else "--mode", "--mode")


def _steps_itself(model: nn.Module, targets: Any) -> bool:
    """Whether the model is Lightning's kind: it has a training_step, and the batch came from its own loader."""
    return callable(getattr(model, "training_step", None)) and targets is not None
