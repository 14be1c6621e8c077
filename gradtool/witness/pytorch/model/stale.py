"""Steps that come too early: before any gradient, or between a forward pass and its backward pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from gradtool.evidence import Incident
from gradtool.witness.pytorch.graph import nodes
from gradtool.witness.pytorch.model.fresh import is_there
from gradtool.witness.pytorch.model.parameters import groups_of

__all__ = ["Stale"]


class Stale:
    """The last step of each optimizer that moved something, dated by autograd's own count of operations.

    Each thread counts for itself, and no operation says whose it is: where the program computes in several, nothing
    is told.
    """

    def __init__(self) -> None:
        self._steps: dict[int, tuple[int, str, str, set[int]]] = {}
        self._thread = threading.get_ident()
        self._told = False
        self._alone = True

    def starting(self, own: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
        """``Thread.start`` in the place of ``own``; a daemon, a progress bar's or a loader's, computes nothing."""

        def start(thread: threading.Thread) -> None:
            self._alone = self._alone and thread.daemon
            own(thread)

        return start

    def step(self, optimizer: Any, line: str) -> None:
        """An optimizer is about to step."""
        if any(is_there(p) for group in optimizer.param_groups for p in group["params"]):
            self._thread = threading.get_ident()
            self._steps[id(optimizer)] = (_now(), line, type(optimizer).__name__, set(groups_of([optimizer])))

    def before(self, losses: Sequence[torch.Tensor]) -> Iterator[Incident]:
        """A backward pass begins: were weights used on the way that have been stepped since?"""
        if self._told or not self._steps or not self._alone or threading.get_ident() != self._thread:
            return
        used = _used(losses)
        for when, line, kind, held in self._steps.values():
            if any(used.get(key, when) < when for key in held):
                self._told = True
                yield Incident("stale", kind, source=line)
                return


def _now() -> int:
    """How many operations autograd has recorded in this thread."""
    with torch.enable_grad():
        probe = torch.zeros((), requires_grad=True).clone()
    return int(probe.grad_fn._sequence_nr()) if probe.grad_fn is not None else 0  # noqa: SLF001  # no other clock


def _used(losses: Sequence[torch.Tensor]) -> dict[int, int]:
    """For each leaf, by ``id``, when it was last used: what an iteration hands to the next leads back to older uses."""
    found: dict[int, int] = {}
    for loss in losses:
        for node in nodes([loss]):
            for above, _ in node.next_functions:
                leaf = getattr(above, "variable", None)
                if leaf is not None:
                    when = node._sequence_nr()  # noqa: SLF001
                    found[id(leaf)] = max(found.get(id(leaf), when), when)
    return found
