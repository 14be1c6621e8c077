"""What passes PyTorch's function modes unseen, shown to the recorder of the data flow while it is on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.autograd.grad_mode import inference_mode

from gradtool.witness.pytorch.causes.recorder import DataFlow
from gradtool.witness.pytorch.causes.switches import APPLY

__all__ = ["eagerly", "shown"]


@contextlib.contextmanager
def shown(flow: DataFlow) -> Iterator[None]:
    """Show ``torch.from_numpy``, ``nn.Parameter(...)`` and inference mode, too, inside the block."""
    with contextlib.ExitStack() as stack:

        def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
            known = vars(owner).get(name)
            stack.callback(delattr, owner, name) if known is None else stack.callback(setattr, owner, name, known)
            setattr(owner, name, make(getattr(owner, name)))

        replaced(torch, "from_numpy", lambda own: _called(flow, "from_numpy", own))
        replaced(torch.Tensor, "_make_subclass", lambda own: staticmethod(_called(flow, "Parameter", own)))
        active = "_are_functorch_transforms_active"  # the first that a custom function's apply asks, before forward
        replaced(torch._C, active, lambda own: _asked(flow, own))  # noqa: SLF001  # an apply that was bound before stays
        replaced(inference_mode, "__enter__", lambda own: _entered(flow, own))
        replaced(inference_mode, "__exit__", lambda own: _left(flow, own))
        yield


def _called(flow: DataFlow, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        output = own(*args, **kwargs)
        flow.called(name, args, kwargs, output, sys._getframe(1))  # noqa: SLF001  # the way to a caller
        return output

    return call


def _asked(flow: DataFlow, own: Callable[..., Any]) -> Callable[..., Any]:
    def ask() -> Any:
        frame = sys._getframe(1)  # noqa: SLF001
        if frame.f_code is APPLY:
            flow.applied(frame.f_back)
        return own()

    return ask


def _entered(flow: DataFlow, own: Callable[..., Any]) -> Callable[..., Any]:
    def enter(block: Any) -> Any:
        entered = own(block)
        if block.mode:
            flow.switches.opened("inference_mode", sys._getframe(1))  # noqa: SLF001
        return entered

    return enter


def _left(flow: DataFlow, own: Callable[..., Any]) -> Callable[..., Any]:
    def leave(block: Any, *raised: Any) -> Any:
        if block.mode:
            flow.switches.closed()
        return own(block, *raised)

    return leave


def _tell(notes: list[str]) -> None:
    told = "torch.compile was switched off while the causes were looked for"
    if told not in notes:
        notes.append(told)


@contextlib.contextmanager
def eagerly(notes: list[str]) -> Iterator[None]:
    """Run what ``torch.compile`` has compiled as it is written, and say so where there is any.

    PyTorch's compiler is only imported where the program has done so.
    """
    compile_ = torch.compile
    with contextlib.ExitStack() as stack:
        off = False

        def switch_off() -> None:
            nonlocal off
            if not off:
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            off = True

        def compiled(*args: Any, **kwargs: Any) -> Any:
            made = compile_(*args, **kwargs)
            switch_off()
            _tell(notes)
            return made

        if dynamo := sys.modules.get("torch._dynamo"):
            switch_off()
            if dynamo.utils.counters["frames"]["total"]:  # something was compiled before
                _tell(notes)
        torch.compile = compiled
        stack.callback(setattr, torch, "compile", compile_)
        yield
