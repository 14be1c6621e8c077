"""Where PyTorch's gradients become exactly zero: a hook on every node of the graph, put there as it begins."""

from __future__ import annotations

import contextlib
import itertools
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gradtool.evidence import Cause
from gradtool.witness.causes.deaths import Death, Deaths
from gradtool.witness.causes.lines import Spot
from gradtool.witness.causes.operands import Given, number
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.model.user_file import is_users
from gradtool.witness.pytorch.causes.eager import eagerly
from gradtool.witness.pytorch.causes.engine import around_backward
from gradtool.witness.pytorch.causes.node_lines import NodeLines, operation_of
from gradtool.witness.pytorch.causes.tensors import dtype_of, given_of, in_memory, key_of
from gradtool.witness.pytorch.graph import nodes
from gradtool.witness.pytorch.model.parameters import Named

__all__ = ["DeathFinder"]

FACTORS = (("self", "other"), ("self", "mat2"), ("mat1", "mat2"), ("batch1", "batch2"), ("self", "vec"))
"""What the two factors of a product are saved as."""
BIASED = ("mat1", "batch1")
"""A product that is saved so has a summand before its factors."""
PARTNERS: Mapping[str, Sequence[str]] = {
    "conv": ("weight", "input"),
    "layer_norm": ("weight",),
    "batch_norm": ("weight",),
    "group_norm": ("weight",),
    "div": ("", "self"),
    "dot": ("tensor", "self"),
    "pow": ("exponent",),
}
"""By operation: what the gradient of its first input is multiplied by, that of the second, and so on."""
NOT_AGAIN = (
    "run again to find where gradients die, some that were exactly 0 were not: what happens there is not the same each "
    "time"
)
FIRST = 64
AT = ("self", "input", "result")
"""What the slope is taken at is saved as."""
ENDS = 2**63
"""Axes that count from the end are saved as unsigned numbers from here on."""


class DeathFinder(TorchDispatchMode):  # type: ignore[misc]  # PyTorch is not typed here
    """A context around the forward and the backward pass; ``told`` says afterwards where gradients died.

    It sees what the thread does that entered it. The hooks are gone when it is left.
    """

    def __init__(self) -> None:
        super().__init__()
        self._deaths = Deaths()
        self._lines = NodeLines()
        self._handles: dict[int, Any] = {}
        """By the node's number, which no other node of this thread gets."""
        self._numbers = itertools.count()
        self._passes: list[tuple[int, bool]] = []
        """The backward passes that run now, one inside the other: the number of each, and whether it adds to .grad."""
        self._inner: set[Any] = set()
        """Where backward passes inside another begin: what is handed on to them is not known to be zero."""
        self.notes: list[str] = []
        self._open = contextlib.ExitStack()

    def __enter__(self) -> DeathFinder:
        with contextlib.ExitStack() as stack:
            stack.callback(self._unhook)
            stack.enter_context(eagerly(self.notes))
            stack.enter_context(around_backward(self._pass))
            super().__enter__()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._open.close()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, what is computed is none of the program's."""
        with torch._C._DisableTorchDispatch():  # noqa: SLF001
            yield

    def clear(self) -> None:
        """A new iteration begins."""
        self._unhook()
        self._deaths, self._inner = Deaths(), set()

    def before(self, tensors: Sequence[torch.Tensor]) -> None:
        """A backward pass from these is about to begin; the engine tells of it, too."""

    def _unhook(self) -> None:
        for handle in self._handles.values():
            handle.remove()
        self._handles.clear()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every operation passes here; those of the forward pass give their lines to their nodes."""
        if torch.is_grad_enabled():
            self._lines.note_call(sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
        return function(*args, **(kwargs or {}))

    @contextlib.contextmanager
    def _pass(self, outputs: Sequence[torch.Tensor], accumulates: bool) -> Iterator[None]:
        """Look at every node of the graph of these outputs while the engine runs."""
        outer, number = torch._C._current_autograd_node(), next(self._numbers)  # noqa: SLF001
        for tensor in outputs:
            if outer is not None and tensor.grad_fn is not None and self._passes:  # a checkpoint hands its gradient on
                user = (self._passes[-1][0], outer._sequence_nr())  # noqa: SLF001
                inner = _target(tensor.grad_fn, (number, accumulates))
                self._deaths.passed(user, inner, None, zero=True)
                self._inner.add(inner)
        for node in nodes(outputs):
            if not hasattr(node, "variable") and node._sequence_nr() not in self._handles:  # noqa: SLF001
                self._handles[node._sequence_nr()] = node.register_hook(self._ran)  # noqa: SLF001
        self._passes.append((number, accumulates))
        try:
            yield
        finally:
            self._passes.pop()

    def _ran(self, leaving: Sequence[Any], arriving: Sequence[Any]) -> None:
        """One node went backward: ``arriving`` is the gradient of its outputs, ``leaving`` that of its inputs."""
        if not self._passes:
            return
        with torch.no_grad(), torch._C._DisableTorchDispatch():  # noqa: SLF001
            node = torch._C._current_autograd_node()  # noqa: SLF001  # a hook that held it would keep it alive
            now = self._passes[-1]
            key, operation = (now[0], node._sequence_nr()), operation_of(node)  # noqa: SLF001
            place = _own_backward(node) or self._lines.at(node)
            self._deaths.seen(key, operation, place)
            known = key not in self._inner and self._deaths.is_dead(key)
            there = () if known else [one for one in arriving if one is not None]
            living = next((one for one in there if not _is_zero(one)), None)
            # What is linear makes zeros of zeros; a backward pass of the user's own may make anything.
            dead = living is None and not isinstance(node, torch.autograd.function.BackwardCFunction)
            for index, ((following, _), gradient) in enumerate(zip(node.next_functions, leaving, strict=False)):
                if following is None or gradient is None:
                    continue
                death = None
                zero = dead or _is_zero(gradient)
                if zero and living is not None:
                    death = _death(node, operation, place, (living, gradient), index)
                self._deaths.passed(key, _target(following, now), death, zero=zero)

    # ---- what is told afterwards

    def told(self, rows: Sequence[Named], _loss: Any, asked: Wanted) -> list[Cause]:
        """Where the gradients of the ``rows`` that are asked for died."""
        with torch._C._DisableTorchDispatch():  # noqa: SLF001
            own = [row for row in rows if row.name in asked.zero and row.tensor.grad is not None]
            leaves = {row.name: self._leaf(row.tensor) for row in own if _is_zero(row.tensor.grad)}
            if len(leaves) < len(asked.zero):
                self.notes.append(NOT_AGAIN)
            return self._deaths.causes(leaves, {key_of(row.tensor): row.name for row in rows})

    def _leaf(self, tensor: torch.Tensor) -> tuple[str, int]:
        """The key of a leaf: of a derivative that the program asked for, only where nothing else added to ``.grad``."""
        leaf = ("leaf", id(tensor))
        return leaf if self._deaths.reached(leaf) else ("asked", id(tensor))


def _target(node: Any, now: tuple[int, bool]) -> Any:
    """A node by the pass and its number, a leaf by its ``id``: what collects its gradient has no number."""
    number, accumulates = now
    if hasattr(node, "variable"):
        return ("leaf" if accumulates else "asked", id(node.variable))
    return (number, node._sequence_nr())  # noqa: SLF001


def _is_zero(tensor: torch.Tensor) -> bool:
    """Most gradients that are not zero show it in their first numbers; the bounds take a third of the time of any()."""
    numbers = in_memory(tensor)
    if numbers.numel() == 0:
        return True
    if numbers.dim() == 1 and numbers[:FIRST].any():
        return False
    return all(not bound for bound in numbers.aminmax())


def _own_backward(node: Any) -> Spot | None:
    """The first line of the user's own backward pass, which is where a custom Function loses what it loses."""
    if not isinstance(node, torch.autograd.function.BackwardCFunction):
        return None
    code = getattr(getattr(type(node)._forward_cls, "backward", None), "__code__", None)  # noqa: SLF001
    if code is None or not is_users(code.co_filename):
        return None
    numbers = [number for _, _, number in code.co_lines() if number is not None and number > code.co_firstlineno]
    return code.co_filename, min(numbers, default=code.co_firstlineno), code.co_qualname


