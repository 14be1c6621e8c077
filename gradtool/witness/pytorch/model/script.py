"""The user's file as it is, run until its first backward pass has left its gradients.

PyTorch's two ways to a backward pass and every optimizer's step are watched. Figures are taken after each backward
pass, before anyone clips or clears the gradient; the optimizer's step, or weights that have changed when the next
backward pass begins, end the watch. So several losses before one step count together, and a loop that updates bare
tensors by hand works too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any, NoReturn

import torch

from gradtool.evidence import Incident, ModelRequest, TrainingStep
from gradtool.witness.causes.replay import wanted_of
from gradtool.witness.model.crashes import tell_of_end
from gradtool.witness.model.figures import global_norm
from gradtool.witness.model.stopping import Stop, quiet_threads
from gradtool.witness.model.turns import Turns
from gradtool.witness.model.user_file import Enough, UserFileError, execute, user_line
from gradtool.witness.pytorch.causes.finders import Search
from gradtool.witness.pytorch.model.bystanders import Bystanders
from gradtool.witness.pytorch.model.clipping import clipped
from gradtool.witness.pytorch.model.fresh import Fresh, is_there
from gradtool.witness.pytorch.model.idle import Idle
from gradtool.witness.pytorch.model.later import Later
from gradtool.witness.pytorch.model.leaves import held_beside, leaves_of, models_of, names_of
from gradtool.witness.pytorch.model.loop import Loop
from gradtool.witness.pytorch.model.observed import Observed
from gradtool.witness.pytorch.model.optimizers import alive, with_groups
from gradtool.witness.pytorch.model.parameters import (
    Named,
    groups_of,
    module_names,
    nonfinite,
    norm_of_rows,
    optimizer_record,
    parameters,
)
from gradtool.witness.pytorch.model.recorder import Recorder
from gradtool.witness.pytorch.model.watched import watched

__all__ = ["run_file"]

SAMPLES = 64
"""Numbers of each tensor that are looked at to see whether it has changed."""

MOST = 1000
"""Backward passes without a change of any weight after which no more are waited for."""


def run_file(
    request: ModelRequest, leave: Callable[[Observed], NoReturn], *, as_main: bool, stops: bool
) -> tuple[Mapping[str, Any], Observed | None]:
    """The names of the file, and what was seen if it ran a backward pass; with ``stops`` it ends there.

    A program that goes on all the same is left by ``leave``.
    """
    if not stops:
        return execute(request.path, request.arguments, as_main=as_main), None
    names: Mapping[str, Any] = {}
    with Recorder() as recorder, Search(request.find) as search:
        watch = _Watch(request, recorder, search, leave)
        quiet_threads()
        try:
            with watched(watch), watch.loop.watched(), recorder.changes.named():
                names = execute(request.path, request.arguments, as_main=as_main)
            watch.over()
        except Enough:
            pass
        except UserFileError as error:
            if not watch.seen.backwards and not watch.seen.steps:
                raise
            tell_of_end(error, watch.seen.incidents, watch.seen.notes)
    seen = watch.told()
    return names, seen if seen.steps else None


class _Watch:
    """Sees every backward pass and every optimizer step of the program."""

    def __init__(
        self, request: ModelRequest, recorder: Recorder, search: Search, leave: Callable[[Observed], NoReturn]
    ) -> None:
        self.request, self.search = request, search
        self._stop = Stop(leave)
        self.seen, self.recorder = Observed(), recorder
        self._wanted = request.steps
        self._versions: list[tuple[int, int, float]] = []
        self._pending: list[torch.Tensor] = []
        self._data: dict[int, torch.Tensor] = {}
        """Leaves by which the program differentiates on the way; kept, so that no other tensor gets their ``id``."""
        self._held: set[int] = set()
        self._early: Any = None
        self._stepped = False
        self._first: Any = None
        self._suspected = False
        """Whether gradients were left over, and the next step says whether they are those of the same optimizer."""
        self._beside, self._fresh, self._idle = Bystanders(self.seen), Fresh(), Idle()
        self._turns, self.loop = Turns(), Loop()
        self._later = Later(self.seen, waits=not request.find)
        self._complete = False
        """Whether everything is seen that was asked for, and only the steps of models beside it are waited for."""

    def is_on_the_way(self, outputs: Sequence[torch.Tensor], asked: Sequence[Any], *, graph: bool) -> bool:
        """Whether a derivative is no training's own: a part of a loss to come, as in a penalty, or one by the data."""
        own = {id(parameter) for module in self.recorder.modules() for parameter in module.parameters()}
        by_data = not any(id(one) in own for one in asked)
        if graph or not all(getattr(one, "is_leaf", False) for one in asked):
            self._data |= {id(one): one for one in asked if by_data and getattr(one, "is_leaf", False)}
            return True
        return by_data and any(id(leaf) in own for output in outputs for leaf in leaves_of(output))

    def before(self, tensors: Sequence[torch.Tensor], inputs: Any, frame: FrameType) -> None:
        """Where the weights have moved since the last backward pass, a new iteration begins."""
        with self.search.aside():
            leaves = [leaf for tensor in tensors for leaf in leaves_of(tensor)]
            self.loop.before(tensors, leaves, inputs, frame)
            self._before(tensors, leaves, inputs, frame)
        self.search.before(tensors)

    def _before(
        self, tensors: Sequence[torch.Tensor], leaves: list[torch.Tensor], inputs: Any, frame: FrameType
    ) -> None:
        if self._complete:
            if self._beside.passed() and not self._later.waited_for():
                self._stop(self.told)
            return  # a backward pass that begins behind the last step still runs: it may raise
        moved = self._versions and (self._stepped or self._versions != self._now())
        if moved or self.seen.backwards >= MOST:
            # Other leaves are another loss, as in adversarial training, where old gradients may be left over. What
            # autograd.grad returns is never left over.
            if moved and self.seen.zeroed is None and inputs is None and self._own(leaves) == self._own(self._pending):
                self._look_for_leftovers(leaves)
                self.seen.next_loss = sum(float(tensor.detach().sum()) for tensor in tensors)
            if not moved:
                self._idle.over(self.seen, scaled=bool(self.loop.scalers))
            self._iteration()
            if self._complete:
                return
        elif self.seen.backwards:
            self._idle.look(self.seen)
            if self.seen.norm and not any(is_there(row.tensor) for row in self.seen.rows):
                self.seen.loss = 0.0  # what is shown is the gradient of the losses since
        self._pending = leaves
        if inputs is None and not any(tensor.requires_grad for tensor in tensors):
            self.search.before(tensors)
            self._cut(tensors, frame)

    def _look_for_leftovers(self, leaves: Sequence[torch.Tensor]) -> None:
        """Whether gradients of the step before are still there, of what the optimizer holds if there is one."""
        own = self._own(leaves) & (self._held or self._own(leaves))
        left = [leaf for leaf in leaves if id(leaf) in own and leaf.grad is not None and bool(leaf.grad.any())]
        if left and self._first is not None:
            self._suspected = True
        else:
            self.seen.zeroed = not left

    def _cut(self, tensors: Sequence[torch.Tensor], frame: FrameType) -> None:
        """A loss that requires no gradient: what ran is told, without a gradient anywhere, before PyTorch raises."""
        self._look(tensors, frame)
        if self.seen.rows:
            told = "does not require a gradient: every path from a parameter to it is cut, or everything is frozen"
            self.seen.notes.append(f"the loss of {self.seen.source} {told}")
            self._stop(self.told)

    def over(self) -> None:
        """The program has come to its end, and nothing stopped it."""
        if self.seen.backwards and not self.seen.steps and not self._stepped and self._versions == self._now():
            self._idle.over(self.seen, scaled=bool(self.loop.scalers))

    def after(self, tensors: Sequence[torch.Tensor], frame: FrameType, inputs: Any, found: Any) -> None:
        """Take the figures."""
        with self.search.aside():
            self._after(tensors, frame, inputs, found)

    def _after(self, tensors: Sequence[torch.Tensor], frame: FrameType, inputs: Any, found: Any) -> None:
        if self.seen.steps:
            self._later.look(inputs or (), found if inputs else ())
        if self._complete:
            if not self._waits():
                self._stop(self.told)
            return
        if inputs is not None:
            kept = [leaf.grad for leaf in inputs]
            for leaf, gradient in zip(inputs, found, strict=True):
                leaf.grad = gradient
            self._look(tensors, frame)
            for leaf, gradient in zip(inputs, kept, strict=True):
                leaf.grad = gradient
        else:
            self._look(tensors, frame)
            self.loop.after(tensors, self._pending, frame, self.seen.norm)

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
        if not seen.rows and any(tensor.requires_grad and tensor.grad_fn is None for tensor in tensors):
            seen.notes.append(f"the loss of {seen.source} is a new tensor: nothing leads back from it to a parameter")
        self._fresh.reached(self._pending)
        if not seen.rows or any(id(leaf) not in known for leaf in self._pending):
            ran = [parameter for module in self.recorder.modules() for parameter in module.parameters()]
            seen.models = models_of(frame, [*self._pending, *ran]) | seen.models
            known_before = [row.tensor for row in seen.rows]
            stray = [] if known_before else held_beside(frame, self._pending, alive(torch.optim.Optimizer))
            seen.rows = names_of(seen.models, frame, [*known_before, *self._pending, *stray])
        course = self._course()
        if seen.steps:
            seen.norm = norm_of_rows(course)
        else:
            seen.parameters = parameters(seen.rows, moments=self.request.moments)
            seen.norm = global_norm(seen.parameters)
            seen.layers = self.recorder.layers(module_names(seen.models))
            seen.head = self.recorder.head
            if self.request.clip is not None:
                seen.clipped = clipped(seen.rows, self.request.clip, seen.norm)
        seen.nonfinite = nonfinite(course, seen.norm)
        if len(seen.steps) == max(self.request.find_step - 1, 0):
            self._search(tensors)
        self._versions = self._now()
        if self._early is not None:
            early, self._early = self._early, None
            if groups_of([early]).keys() & {id(row.tensor) for row in seen.rows}:
                self.step(early, closure=True)

    def _search(self, tensors: Sequence[torch.Tensor]) -> None:
        """Keep what the finders say of the iteration that is asked about; its last backward pass says it last."""
        seen = self.seen
        seen.cut = seen.cut or self.recorder.rejoined.found
        if self.request.find:
            now = parameters(seen.rows) if seen.steps else seen.parameters
            loss = tensors[0] if len(tensors) == 1 else sum(tensor.detach().sum() for tensor in tensors)
            self.search.told(seen.rows, loss, wanted_of(now, seen.loss, cut="cut" in self.request.find))
            seen.causes = [replace(cause, step=self.request.find_step) for cause in self.search.causes]
            seen.notes += [note for note in self.search.notes if note not in seen.notes]

    def _course(self) -> list[Named]:
        """The rows whose gradients the steps tell of: behind the first, what another optimizer holds is not among them.

        A step of its own has left gradients there.
        """
        if not self.seen.steps or self._turns.first is None:
            return self.seen.rows
        theirs = self._held - groups_of([self._turns.first]).keys()
        return [row for row in self.seen.rows if id(row.tensor) not in theirs]

    def _own(self, leaves: Sequence[torch.Tensor]) -> set[int]:
        """The leaves by ``id`` without the data."""
        return {id(leaf) for leaf in leaves} - (self._data.keys() - self._held)

    def step(self, optimizer: Any, *, closure: bool) -> None:
        """Say which parameters the optimizer holds; its second step says whose gradients were left over."""
        self.loop.step(optimizer, lambda: norm_of_rows(self._course()), closure=closure)
        if self._fresh.stepped(optimizer) and not closure:
            line = user_line(sys._getframe(1))  # noqa: SLF001  # the way to a caller
            why = "early" if self.loop.is_early(optimizer) else ""
            self.seen.incidents.append(Incident("cleared", type(optimizer).__name__, why, source=line))
        self._beside.steps(optimizer)
        if self._complete:
            self._enough()
            return
        if not self.seen.backwards:
            self._early = optimizer if closure else None  # as LBFGS, which steps before its first backward pass
            return
        self._stepped = True
        self._turns.step(optimizer)
        self._held |= groups_of([optimizer]).keys()
        if self._suspected:
            self._suspected = False
            self.seen.zeroed = False if optimizer is self._first else None
            self._enough()
        if not self.seen.steps and self.seen.optimizer is None:
            seen, self._first = self.seen, optimizer
            self._leave_out_data(optimizer)
            seen.optimizer = optimizer_record(optimizer, seen.rows, self.loop.made.get(optimizer, ""))
            others = [one for one in alive(torch.optim.Optimizer) if one is not optimizer]
            seen.parameters = with_groups(seen.parameters, seen.rows, [optimizer, *others])
            self._beside.leave_out(optimizer)
            for scaler in self.loop.scalers:
                told = "before the backward pass; loss and gradients are shown as they were then"
                seen.notes.append(f"GradScaler multiplied the loss by {scaler.get_scale():g} {told}")

    def _leave_out_data(self, optimizer: Any) -> None:
        """Drop leaves by which the program differentiated on the way, and which no optimizer moves."""
        seen = self.seen
        held = groups_of([optimizer]).keys()
        stray = {row.name for row in seen.rows if id(row.tensor) in self._data.keys() - held}
        if stray:
            seen.parameters = [parameter for parameter in seen.parameters if parameter.name not in stray]
            seen.rows = [row for row in seen.rows if row.name not in stray]
            seen.norm = global_norm(seen.parameters)
            self._versions = self._now()

    def _iteration(self) -> None:
        """One iteration is over."""
        self.end()
        if not self._suspected:
            self._complete = self._has_enough()
        self.recorder.clear()
        self.search.clear()

    def _has_enough(self) -> bool:
        return len(self.seen.steps) >= max(self._wanted, 1) or self._turns.gone()

    def _enough(self) -> None:
        """The last iteration that was asked for ends the program, once the models beside it have had their step."""
        self._complete = self._complete or self._has_enough()
        if self._complete and not self._waits():
            self._stop(self.told)

    def _waits(self) -> bool:
        """Whether something is still to come that says more of the iterations that were asked for."""
        return self._beside.waited_for() or self._later.waited_for()

    def told(self) -> Observed:
        """What was seen, with the iteration that was not over."""
        self.seen.incidents += self.loop.told()
        if self.seen.backwards:
            self.end()
        return self.seen

    def end(self) -> None:
        """Write down an iteration."""
        seen = self.seen
        if self._turns.over(seen.notes if self._wanted else []):
            seen.steps.append(TrainingStep(len(seen.steps) + 1, seen.loss, seen.norm, nonfinite=seen.nonfinite))
        self._versions, self._stepped = [], False
        seen.backwards = 0

    def _now(self) -> list[tuple[int, int, float]]:
        return [_fingerprint(row.tensor) for row in self.seen.rows]


def _fingerprint(tensor: torch.Tensor) -> tuple[int, int, float]:
    """What changes with the weights: in place, behind autograd's back (``.data``), or as another tensor."""
    flat = tensor.detach().reshape(-1)
    some = flat[:: max(1, flat.numel() // SAMPLES)]
    return tensor._version, tensor.data_ptr(), float(some.double().sum())  # noqa: SLF001  # what counts changes in place
