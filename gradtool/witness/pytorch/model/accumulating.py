"""Backward passes of one line that add up before a step: is each a mean that nobody has divided by their number?

The sum of K means is K times the gradient of the mean over all their samples. A program that sums on purpose says so:
by ``reduction="sum"``, by a factor of any kind before the loss, or by scaling the gradients behind the last pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gradtool.evidence import Incident
from gradtool.witness.pytorch.model.statistics import has_numbers

__all__ = ["Accumulating", "undivided_mean"]

MEAN = 1
"""What ``_saved_reduction`` of a loss holds where it is a mean."""

PASSED_THROUGH = ("ToCopy", "View", "Squeeze", "Unsqueeze", "Clone", "Alias", "ReshapeAlias")
"""Operations that keep the value of a single number."""

SAMPLES = 64
"""Numbers of each input that are looked at to tell one batch from another."""

AGREE = 1e-3
"""The relative difference within which a norm is still that of the gradients as the last pass has left them."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One backward pass: its line, its leaves, the data that modules were given for it, and what was reduced."""

    line: str
    leaves: frozenset[int]
    data: frozenset[Any]
    reduced: str
    undivided: bool


class Accumulating:
    """The passes since the gradients were last cleared; the first step that uses several of one line is judged."""

    def __init__(self) -> None:
        self._passes: list[_Pass] = []
        self._data: set[Any] = set()
        self._norm = 0.0
        self.judged = False

    def fed(self, arguments: Sequence[Any]) -> None:
        """A module is called with these: those that lead back to nothing are data."""
        if not self.judged:
            self._data |= {_fingerprint(one) for one in arguments if _is_data(one)}

    def before(self, losses: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor], line: str, scale: float) -> None:
        """A backward pass begins; ``scale`` is what a GradScaler has multiplied its loss by."""
        if not any(leaf.grad is not None and bool(leaf.grad.any()) for leaf in leaves):
            self._passes = []
        reduced, undivided = undivided_mean(losses[0].grad_fn, 1 / scale) if len(losses) == 1 else ("", False)
        own = frozenset(id(leaf) for leaf in leaves)
        self._passes.append(_Pass(line, own, frozenset(self._data), reduced, undivided))
        self._data = set()

    def after(self, norm: float) -> None:
        """It is over, and the gradients have this norm."""
        self._norm = norm

    def step(self, kind: str, norm: Callable[[], float], scale: float) -> Iterator[Incident]:
        """An optimizer of ``kind`` steps on gradients of this ``norm``, from which ``scale`` has been taken again."""
        passes, self._passes = self._passes, []
        if not passes or self.judged:
            return
        self.judged = True
        first = passes[0]
        alike = all((one.line, one.leaves, one.reduced) == (first.line, first.leaves, first.reduced) for one in passes)
        batches = {one.data for one in passes}
        known = not first.data or len(batches) == len(passes)
        if len(passes) < 2 or not alike or not known or not all(one.undivided for one in passes):
            return
        if math.isclose(norm() * scale, self._norm, rel_tol=AGREE):
            yield Incident("undivided", kind, first.reduced, source=first.line, count=len(passes))


def undivided_mean(node: Any, factor: float = 1.0) -> tuple[str, bool]:
    """The name of the reduction that a loss ends in, and whether it is a mean that nothing multiplies.

    ``node`` is the loss's ``grad_fn``; of a sum every term is followed, and the first mean that is found counts.
    """
    if node is None:
        return "", False
    kind = str(node.name()).removesuffix("0").removesuffix("1").removesuffix("Backward")
    above = [one for one, _ in node.next_functions if one is not None]
    if kind in {"Mul", "Div"} and len(above) == 1:
        other = getattr(node, "_saved_other", None)
        other = getattr(node, "_saved_self", None) if other is None else other
        value = float(other) if isinstance(other, torch.Tensor) and other.numel() == 1 else math.nan
        return undivided_mean(above[0], factor / value if kind == "Div" and value else factor * value)
    if kind in {"Add", "Sub"}:
        found = [undivided_mean(one, factor) for one in above]
        return next((one for one in found if one[1]), found[0] if found else ("", False))
    if kind in {*PASSED_THROUGH, "Neg"} and len(above) == 1:
        return undivided_mean(above[0], factor)
    mean = kind == "Mean" or getattr(node, "_saved_reduction", None) == MEAN
    return kind, mean and math.isclose(abs(factor), 1.0, rel_tol=AGREE)


def _is_data(value: Any) -> bool:
    if not isinstance(value, torch.Tensor) or value.requires_grad or not has_numbers(value):
        return False
    return bool(value.layout == torch.strided)


def _fingerprint(tensor: torch.Tensor) -> Any:
    flat = tensor.detach().reshape(-1)
    some = flat[:: max(1, flat.numel() // SAMPLES)]
    sizes = some if some.dtype == torch.bool else some.abs()
    return tuple(tensor.shape), float(sizes.double().sum())
