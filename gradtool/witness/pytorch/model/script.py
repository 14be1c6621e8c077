"""The user's file as it is, run until its first backward pass has left its gradients.

PyTorch's two ways to a backward pass and every optimizer's step are watched. Figures are taken after each backward
pass, before anyone clips or clears the gradient; the optimizer's step, or weights that have changed when the next
backward pass begins, end the watch. So several losses before one step count together, and a loop that updates bare
tensors by hand works too.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from gradtool.evidence import Clipped, Head, Layer, ModelRequest, Optimizer, Parameter, TrainingStep
from gradtool.witness.model.user_file import Enough, UserFileError, execute, user_line
from gradtool.witness.pytorch.model.experiments import clipped
from gradtool.witness.pytorch.model.leaves import leaves_of, models_of, names_of
from gradtool.witness.pytorch.model.parameters import (
    Named,
    global_norm,
    module_names,
    nonfinite,
    optimizer_record,
    parameters,
)
from gradtool.witness.pytorch.model.recorder import Recorder

__all__ = ["Observed", "run_file"]


@dataclass(slots=True)
class Observed:
    """What one iteration of the user's own training left behind."""

    loss: float = 0.0
    source: str = ""
    backwards: int = 0
    models: dict[str, nn.Module] = field(default_factory=dict)
    rows: list[Named] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    norm: float = 0.0
    nonfinite: str = ""
    batch: int = 0
    optimizer: Optimizer | None = None
    steps: list[TrainingStep] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    head: Head | None = None
    clipped: Clipped | None = None
    notes: list[str] = field(default_factory=list)
    zeroed: bool | None = None
    """Whether the gradients were cleared before the next backward pass; None where there was none."""


def run_file(request: ModelRequest, *, as_main: bool, stops: bool) -> tuple[Mapping[str, Any], Observed | None]:
    """The names of the file, and what was seen if it ran a backward pass; with ``stops`` it ends there."""
    if not stops:
        return execute(request.path, as_main=as_main), None
    names: Mapping[str, Any] = {}
    with Recorder() as recorder:
        watch = _Watch(request, recorder)
        try:
            with watch.watching():
                names = execute(request.path, as_main=as_main)
        except Enough:
            pass
        except UserFileError:
            if not watch.seen.backwards and not watch.seen.steps:
                raise
    if watch.seen.backwards:
        watch.end()
    return names, watch.seen if watch.seen.steps else None


