"""Looks on as autograd's engine is started: by the program, and by a checkpoint inside of a backward pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from gradtool.witness.pytorch.causes.replaced import replaced

__all__ = ["before_backward"]


def before_backward(told: Callable[[Sequence[torch.Tensor]], None]) -> AbstractContextManager[None]:
    """Call ``told`` with the outputs that each backward pass of this thread begins at, inside the block."""
    thread = threading.get_ident()

    def make(engine: Callable[..., Any]) -> Callable[..., Any]:
        def run(outputs: Sequence[torch.Tensor], *args: Any, **kwargs: Any) -> Any:
            if thread == threading.get_ident():
                told(outputs)
            return engine(outputs, *args, **kwargs)

        return run

    return replaced(torch.autograd, "_engine_run_backward", make)  # all ways into the engine lead through it
