"""Where PyTorch's gradients become exactly zero: a hook on every node of the graph, put there as the node is made."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from gradtool.evidence import Cause
from gradtool.witness.causes.deaths import Death, Deaths
from gradtool.witness.causes.lines import NOWHERE, Spot, spot
from gradtool.witness.causes.operands import Given, number
from gradtool.witness.model.user_file import is_users
from gradtool.witness.pytorch.causes.nodes import operation_of
from gradtool.witness.pytorch.causes.tensors import dtype_of, given_of, key_of, stored, tensors_of
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
AT = ("self", "input", "result")
"""What the slope is taken at is saved as."""
ENDS = 2**63
"""Axes that count from the end are saved as unsigned numbers from here on."""


class DeathFinder:
    """A context around the forward and the backward pass; ``told`` says afterwards where gradients died.

    It sees what the thread does that entered it. The hooks are gone when it is left.
    """

    def __init__(self) -> None:
        self._deaths = Deaths()
        self._lines: dict[int, Spot] = {}
        """By the node's number, which no other node of this thread gets."""
        self._handles: list[Any] = []
        self._mode = _Nodes(self.made)

    def __enter__(self) -> DeathFinder:
        self._mode.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._mode.__exit__(*error)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def made(self, tensors: Any, frame: FrameType) -> None:
        """A function that was called in this frame gave these tensors; their nodes stand on its line."""
        with torch._C.DisableTorchFunction(), contextlib.suppress(RuntimeError):  # noqa: SLF001
            nodes = [tensor.grad_fn for tensor in tensors_of(tensors) if tensor.grad_fn is not None]
            if any(map(self._is_new, nodes)):
                self._hook(nodes, spot(frame))

    def _is_new(self, node: Any) -> bool:
        return not hasattr(node, "variable") and node._sequence_nr() not in self._lines  # noqa: SLF001

    def _hook(self, nodes: Sequence[Any], place: Spot) -> None:
        pending = list(nodes)
        while pending:
            node = pending.pop()
            if self._is_new(node):
                self._lines[node._sequence_nr()] = _own_backward(node) or place  # noqa: SLF001
                self._handles.append(node.register_hook(self._ran))
                pending.extend(following for following, _ in node.next_functions if following is not None)

    def _ran(self, leaving: Sequence[Any], arriving: Sequence[Any]) -> None:
        """One node went backward: ``arriving`` is the gradient of its outputs, ``leaving`` that of its inputs."""
        with torch.no_grad(), torch._C.DisableTorchFunction():  # noqa: SLF001
            node = torch._C._current_autograd_node()  # noqa: SLF001  # a hook that held it would keep it alive
            key, operation = node._sequence_nr(), operation_of(node)  # noqa: SLF001
            place = self._lines.get(key, NOWHERE)
            self._deaths.seen(key, operation, place)
            living = next((one for one in arriving if one is not None and not _is_zero(one)), None)
            for index, ((following, _), gradient) in enumerate(zip(node.next_functions, leaving, strict=False)):
                if following is None or gradient is None:
                    continue
                death = None
                if (zero := _is_zero(gradient)) and living is not None:
                    death = _death(node, operation, place, living, index)
                self._deaths.passed(key, _target(following), death, zero=zero)

    # ---- what is told afterwards

    def told(self, rows: Sequence[Named], step: int = 0) -> list[Cause]:
        """Where the gradients of those ``rows`` died that are all zero."""
        leaves = {
            row.name: ("leaf", id(row.tensor))
            for row in rows
            if row.tensor.requires_grad and row.tensor.grad is not None and _is_zero(row.tensor.grad)
        }
        return self._deaths.causes(leaves, {key_of(row.tensor): row.name for row in rows}, step)


class _Nodes(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not typed here
    """Tells ``made`` of every function of tensors that can make nodes, also of those below a backward pass."""

    def __init__(self, made: Callable[[Any, FrameType], None]) -> None:
        super().__init__()
        self._made = made

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every function of tensors passes here; while one runs, the mode is off."""
        kwargs = kwargs or {}
        if function is torch.Tensor.backward:  # a checkpoint computes inside of it
            gradient = kwargs.get("gradient", args[1] if len(args) > 1 else None)
            options = {name: value for name, value in kwargs.items() if name != "gradient"}
            with _Nodes(self._made):
                return torch.autograd.backward(args[0], gradient, *args[2:], **options)
        output = function(*args, **kwargs)
        if torch.is_grad_enabled():
            # An assignment to a slice gives nothing back.
            self._made(args[:1] if output is None else output, sys._getframe(1))  # noqa: SLF001
        return output


def _target(node: Any) -> Any:
    """A node by its number, a leaf by its ``id``, since what collects its gradient has no number."""
    return ("leaf", id(node.variable)) if hasattr(node, "variable") else node._sequence_nr()  # noqa: SLF001


def _is_zero(tensor: torch.Tensor) -> bool:
    return not bool(stored(tensor).any())


def _own_backward(node: Any) -> Spot | None:
    """The first line of the user's own backward pass, which is where a custom Function loses what it loses."""
    if not isinstance(node, torch.autograd.function.BackwardCFunction):
        return None
    code = getattr(getattr(type(node)._forward_cls, "backward", None), "__code__", None)  # noqa: SLF001
    if code is None or not is_users(code.co_filename):
        return None
    numbers = [number for _, _, number in code.co_lines() if number is not None and number > code.co_firstlineno]
    return code.co_filename, min(numbers, default=code.co_firstlineno), code.co_qualname


def _death(node: Any, operation: str, place: Spot, gradient: torch.Tensor, index: int) -> Death:
    saved = _saved(node)
    at = next((saved[name] for name in AT if isinstance(saved.get(name), torch.Tensor)), None)
    partner = saved.get(_partner(operation, saved, index))
    return Death(
        operation,
        place,
        given_of(gradient),
        None if at is None else given_of(at),
        _factor(partner),
        constant=isinstance(partner, torch.Tensor) and not partner.requires_grad,
        along=_along(saved, at),
        dtype=dtype_of(gradient),
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
