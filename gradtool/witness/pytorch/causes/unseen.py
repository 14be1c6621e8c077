"""What passes PyTorch's function modes unseen, shown to the recorders of the data flow that are on in its thread."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.autograd.grad_mode import inference_mode

from gradtool.witness.causes.patches import Patches
from gradtool.witness.pytorch.causes.recorder import DataFlow
from gradtool.witness.pytorch.causes.switches import APPLY

__all__ = ["shown"]


def shown(flow: DataFlow) -> AbstractContextManager[None]:
    """Inside, ``flow`` sees ``from_numpy``, ``nn.Parameter(...)``, inference mode, custom functions, and modules."""
    return _PATCHES.on(flow)


def _install(patches: Patches[DataFlow]) -> None:
    patches.replace(torch, "from_numpy", lambda own: _called("from_numpy", own))
    patches.replace(torch.Tensor, "_make_subclass", lambda own: staticmethod(_called("Parameter", own)))
    patches.replace(inference_mode, "__enter__", _entered)
    patches.replace(inference_mode, "__exit__", _left)
    patches.replace(torch.nn.Module, "_call_impl", _module)  # a global hook would make torch.compile warn
    # What a custom function's apply asks first; an apply that somebody has kept is reached by no other way.
    patches.replace(torch._C, "_are_functorch_transforms_active", _asked)  # noqa: SLF001


_PATCHES = Patches(_install)


def _called(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        output = own(*args, **kwargs)
        for flow in _PATCHES.lookers:
            flow.called(name, args, kwargs, output, sys._getframe(1))  # noqa: SLF001  # the way to a caller
        return output

    return call


def _module(own: Callable[..., Any]) -> Callable[..., Any]:
    def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        for flow in _PATCHES.lookers:
            flow.module(module)
        return own(module, *args, **kwargs)

    return call


def _asked(own: Callable[..., Any]) -> Callable[..., Any]:
    def ask() -> Any:
        frame = sys._getframe(1)  # noqa: SLF001
        for flow in _PATCHES.lookers if frame.f_code is APPLY else ():
            flow.applied(frame.f_back)
        return own()

    return ask


def _entered(own: Callable[..., Any]) -> Callable[..., Any]:
    def enter(block: Any) -> Any:
        entered = own(block)
        for flow in _PATCHES.lookers if block.mode else ():
            flow.inferring(sys._getframe(1), on=True)  # noqa: SLF001
        return entered

    return enter


def _left(own: Callable[..., Any]) -> Callable[..., Any]:
    def leave(block: Any, *raised: Any) -> Any:
        for flow in _PATCHES.lookers if block.mode else ():
            flow.inferring(sys._getframe(1), on=False)  # noqa: SLF001
        return own(block, *raised)

    return leave