class _Watch:
    """Sees every backward pass and every optimizer step of the program."""

    def __init__(self, request: ModelRequest, recorder: Recorder) -> None:
        self.request = request
        self.seen, self.recorder = Observed(), recorder
        self._wanted = request.training.steps if request.training else 0
        self._versions: list[int] = []
        self._pending: list[torch.Tensor] = []
        self._data: dict[int, torch.Tensor] = {}
        """Leaves by which the program differentiates on the way; kept, so that no other tensor gets their ``id``."""
        self._held: set[int] = set()
        self._early: Any = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Replace ``backward`` and ``grad`` while the program runs."""
        tensor, engine, grad = torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad
        inside = False

        def backward_of(loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
            tensors = [loss]
            around(tensors, sys._getframe(1), lambda: tensor(loss, *args, **kwargs))  # noqa: SLF001

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
            several = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
            around(several, sys._getframe(1), lambda: engine(several, *args, **kwargs))  # noqa: SLF001

        def gradients(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            several = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
            asked = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)  # it may be parameters(), read once
            graph = kwargs.get("create_graph", args[2] if len(args) > 2 else False)
            if not inside and self._is_on_the_way(several, asked, graph=bool(graph)):
                return grad(several, asked, *args, **kwargs)
            return around(several, sys._getframe(1), lambda: grad(several, asked, *args, **kwargs), asked)  # noqa: SLF001

        def around(tensors: list[torch.Tensor], frame: FrameType, run: Any, inputs: Any = None) -> Any:
            nonlocal inside
            if inside:  # Tensor.backward calls autograd.backward
                return run()
            inside = True
            try:
                self._before(tensors, inputs)
                found = run()
                self._after(tensors, frame, inputs, found)
                return found
            finally:
                inside = False

        torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad = backward_of, backward, gradients
        before = register_optimizer_step_pre_hook(lambda optimizer, *_: self._step(optimizer))
        try:
            yield
        finally:
            before.remove()
            torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad = tensor, engine, grad

    def _is_on_the_way(self, outputs: Sequence[torch.Tensor], asked: Sequence[Any], *, graph: bool) -> bool:
        """Whether a derivative is no training's own: a part of a loss to come, as in a penalty, or one by the data."""
        own = {id(parameter) for module in self.recorder.modules() for parameter in module.parameters()}
        by_data = not any(id(one) in own for one in asked)
        if graph or not all(getattr(one, "is_leaf", False) for one in asked):
            self._data |= {id(one): one for one in asked if by_data and getattr(one, "is_leaf", False)}
            return True
        return by_data and any(id(leaf) in own for output in outputs for leaf in leaves_of(output))

    def _before(self, tensors: Sequence[torch.Tensor], inputs: Any) -> None:
        """Where the weights have moved since the last backward pass, a new iteration begins."""
        leaves = [leaf for tensor in tensors for leaf in leaves_of(tensor)]
        if self._versions and self._versions != self._now():
            # Other leaves are another loss, as in adversarial training, where old gradients may be left over. What
            # autograd.grad returns is never left over.
            again = inputs is None and self._own(leaves) == self._own(self._pending)
            if self.seen.zeroed is None and again:
                own = self._own(leaves)
                left = [leaf.grad for leaf in leaves if id(leaf) in own and leaf.grad is not None]
                self.seen.zeroed = not any(bool(gradient.any()) for gradient in left)
            self._iteration()
        self._pending = leaves

    def _after(self, tensors: Sequence[torch.Tensor], frame: FrameType, inputs: Any, found: Any) -> None:
        if inputs is not None:
            kept = [leaf.grad for leaf in inputs]
            for leaf, gradient in zip(inputs, found, strict=True):
                leaf.grad = gradient
            self._look(tensors, frame)
            for leaf, gradient in zip(inputs, kept, strict=True):
                leaf.grad = gradient
        else:
            self._look(tensors, frame)

    def _look(self, tensors: Sequence[torch.Tensor], frame: FrameType) -> None:
        """Take the figures, now that the gradients are there."""
        seen = self.seen
        if seen.backwards == 0:
            seen.source = user_line(frame)
        seen.loss = (seen.loss if seen.backwards else 0.0) + sum(float(t.detach().sum()) for t in tensors)
        seen.backwards += 1
        known = {id(row.tensor) for row in seen.rows}
        if self._held:
            own = self._own(self._pending)
            self._pending = [leaf for leaf in self._pending if id(leaf) in own]
        if any(id(leaf) not in known for leaf in self._pending):
            ran = [parameter for module in self.recorder.modules() for parameter in module.parameters()]
            seen.models = models_of(frame, [*self._pending, *ran]) | seen.models
            seen.rows = names_of(seen.models, frame, [*(row.tensor for row in seen.rows), *self._pending])
        seen.norm = global_norm(seen.rows)
        if not seen.steps:
            seen.parameters = parameters(seen.rows, moments=self.request.moments)
            seen.layers = self.recorder.layers(module_names(seen.models))
            seen.head = self.recorder.head
            if self.request.clip is not None:
                seen.clipped = clipped(seen.rows, self.request.clip, seen.norm)
        seen.nonfinite = nonfinite(seen.rows, seen.norm)
        self._versions = self._now()
        if self._early is not None:
            early, self._early = self._early, None
            if _held_by(early) & {id(row.tensor) for row in seen.rows}:
                self._step(early)

    def _own(self, leaves: Sequence[torch.Tensor]) -> set[int]:
        """The leaves by ``id`` without the data."""
        return {id(leaf) for leaf in leaves} - (self._data.keys() - self._held)

    def _step(self, optimizer: Any) -> None:
        if not self.seen.backwards:
            self._early = optimizer  # one with a closure, as LBFGS, steps before its first backward pass
            return
        self._held |= _held_by(optimizer)
        if not self.seen.steps and self.seen.optimizer is None:
            seen = self.seen
            self._leave_out_bystanders(optimizer)
            seen.optimizer = optimizer_record(optimizer, seen.rows)
            seen.parameters = [_held(p, optimizer, row) for p, row in zip(seen.parameters, seen.rows, strict=True)]

    def _leave_out_bystanders(self, optimizer: Any) -> None:
        """Drop models that ran, but that neither this loss reaches nor this optimizer holds: another step is theirs."""
        seen = self.seen
        held = _held_by(optimizer)
        stray = {row.name for row in seen.rows if id(row.tensor) in self._data.keys() - held}
        if stray:
            seen.parameters = [parameter for parameter in seen.parameters if parameter.name not in stray]
            seen.rows = [row for row in seen.rows if row.name not in stray]
            seen.norm = math.hypot(*(p.gradient.norm for p in seen.parameters if p.gradient))
            self._versions = self._now()
        for name, model in list(seen.models.items()):
            if not any(id(p) in held or p.grad is not None for p in model.parameters()):
                own = {id(p) for p in model.parameters()}
                pairs = [pair for pair in zip(seen.rows, seen.parameters, strict=True) if id(pair[0].tensor) not in own]
                seen.rows, seen.parameters = [row for row, _ in pairs], [parameter for _, parameter in pairs]
                del seen.models[name]
                seen.layers = [layer for layer in seen.layers if layer.name.partition(".")[0] != name]
                kind = type(optimizer).__name__
                seen.notes.append(f"{name} ran too; this loss does not reach it, and this {kind} does not hold it")

    def _iteration(self) -> None:
        """One iteration is over; the last that was asked for ends the program."""
        self.end()
        if len(self.seen.steps) >= max(self._wanted, 1):
            raise Enough
        self.recorder.clear()

    def end(self) -> None:
        """Write down an iteration."""
        seen = self.seen
        seen.steps.append(TrainingStep(len(seen.steps) + 1, seen.loss, seen.norm, nonfinite=seen.nonfinite))
        self._versions = []
        seen.backwards = 0

    def _now(self) -> list[int]:
        return [row.tensor._version for row in self.seen.rows]  # noqa: SLF001  # what counts changes in place


def _held_by(optimizer: Any) -> set[int]:
    """The tensors that an optimizer holds, by ``id``."""
    return {id(tensor) for group in optimizer.param_groups for tensor in group["params"]}


def _held(parameter: Parameter, optimizer: Any, row: Named) -> Parameter:
    """The parameter with its place in the optimizer."""
    for place, group in enumerate(optimizer.param_groups):
        if any(tensor is row.tensor for tensor in group["params"]):
            return replace(parameter, group=place, rate=float(group["lr"]) if "lr" in group else None)
    return parameter