def _death(node: Any, operation: str, place: Spot, gradients: tuple[torch.Tensor, torch.Tensor], index: int) -> Death:
    """``gradients`` are that which arrived and that which left for the input ``index``."""
    saved = _saved(node)
    operation = "floor" if saved.get("rounding_mode") else operation
    at = next((saved[name] for name in AT if isinstance(saved.get(name), torch.Tensor)), None)
    partner = saved.get(_partner(operation, saved, index))
    return Death(
        operation,
        place,
        given_of(gradients[0]),
        None if at is None else given_of(at),
        _factor(partner),
        constant=isinstance(partner, torch.Tensor) and not partner.requires_grad,
        along=_along(saved, at),
        dtype=dtype_of(gradients[1]),
    )


def _saved(node: Any) -> dict[str, Any]:
    """What the node keeps of the forward pass; what was changed since can't be looked at."""
    found: dict[str, Any] = {}
    for name in dir(node):
        if name.startswith("_saved_"):
            with contextlib.suppress(RuntimeError):
                found[name.removeprefix("_saved_")] = getattr(node, name)
    return found


def _partner(operation: str, saved: Mapping[str, Any], index: int) -> str:
    if operation in PARTNERS:
        names = PARTNERS[operation]
        return names[index] if index < len(names) else ""
    for first, second in FACTORS:
        if first in saved and second in saved:
            place = index - (first in BIASED)
            return (second, first)[place] if place in {0, 1} else ""
    return ""


def _factor(partner: Any) -> Given | None:
    if isinstance(partner, torch.Tensor):
        return given_of(partner)
    return number(partner) if isinstance(partner, int | float) else None


def _along(saved: Mapping[str, Any], at: torch.Tensor | None) -> int | None:
    """How many numbers a softmax or a normalisation runs over."""
    if at is None:
        return None
    if "normalized_shape" in saved:
        return int(math.prod(saved["normalized_shape"]))
    axis = saved.get("dim")
    if isinstance(axis, int) and at.ndim:
        return int(at.shape[axis - 2 * ENDS if axis >= ENDS else axis])
    if "running_mean" in saved or "group" in saved:
        groups = at.shape[0] * saved["group"] if "group" in saved else at.shape[1]
        return int(at.numel() // max(1, groups))
    return None
