"""Looks on while a model runs: every module's output, and the gradient that comes back to it.

Global hooks see every module, whoever calls it, so the same recorder serves a model that we run and the user's own
script. Activations called as functions (``F.relu(x)``) are seen by a function mode. Only figures are kept, as tensors
of one number, so that nothing waits for the device before the end.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from gradtool.evidence import Head, Layer
from gradtool.witness.model.user_file import user_frame, user_line
from gradtool.witness.pytorch.model.activations import Activation, activation_of, called_as, dead_units
from gradtool.witness.pytorch.model.head import head_seen, loss_called
from gradtool.witness.pytorch.model.statistics import norm_of

__all__ = ["Recorder", "tensors_in"]


@dataclass(slots=True)
class _Seen:
    """One module, or one function called inside a module, over all of its calls."""

    kind: str
    place: int
    inner: bool
    source: str
    activation: Activation | None = None
    graded: bool = True
    """Whether a graph was recorded; a call without one gives way to one with it, and never adds to it."""
    calls: int = 0
    shape: tuple[int, ...] = ()
    forward: list[tuple[torch.Tensor, ...]] = field(default_factory=list)
    gradients: list[torch.Tensor] = field(default_factory=list)
    dead: torch.Tensor | None = None
    saturated: list[torch.Tensor] = field(default_factory=list)
    samples: int = 0
    axis: int = 0


class Recorder(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not typed here
    """A context in which modules and activations are looked at. ``layers`` gives the figures afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[int, tuple[nn.Module, _Seen]] = {}
        self._functions: dict[tuple[int, str, Any], _Seen] = {}
        self._count = -1
        self._stack: list[nn.Module] = []
        self._last: tuple[Any, int, tuple[torch.Tensor, ...]] = (None, 0, ())
        self._hooks = ExitStack()
        self._asleep = False
        self._activated: tuple[Any, str] = (None, "")
        self.head: Head | None = None
        """What the last loss function was given."""

    def __enter__(self) -> Recorder:
        for handle in (
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module, always_call=True),
        ):
            self._hooks.callback(handle.remove)
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._hooks.close()

    # ---- what happens while the model runs

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every function of tensors passes here; an activation outside a module of its own is a layer."""
        output = function(*args, **(kwargs or {}))
        name = called_as(function)
        if name and not self._asleep and not (self._stack and activation_of(self._stack[-1])):
            self._function(name, args, kwargs or {}, output)
        elif not self._asleep and (loss := loss_called(function)):
            given = args[0] if args else (kwargs or {}).get("input")
            self.head = head_seen(loss, self.final_of(given), *args[:2], **(kwargs or {})) or self.head
        return output

    def _enter_module(self, module: nn.Module, _arguments: Any) -> None:
        self._stack.append(module)

    def _leave_module(self, module: nn.Module, _arguments: Any, output: Any) -> None:
        while self._stack and self._stack.pop() is not module:
            pass
        if self._asleep:
            return
        graded = torch.is_grad_enabled()
        if (known := self._modules.get(id(module))) is None or graded > known[1].graded:
            source = user_line(sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
            inner = any(True for _ in module.children())
            row = _Seen(type(module).__name__, self._next(), inner, source, activation_of(module), graded)
            self._modules[id(module)] = (module, row)
        seen = self._modules[id(module)][1]
        if graded < seen.graded:
            return
        for tensor in tensors_in(output):
            self._look(seen, tensor)
            break

    def _function(self, name: str, args: Any, kwargs: Mapping[str, Any], output: Any) -> None:
        caller = user_frame(sys._getframe(2))  # noqa: SLF001
        owner = self._stack[-1] if self._stack else None
        # Two calls on one line are two layers; one call in a loop is one.
        place = (caller.f_code, caller.f_lasti) if caller else None
        key, graded = (id(owner), name, place), torch.is_grad_enabled()
        known = self._functions.get(key)
        if not graded and (owner is None or (known is not None and known.graded)):
            return
        if known is None or graded > known.graded:
            row = Activation.of(name, args, kwargs)
            self._functions[key] = _Seen(name, self._next(), False, user_line(caller), row, graded)
        for tensor in tensors_in(output):
            self._look(self._functions[key], tensor)
            break

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _look(self, seen: _Seen, tensor: torch.Tensor) -> None:
        """Keep the figures of an output, and of the gradient when it comes."""
        self._asleep = True
        try:
            with torch._C.DisableTorchFunction(), torch.no_grad():  # noqa: SLF001  # our own arithmetic is not the model's
                value = tensor.detach()
                seen.calls += 1
                if seen.activation and seen.graded:
                    self._activated = (tensor, seen.activation.name)
                seen.shape = tuple(value.shape)
                seen.samples = max(seen.samples, value.shape[0] if value.ndim else 1)
                if value.numel():
                    seen.forward.append(self._figures(tensor))
                    self._activation(seen, value)
            if tensor.requires_grad:
                tensor.register_hook(lambda gradient: seen.gradients.append(norm_of(gradient)))
        finally:
            self._asleep = False

    def _figures(self, tensor: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(norm, least, largest); a container hands on the very tensor of its last child, which is not read twice."""
        known, version, found = self._last
        now = 0 if tensor.is_inference() else tensor._version  # noqa: SLF001  # what counts changes in place
        if known is not tensor or version != now:
            least, largest = torch.aminmax(tensor.detach())
            found = (norm_of(tensor), least, largest)
            self._last = (tensor, now, found)
        return found

    def _activation(self, seen: _Seen, value: torch.Tensor) -> None:
        row = seen.activation
        if row is None:
            return
        seen.axis = value.shape[row.axis] if row.axis is not None and value.ndim else 0
        if row.flat is not None:
            low, high = row.flat
            seen.saturated.append(((value <= low) | (value >= high)).float().mean())
        if row.dies:
            silent = dead_units(value)
            seen.dead = silent if seen.dead is None or seen.dead.shape != silent.shape else seen.dead & silent

    def final_of(self, output: Any) -> str:
        """The activation that made this tensor, or the tensor that it is a view of; empty for any other."""
        made, name = self._activated
        if not isinstance(output, torch.Tensor) or made is None or output.numel() != made.numel():
            return ""
        return name if output is made or output.data_ptr() == made.data_ptr() else ""

    # ---- what is told afterwards

    def layers(self, names: Mapping[int, str]) -> list[Layer]:
        """The layers in the order of execution; ``names`` are those of the modules by ``id``.

        Modules without a name are none of the model's, such as the loss. The model itself, whose name is empty, ends
        where its last layer does, and is left out unless it is a layer.
        """
        rows = [(names[key], seen) for key, (_, seen) in self._modules.items() if key in names]
        rows = [(name, seen) for name, seen in rows if name or not seen.inner]
        for (owner, _, _), seen in self._functions.items():
            if owner in names or owner == id(None):
                prefix = names.get(owner, "")
                rows.append((f"{prefix}.{seen.kind}" if prefix else seen.kind, seen))
        rows = _told_apart(rows)
        return sorted((_layer(name, seen) for name, seen in rows), key=lambda layer: layer.place)

    def modules(self) -> list[nn.Module]:
        """The modules that ran."""
        return [module for module, _ in self._modules.values()]

    def clear(self) -> None:
        """Forget what was seen: a new iteration begins."""
        self._modules, self._functions = {}, {}


