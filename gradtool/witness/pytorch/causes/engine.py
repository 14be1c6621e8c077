"""Looks on as autograd's engine is started: by the program, and by a checkpoint inside of a backward pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from gradtool.witness.causes.patches import Patches

__all__ = ["before_backward"]

Looker = tuple[int, Callable[[Sequence[torch.Tensor]], None]]


def before_backward(told: Callable[[Sequence[torch.Tensor]], None]) -> AbstractContextManager[None]:
    """Inside, ``told`` is called with the outputs that each backward pass of this thread begins at."""
    return _PATCHES.on((threading.get_ident(), told))


def _install(patches: Patches[Looker]) -> None:
    patches.replace(torch.autograd, "_engine_run_backward", _told)  # all ways into the engine lead through it


_PATCHES = Patches(_install)


def _told(engine: Callable[..., Any]) -> Callable[..., Any]:
    def run(outputs: Sequence[torch.Tensor], *args: Any, **kwargs: Any) -> Any:
        for thread, told in _PATCHES.lookers:
            if thread == threading.get_ident():
                told(outputs)
        return engine(outputs, *args, **kwargs)

    return run
