"""Watches a program's backward passes and its optimizers' steps.

Figures are taken after each backward pass, before anyone clips or clears the gradient; the optimizer's step, or
weights that have changed when the next backward pass begins, end the watch. So several losses before one step count
together, and a loop that updates bare tensors by hand works too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any, NoReturn

import torch

from gradtool.evidence import Incident, ModelRequest, TrainingStep
from gradtool.witness.causes.replay import wanted_of
from gradtool.witness.model.figures import global_norm
from gradtool.witness.model.stopping import Stop
from gradtool.witness.model.turns import Turns
from gradtool.witness.model.user_file import user_line
from gradtool.witness.pytorch.causes.finders import Search
from gradtool.witness.pytorch.model.bystanders import Bystanders
from gradtool.witness.pytorch.model.clipping import clipped
from gradtool.witness.pytorch.model.fresh import Fresh, is_there
from gradtool.witness.pytorch.model.idle import Idle
from gradtool.witness.pytorch.model.later import Later
from gradtool.witness.pytorch.model.leaves import leaves_of
from gradtool.witness.pytorch.model.loop import Loop
from gradtool.witness.pytorch.model.observed import Observed
from gradtool.witness.pytorch.model.optimizers import alive, with_groups
from gradtool.witness.pytorch.model.parameters import (
    groups_of,
    module_names,
    nonfinite,
    norm_of_rows,
    optimizer_record,
    parameters,
)
from gradtool.witness.pytorch.model.recorder import Recorder
from gradtool.witness.pytorch.model.rows import Rows

__all__ = ["Watch"]

MOST = 1000
"""Backward passes without a change of any weight after which no more are waited for."""


class Watch:
    """Sees every backward pass and every optimizer step of the program."""

    def __init__(
        self, request: ModelRequest, recorder: Recorder, search: Search, leave: Callable[[Observed], NoReturn]
    ) -> None:
        self.request, self.search = request, search
        self._stop = Stop(leave)
        self.seen, self.recorder = Observed(), recorder
        self._wanted = request.steps
        self.rows = Rows(self.seen)
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
        """Whether a derivative is no training's own."""
        return self.rows.is_on_the_way(outputs, asked, self._ran(), graph=graph)

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
        moved = self.rows.remembered and (self._stepped or self.rows.moved())
        if moved or self.seen.backwards >= MOST:
            # Other leaves are another loss, as in adversarial training, where old gradients may be left over. What
            # autograd.grad returns is never left over.
            own = self.rows.own
            if moved and self.seen.zeroed is None and inputs is None and own(leaves) == own(self.rows.pending):
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
        self.rows.pending = leaves
        if inputs is None and not any(tensor.requires_grad for tensor in tensors):
            self.search.before(tensors)
            self._cut(tensors, frame)

    def _look_for_leftovers(self, leaves: Sequence[torch.Tensor]) -> None:
        """Whether gradients of the step before are still there, of what the optimizer holds if there is one."""
        left = self.rows.left_over(leaves)
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
        if self.seen.backwards and not self.seen.steps and not self._stepped and not self.rows.moved():
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
            self.loop.after(tensors, self.rows.pending, frame, self.seen.norm)

    def _look(self, tensors: Sequence[torch.Tensor], frame: FrameType) -> None:
        """Take the figures, now that the gradients are there."""
        seen = self.seen
        if seen.backwards == 0:
            seen.source = user_line(frame)
        seen.loss = (seen.loss if seen.backwards else 0.0) + sum(float(t.detach().sum()) for t in tensors)
        seen.backwards += 1
        if not seen.rows and any(tensor.requires_grad and tensor.grad_fn is None for tensor in tensors):
            seen.notes.append(f"the loss of {seen.source} is a new tensor: nothing leads back from it to a parameter")
        self.rows.find(frame, self._ran)
        self._fresh.reached(self.rows.pending)
        course = self.rows.course(self._turns.first)
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
        self.rows.remember()
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

    def _ran(self) -> list[torch.Tensor]:
        """The parameters of the modules that were called."""
        return [parameter for module in self.recorder.modules() for parameter in module.parameters()]

    def step(self, optimizer: Any, *, closure: bool) -> None:
        """Say which parameters the optimizer holds; its second step says whose gradients were left over."""
        self.loop.step(optimizer, lambda: norm_of_rows(self.rows.course(self._turns.first)), closure=closure)
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
        self.rows.hold(optimizer)
        if self._suspected:
            self._suspected = False
            self.seen.zeroed = False if optimizer is self._first else None
            self._enough()
        if not self.seen.steps and self.seen.optimizer is None:
            seen, self._first = self.seen, optimizer
            self.rows.leave_out_data(optimizer)
            seen.optimizer = optimizer_record(optimizer, seen.rows, self.loop.made.get(optimizer, ""))
            others = [one for one in alive(torch.optim.Optimizer) if one is not optimizer]
            seen.parameters = with_groups(seen.parameters, seen.rows, [optimizer, *others])
            self._beside.leave_out(optimizer)
            for scaler in self.loop.scalers:
                told = "before the backward pass; loss and gradients are shown as they were then"
                seen.notes.append(f"GradScaler multiplied the loss by {scaler.get_scale():g} {told}")

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
        self.rows.forget()
        self._stepped = False
        seen.backwards = 0
