"""Looks on as autograd's engine is started: by the program, and by a checkpoint inside of a backward pass."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

__all__ = ["before_backward"]

Told = Callable[[Sequence[torch.Tensor]], None]

_lock = threading.Lock()
_listeners: list[tuple[int, Told]] = []
_engine: Any = None
"""PyTorch's own way in, while it is replaced."""


@contextlib.contextmanager
def before_backward(told: Told) -> Iterator[None]:
    """Call ``told`` with the outputs that each backward pass of this thread begins at.

    However contexts of several threads overlap, the last that is left puts PyTorch's own function back.
    """
    global _engine  # noqa: PLW0603  # one process has one engine
    listener = (threading.get_ident(), told)
    with _lock:
        if not _listeners:
            _engine = torch.autograd._engine_run_backward  # noqa: SLF001  # the one place that all ways lead through
            torch.autograd._engine_run_backward = _run  # noqa: SLF001
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)
            if not _listeners:
                torch.autograd._engine_run_backward = _engine  # noqa: SLF001


def _run(outputs: Sequence[torch.Tensor], *args: Any, **kwargs: Any) -> Any:
    for thread, told in tuple(_listeners):
        if thread == threading.get_ident():
            told(outputs)
    return _engine(outputs, *args, **kwargs)
