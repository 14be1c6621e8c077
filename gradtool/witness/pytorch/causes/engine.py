"""Looks on as autograd's engine runs: for the program, and for a checkpoint inside of a backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import torch

from gradtool.witness.causes.patches import Patches

__all__ = ["Around", "around_backward"]

Around = Callable[[Sequence[torch.Tensor], bool], AbstractContextManager[None]]
"""Given the outputs that a pass begins at, and whether it adds to ``.grad``, what is entered for that time."""


def around_backward(around: Around) -> AbstractContextManager[None]:
    """Inside, each backward pass of this thread runs in a context of ``around``'s."""
    return _PATCHES.on(around)


def _install(patches: Patches[Around]) -> None:
    patches.replace(torch.autograd, "_engine_run_backward", _watched)  # all ways into the engine lead through it


_PATCHES = Patches(_install)


def _watched(engine: Callable[..., Any]) -> Callable[..., Any]:
    def run(outputs: Sequence[torch.Tensor], *args: Any, **kwargs: Any) -> Any:
        with ExitStack() as stack:
            for around in _PATCHES.here():
                stack.enter_context(around(outputs, kwargs.get("accumulate_grad", True)))
            return engine(outputs, *args, **kwargs)

    return run