def _told_apart(rows: list[tuple[str, _Seen]]) -> list[tuple[str, _Seen]]:
    """The second of a name becomes ``relu_2``, and so on."""
    count: Counter[str] = Counter()
    found = []
    for name, seen in rows:
        count[name] += 1
        found.append((f"{name}_{count[name]}" if count[name] > 1 else name, seen))
    return found


def _layer(name: str, seen: _Seen) -> Layer:
    count = 1
    for length in seen.shape:
        count *= length
    norms = [float(norm) for norm, _, _ in seen.forward]
    rms = [norm / max(count, 1) ** 0.5 for norm in norms]
    gradients = [float(norm) for norm in seen.gradients]
    dead = seen.dead
    return Layer(
        name=name or seen.kind,
        kind=seen.kind,
        place=seen.place,
        calls=seen.calls,
        shape=seen.shape,
        inner=seen.inner,
        rms=_largest(rms),
        least=min((float(least) for _, least, _ in seen.forward), default=0.0),
        largest=_largest([float(largest) for _, _, largest in seen.forward]),
        nonfinite=sum(not (math.isfinite(least) and math.isfinite(largest)) for _, least, largest in seen.forward),
        gradient=_largest(gradients) if gradients else None,
        activation=seen.activation.name if seen.activation else "",
        units=0 if dead is None else dead.numel(),
        dead=0 if dead is None else int(dead.sum()),
        samples=seen.samples,
        saturated=_largest([float(share) for share in seen.saturated]),
        axis=seen.axis,
        source=seen.source,
        first_rms=rms[0] if len(rms) > 1 else None,
        last_gradient=gradients[0] if len(gradients) > 1 else None,  # backward begins at the last call
    )


def _largest(numbers: list[float]) -> float:
    """The largest; NaN if one of them is."""
    return next((number for number in numbers if number != number), max(numbers, default=0.0))  # noqa: PLR0124


def tensors_in(output: Any) -> Iterator[torch.Tensor]:
    """Every floating-point tensor in nested tuples, lists and mappings, in their order."""
    if isinstance(output, torch.Tensor):
        if output.is_floating_point():
            yield output
    elif isinstance(output, Mapping):
        for part in output.values():
            yield from tensors_in(part)
    elif isinstance(output, list | tuple):
        for part in output:
            yield from tensors_in(part)
    elif hasattr(output, "__dict__") and not isinstance(output, type | nn.Module):
        yield from tensors_in(vars(output))
