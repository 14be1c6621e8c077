"""What a training loop does around its backward passes, watched in the order in which it happens."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from gradtool.evidence import Incident
from gradtool.witness.model.user_file import user_line
from gradtool.witness.pytorch.model.accumulating import Accumulating
from gradtool.witness.pytorch.model.clips import CLIPPING, Clips, watching
from gradtool.witness.pytorch.model.repeated import Repeated
from gradtool.witness.pytorch.model.stale import Stale

__all__ = ["Loop"]


class Loop:
    """Told of each backward pass and each step by whoever watches those; scaling and clipping it watches itself."""

    def __init__(self) -> None:
        self.incidents: list[Incident] = []
        self.made: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        """The lines that made the optimizers."""
        self.scalers: list[Any] = []
        """Those that have multiplied a loss."""
        self._scaled: list[tuple[weakref.ref[torch.Tensor], float]] = []
        self._scale = 1.0
        self._backwards = 0
        self._early: weakref.WeakSet[Any] = weakref.WeakSet()
        self._accumulating, self._repeated = Accumulating(), Repeated()
        self._stale, self._clips = Stale(), Clips()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what is scaled, clipped and fed, and who makes optimizers, inside the block."""
        scaler, optimizer = torch.amp.GradScaler, torch.optim.Optimizer
        places = [
            (scaler, "scale", self._scaling),
            (scaler, "unscale_", self._unscaling),
            (optimizer, "__init__", self._making),
            (threading.Thread, "start", self._stale.starting),
            *(
                (place, name, self._clipping)
                for place in (torch.nn.utils, torch.nn.utils.clip_grad)
                for name in CLIPPING
            ),
        ]
        kept = [(place, name, getattr(place, name)) for place, name, _ in places]
        hook = register_module_forward_pre_hook(lambda _, arguments: self._accumulating.fed(arguments))
        try:
            for (place, name, own), (_, _, wrapper) in zip(kept, places, strict=True):
                setattr(place, name, wrapper(own))
            yield
        finally:
            hook.remove()
            for place, name, own in kept:
                setattr(place, name, own)

    # ---- what it is told of

    def before(
        self, losses: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor], inputs: Any, frame: FrameType
    ) -> None:
        """A backward pass from ``losses`` to ``leaves`` begins; what ``autograd.grad`` returns adds up nowhere."""
        self.incidents += self._stale.before(losses)
        self._backwards += 1
        if inputs is not None:
            return
        line = user_line(frame)
        self._scale = self._scale_of(losses)
        self._accumulating.before(losses, leaves, line, self._scale)
        self.incidents += self._repeated.before(losses, leaves, line)

    def after(
        self, losses: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor], frame: FrameType, norm: float
    ) -> None:
        """It is over: the gradients of ``leaves`` are there, and all together have this norm."""
        self._repeated.after(losses, leaves, user_line(frame))
        self._clips.after(leaves, self._scale)
        self._accumulating.after(norm)

    def step(self, optimizer: Any, norm: Callable[[], float], *, closure: bool) -> None:
        """An optimizer is about to step; with a closure it asks for the backward passes itself."""
        if not closure:
            if not self._backwards:
                self._early.add(optimizer)
            self._stale.step(optimizer, user_line(sys._getframe(1)))  # noqa: SLF001  # the way to a caller
            self.incidents += self._accumulating.step(type(optimizer).__name__, norm, self._scale)
        self._repeated.step()
        self._clips.step(optimizer)

    def is_early(self, optimizer: Any) -> bool:
        """Whether its first step came before the first backward pass."""
        return optimizer in self._early

    def told(self) -> list[Incident]:
        """What was done wrong; asked again, only what has been since."""
        told, self.incidents, self._clips = [*self.incidents, *self._clips.told()], [], Clips()
        return told

    # ---- what it watches itself

    def _scaling(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def scale(scaler: Any, outputs: Any) -> Any:
            scaled = own(scaler, outputs)
            if scaler.is_enabled():
                if not any(one is scaler for one in self.scalers):
                    self.scalers.append(scaler)
                several = [scaled] if isinstance(scaled, torch.Tensor) else list(scaled)
                self._scaled = [(weakref.ref(one), scaler.get_scale()) for one in several]
            return scaled

        return scale

    def _scale_of(self, losses: Sequence[torch.Tensor]) -> float:
        return next((scale for ref, scale in self._scaled if any(ref() is loss for loss in losses)), 1.0)

    def _unscaling(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def unscale_(scaler: Any, optimizer: Any) -> None:
            own(scaler, optimizer)
            self._clips.unscaled(optimizer)

        return unscale_

    def _making(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            own(optimizer, *args, **kwargs)
            self.made[optimizer] = user_line(sys._getframe(1))  # noqa: SLF001

        return __init__

    def _clipping(self, own: Callable[..., Any]) -> Callable[..., Any]:
        return watching(own, self._clips.clip)
