"""Every layer that runs, in order, with its output as numbers and the gradient that comes back to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from gradtool.evidence import SideLayer
from gradtool.witness.model.room import Call
from gradtool.witness.model.user_file import user_line
from gradtool.witness.pytorch.model.recorder import tensors_in
from gradtool.witness.pytorch.side.layers import Row, called, described, is_dropout, row_of

__all__ = ["Recorder", "Sources", "array_of", "made"]

Sources = dict[int, tuple[Any, str]]
"""The user's line on which each module was made, by its ``id``."""


@contextmanager
def made() -> Iterator[Sources]:
    """A time in which the lines are noted on which modules are made."""
    sources: Sources = {}
    own = nn.Module.__init__

    def __init__(module: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807  # the name that tracebacks show
        own(module, *args, **kwargs)
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the documented way to a caller
        while frame is not None and frame.f_locals.get("self") is module:  # the constructors of its own class
            frame = frame.f_back
        sources[id(module)] = (module, user_line(frame))

    nn.Module.__init__ = __init__
    try:
        yield sources
    finally:
        nn.Module.__init__ = own


class Recorder(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not typed here
    """A context that keeps the ``calls`` of the layers of ``model``. Dropout that is called as a function is off."""

    def __init__(self, model: nn.Module, names: Mapping[int, str], sources: Sources) -> None:
        super().__init__()
        self._sources = sources
        self.calls: list[Call] = []
        self._names = names
        self._modules = {id(module): name for name, module in model.named_modules()}
        self._model = model
        self._stack: list[tuple[nn.Module, Row | None]] = []
        self._known: set[int] = set()
        self._hooks = ExitStack()
        self._asleep = False

    def __enter__(self) -> Recorder:
        for module in self._model.modules():
            self._hooks.callback(module.register_forward_pre_hook(self._enter).remove)
            self._hooks.callback(module.register_forward_hook(self._leave, always_call=True).remove)
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._hooks.close()

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every function of tensors passes here; an activation outside a module of its own is a layer."""
        off = is_dropout(function)
        output = (args[0] if args else (kwargs or {})["input"]) if off else function(*args, **(kwargs or {}))
        if self._asleep or self._inside():
            return output
        layer = called(function, args, kwargs or {}, output)
        if layer is not None:
            owner = self._modules.get(id(self._stack[-1][0]), "") if self._stack else ""
            named = replace(
                layer,
                name=f"{owner}.{layer.name}" if owner else layer.name,
                source=user_line(sys._getframe(1)),  # noqa: SLF001  # the documented way to a caller
            )
            self._keep([named], args[:1], output)
        return output

    def _inside(self) -> bool:
        """Whether a layer is at work that counts as a whole."""
        return any(row is not None for _, row in self._stack)

    def _enter(self, module: nn.Module, _arguments: Any) -> None:
        self._stack.append((module, row_of(module)))

    def _leave(self, module: nn.Module, arguments: Any, output: Any) -> None:
        row: Row | None = None
        while self._stack:
            inner, row = self._stack.pop()
            if inner is module:
                break
        own = any(True for _ in module.parameters(recurse=False))
        if self._asleep or self._inside() or (row is None and not own):
            return
        source = self._sources.get(id(module), (None, ""))[1] or user_line(sys._getframe(1))  # noqa: SLF001
        name, first = self._modules[id(module)], id(module) not in self._known
        self._known.add(id(module))
        title = name or type(module).__name__
        self._keep(list(described(title, module, row, self._names, source, first=first)), arguments[:1], output)

    def _keep(self, layers: list[SideLayer], arguments: Any, output: Any) -> None:
        """Note the layers; the output is that of the last, and is copied, since what follows may work in place."""
        tensor = next(tensors_in(output), None)
        taken = next((part for part in arguments if isinstance(part, torch.Tensor)), None)
        takes = [] if taken is None else [*map(int, taken.shape)]
        for layer in layers[:-1]:
            self.calls.append(Call(layer))
        call = Call(replace(layers[-1], takes=takes, config=_axis_named(layers[-1].config, len(takes))))
        self.calls.append(call)
        if tensor is None:
            return
        self._asleep = True
        try:
            with torch._C.DisableTorchFunction():  # noqa: SLF001  # our own arithmetic is not the model's
                call.value = array_of(tensor)
                call.layer = replace(call.layer, shape=tuple(tensor.shape))
                if tensor.requires_grad:
                    tensor.register_hook(lambda gradient: _add(call, gradient))
        finally:
            self._asleep = False


def _axis_named(config: dict[str, str], axes: int) -> dict[str, str]:
    """An axis as ``last``, or its place; of images and sequences, whose axes stand in another order, none."""
    if "axis" not in config:
        return config
    if config["axis"] in ("-1", str(axes - 1)):
        return {**config, "axis": "last"}
    return config if axes == 2 or config["axis"] == "0" else {k: text for k, text in config.items() if k != "axis"}


def _add(call: Call, gradient: torch.Tensor) -> None:
    call.gradient = array_of(gradient)


def array_of(tensor: torch.Tensor) -> Any:
    """The numbers of a tensor, as a copy; of a sparse one, dense."""
    with torch._C.DisableTorchFunction(), torch.no_grad():  # noqa: SLF001
        return np.array(tensor.detach().to_dense().cpu().numpy())
