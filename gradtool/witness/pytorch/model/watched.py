"""PyTorch's two ways to a backward pass, and every optimizer's step, shown to a watcher while a program runs."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, Protocol

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

__all__ = ["Watcher", "watched"]

_unseen = torch._C.DisableTorchFunction  # noqa: SLF001  # no public way; what a watcher computes is none of the program's


class Watcher(Protocol):
    """Who is told."""

    def is_on_the_way(self, outputs: Sequence[torch.Tensor], asked: Sequence[Any], *, graph: bool) -> bool:
        """Whether a derivative is no training's own; such ones are not shown."""

    def before(self, tensors: Sequence[torch.Tensor], inputs: Any, frame: FrameType) -> None:
        """A backward pass from ``tensors`` is about to begin; ``inputs`` are those of ``autograd.grad``, else None."""

    def after(self, tensors: Sequence[torch.Tensor], frame: FrameType, inputs: Any, found: Any) -> None:
        """It is over; ``found`` are the gradients that ``autograd.grad`` returns."""

    def step(self, optimizer: Any, *, closure: bool) -> None:
        """An optimizer is about to step; with a closure it runs its backward passes itself."""


@contextlib.contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Replace ``Tensor.backward``, ``autograd.backward`` and ``autograd.grad`` inside the block."""
    tensor, engine, grad = torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad
    inside = False

    # They keep their names, by which a function mode knows them.
    @functools.wraps(tensor)
    def backward_of(loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        around([loss], sys._getframe(1), lambda: tensor(loss, *args, **kwargs))  # noqa: SLF001  # the way to a caller

    @functools.wraps(engine)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
        several = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
        around(several, sys._getframe(1), lambda: engine(several, *args, **kwargs))  # noqa: SLF001

    @functools.wraps(grad)
    def gradients(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        several = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
        asked = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)  # it may be parameters(), read once
        graph = kwargs.get("create_graph", args[2] if len(args) > 2 else False)
        if not inside:
            with _unseen():
                on_the_way = watcher.is_on_the_way(several, asked, graph=bool(graph))
            if on_the_way:
                return grad(several, asked, *args, **kwargs)
        return around(several, sys._getframe(1), lambda: grad(several, asked, *args, **kwargs), asked)  # noqa: SLF001

    def around(tensors: list[torch.Tensor], frame: FrameType, run: Any, inputs: Any = None) -> Any:
        nonlocal inside
        if inside:  # Tensor.backward calls autograd.backward
            return run()
        inside = True
        try:
            with _unseen():
                watcher.before(tensors, inputs, frame)
            found = run()
            with _unseen():
                watcher.after(tensors, frame, inputs, found)
            return found
        finally:
            inside = False

    def step(optimizer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        given = (*args[1:], kwargs.get("closure"))  # behind the optimizer itself
        with _unseen():
            watcher.step(optimizer, closure=any(one is not None for one in given))

    torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad = backward_of, backward, gradients
    hook = register_optimizer_step_pre_hook(step)
    try:
        yield
    finally:
        hook.remove()
        torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad = tensor, engine, grad
