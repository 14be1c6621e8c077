"""Whether something that autograd lost on the way came back into what it follows: cheap enough for every pass."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch

from gradtool.witness.causes.events import COMMON
from gradtool.witness.pytorch.causes.numbers import numbers_in
from gradtool.witness.pytorch.causes.operations import LIKE, name_of

__all__ = ["Rejoined"]


class Rejoined:
    """Looks at every operation. ``found`` is true once a floating tensor without a graph, or a number, is used again.

    It comes from something with a graph, as ``x.detach()`` or ``x.item()`` do, and what it is used for has one again.
    A log is no such use, nor is a comparison, whose derivative is 0, nor noise of a tensor's shape. An operation
    without either costs two questions.
    """

    def __init__(self) -> None:
        self.found = False
        self._lost: dict[int, weakref.ref[torch.Tensor]] = {}
        self._left: set[float] = set()

    def look(self, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], output: Any) -> None:
        """Look at one operation that has just been done."""
        if self.found:
            return
        if isinstance(output, torch.Tensor):
            if output.requires_grad:
                if self._lost or self._left:
                    self.found = not output.is_leaf and _any((args, kwargs), self._is_back)
            elif output.is_floating_point() and self._is_lost_by(function, args, kwargs):
                self._lost[id(output)] = weakref.ref(output)
        elif isinstance(output, float | list) and _any((args, kwargs), self._is_followed):
            self._left |= set(numbers_in(output, whole=False)) - COMMON

    def _is_lost_by(self, function: Callable[..., Any], args: Any, kwargs: Any) -> bool:
        """Whether numbers of something with a graph go into the output, and not its shape alone."""
        if not _any((args, kwargs), self._is_followed):
            return False
        return name_of(function) not in LIKE or _any((args[1:], kwargs), self._is_followed)

    def _is_followed(self, value: Any) -> bool:
        """Whether it has a graph, or comes from something that had one."""
        return isinstance(value, torch.Tensor) and value.is_floating_point() and (
            value.requires_grad or self._is_lost(value)
        )  # fmt: skip

    def _is_back(self, value: Any) -> bool:
        if isinstance(value, torch.Tensor):
            return self._is_lost(value)
        return isinstance(value, float) and value in self._left

    def _is_lost(self, tensor: torch.Tensor) -> bool:
        known = self._lost.get(id(tensor))
        return known is not None and known() is tensor


def _any(value: Any, wanted: Callable[[Any], bool]) -> bool:
    """Whether any part of nested arguments is wanted."""
    if isinstance(value, tuple | list):
        return any(_any(part, wanted) for part in value)
    if isinstance(value, dict):
        return any(_any(part, wanted) for part in value.values())
    return wanted(value)
