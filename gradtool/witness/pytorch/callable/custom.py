"""Custom operations and modules on symbolic values: the forward pass of one, and the state of the other put back."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.autograd.function import _SingleLevelFunction

from gradtool.witness.callable.recorder import Recorder, Untraceable
from gradtool.witness.pytorch.callable.symbol import recorders

__all__ = ["applied", "kept", "parameters_of"]


def parameters_of(kind: type) -> Callable[..., Any]:
    """``apply`` under the names of the forward pass."""
    known = list(inspect.signature(kind.forward).parameters.values())  # type: ignore[attr-defined]

    def apply(*given: Any, **named: Any) -> Any:
        bound = inspect.Signature(known if _is_apart(kind) else known[1:]).bind(*given, **named)
        bound.apply_defaults()
        return kind.apply(*bound.args)  # type: ignore[attr-defined]

    apply.__signature__ = inspect.Signature(known if _is_apart(kind) else known[1:])  # type: ignore[attr-defined]
    return apply


def _is_apart(kind: type) -> bool:
    """Whether the forward pass has no ctx, which setup_context gets."""
    return getattr(kind, "setup_context", None) is not _SingleLevelFunction.setup_context


class _Context:
    """Stands in for ``ctx``: takes whatever a forward pass keeps for its backward pass."""

    def __init__(self, recorder: Recorder, count: int) -> None:
        self._recorder = recorder
        self.needs_input_grad = (True,) * count

    def save_for_backward(self, *_: Any) -> None:
        """Kept for nobody."""

    save_for_forward = set_materialize_grads = save_for_backward

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """These outputs are left out."""
        self._recorder.left_out.extend(outputs)

    def mark_dirty(self, *_: Any) -> None:
        """Refused: the operation writes into its inputs."""
        raise Untraceable("changes its inputs in place: ctx.mark_dirty")


def _forward_of(kind: type, recorder: Recorder) -> Callable[..., Any]:
    """The forward pass of a custom operation, in either style, on symbolic values."""
    apart = _is_apart(kind)

    def forward(*given: Any) -> Any:
        before, recorder.forward_only = recorder.forward_only, True
        context = _Context(recorder, len(given))
        try:
            output = kind.forward(*(() if apart else (context,)), *given)  # type: ignore[attr-defined]
            if apart:
                kind.setup_context(context, given, output)  # type: ignore[attr-defined]
            return output
        finally:
            recorder.forward_only = before

    return forward


@contextmanager
def applied() -> Iterator[None]:
    """Where a custom operation is applied to a symbolic value, its forward pass is traced."""

    def apply(kind: Any, *given: Any) -> Any:
        recorder = next(recorders(given), None)
        if recorder is None:
            return super(_SingleLevelFunction, kind).apply(*given)
        return _forward_of(kind, recorder)(*given)

    _SingleLevelFunction.apply = classmethod(apply)
    try:
        yield
    finally:
        del _SingleLevelFunction.apply


def kept(function: Any) -> Callable[..., Any]:
    """``function``, after each call of which its module is as it was before: no symbolic value stays in it."""
    owner = function if isinstance(function, nn.Module) else getattr(function, "__self__", None)
    if not isinstance(owner, nn.Module):
        return function  # type: ignore[no-any-return]  # whatever the caller has
    called = function.forward if function is owner else function

    @functools.wraps(called)
    def guarded(*given: Any, **named: Any) -> Any:
        with _as_before(owner):
            return function(*given, **named)

    return guarded


@contextmanager
def _as_before(owner: nn.Module) -> Iterator[None]:
    modules = list(owner.modules())
    before = [(held, dict(held)) for one in modules for held in (vars(one), one._buffers)]  # noqa: SLF001
    numbers = [(buffer, buffer.clone()) for buffer in owner.buffers()]
    try:
        yield
    finally:
        for held, old in before:
            held.clear()
            held.update(old)
        with torch.no_grad():
            for buffer, number in numbers:
                if not torch.equal(buffer, number):
                    buffer.copy_(number)
