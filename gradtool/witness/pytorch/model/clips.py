"""PyTorch's clipping functions, watched: whether a call changes what the next step uses, and in which units."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from gradtool.evidence import Incident
from gradtool.witness.model.user_file import ROOT, user_line
from gradtool.witness.pytorch.model.fresh import is_there
from gradtool.witness.pytorch.model.parameters import groups_of

__all__ = ["CLIPPING", "Clips", "watching"]

CLIPPING = ("clip_grad_norm_", "clip_grad_value_")


class Clips:
    """Each line that clips, and whether it ever did anything; a GradScaler's gradients are known by their leaves."""

    def __init__(self) -> None:
        self._idle: dict[str, str] = {}
        self._busy: set[str] = set()
        self._used: set[int] = set()
        self._scaled: dict[int, float] = {}
        self._told: dict[str, Incident] = {}

    def clip(self, function: str, parameters: Sequence[Any], limit: float, line: str) -> None:
        """One call on ``line``. A limit that is infinite only measures."""
        if not math.isfinite(limit):
            return
        there = [one for one in parameters if is_there(one)]
        if not parameters:
            self._idle.setdefault(line, "nothing")
        elif not there:
            self._idle.setdefault(line, "early")
        elif all(id(one) in self._used for one in there):
            self._idle.setdefault(line, "late")
        else:
            self._busy.add(line)
        scales = [self._scaled[id(one)] for one in there if id(one) in self._scaled]
        if scales and not _is_short(limit / scales[0]):
            self._told.setdefault(line, Incident("clip_scaled", function, f"{scales[0]:g}", f"{limit:g}", line))

    def after(self, leaves: Sequence[torch.Tensor], scale: float) -> None:
        """A backward pass is over, whose loss was multiplied by ``scale``."""
        for leaf in leaves:
            self._used.discard(id(leaf))
            self._scaled.pop(id(leaf), None)
            if scale != 1:
                self._scaled[id(leaf)] = scale

    def unscaled(self, optimizer: Any) -> None:
        """The scale is taken from the gradients that ``optimizer`` holds."""
        for key in groups_of([optimizer]):
            self._scaled.pop(key, None)

    def step(self, optimizer: Any) -> None:
        """They are used."""
        self.unscaled(optimizer)
        self._used |= groups_of([optimizer]).keys()

    def told(self) -> Iterator[Incident]:
        """What the lines that clip have done wrong."""
        yield from self._told.values()
        for line, why in self._idle.items():
            if line not in self._busy:
                yield Incident("clip_idle", why, source=line)


def _is_short(number: float) -> bool:
    """Whether somebody would write it: a limit that the program itself has multiplied by the scale is one of them."""
    return float(f"{number:.3g}") == number


def watching(own: Callable[..., Any], clip: Callable[[str, Sequence[Any], float, str], None]) -> Callable[..., Any]:
    """The clipping function ``own``, which tells ``clip`` of each call first; our own calls are not told."""

    def clipping(parameters: Any, *args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1)  # noqa: SLF001  # the way to a caller
        several = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
        limit = args[0] if args else kwargs.get("max_norm", kwargs.get("clip_value"))
        if limit is not None and not caller.f_code.co_filename.startswith(ROOT):
            clip(own.__name__, several, float(limit), user_line(caller))
        return own(several, *args, **kwargs)

    return clipping
