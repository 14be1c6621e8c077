"""Looks on while a model runs: every module's output, and the gradient that comes back to it.

Global hooks see every module, whoever calls it, so the same recorder serves a model that we run and the user's own
script. Activations called as functions (``F.relu(x)``) are seen by a function mode. Only figures are kept.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

from gradtool.evidence import Head, Layer
from gradtool.witness.model.figures import Figures, Numbers, figures, norm
from gradtool.witness.model.seen import Seen, told_apart
from gradtool.witness.model.user_file import user_frame, user_line
from gradtool.witness.pytorch.causes.rejoined import Rejoined
from gradtool.witness.pytorch.model.activations import activation_called, activation_of, called_as
from gradtool.witness.pytorch.model.head import difference_taken, head_seen, loss_called, pairs_seen
from gradtool.witness.pytorch.model.in_place import InPlace, may_change
from gradtool.witness.pytorch.model.statistics import has_numbers, numbers

__all__ = ["Recorder", "tensors_in"]


_unseen = torch._C.DisableTorchFunction  # noqa: SLF001  # no public way; our own arithmetic is not the model's

CHANNELS_FROM = 4
"""Outputs with at least so many axes are those of images: a unit is a channel, which is axis 1."""


class Recorder(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not typed here
    """A context in which modules and activations are looked at. ``layers`` gives the figures afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[int, tuple[nn.Module, Seen]] = {}
        self._functions: dict[tuple[int, str, Any], Seen] = {}
        self._count = -1
        self._stack: list[nn.Module] = []
        self._last: tuple[Any, int, Figures] = (None, 0, Figures())
        self._hooks = ExitStack()
        self._stepping = False
        self._activated: tuple[Any, str] = (None, "")
        self.rejoined, self.changes = Rejoined(), InPlace()
        self.head: Head | None = None
        """What the last loss function was given."""

    def __enter__(self) -> Recorder:
        for handle in (
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module, always_call=True),
            register_optimizer_step_pre_hook(self._enter_step),
            register_optimizer_step_post_hook(self._leave_step),
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
        kwargs = kwargs or {}
        if self._stepping:
            return function(*args, **kwargs)
        given = self.changes.before(args, kwargs) if may_change(function, args, kwargs) else ()
        output = function(*args, **kwargs)
        if given:
            self.changes.after(given, sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
        self.rejoined.look(function, args, kwargs, output)
        name = called_as(function)
        if name and not (self._stack and activation_of(self._stack[-1])):
            self._function(name, args, kwargs, output)
        elif loss := loss_called(function):
            if self.head is None or not self.head.source:
                final = self.final_of(args[0] if args else kwargs.get("input"))
                self.head = head_seen(loss, final, *args[:2], **kwargs) or self.head
        elif difference_taken(function) and self._is_outside():
            source = user_line(sys._getframe(1))  # noqa: SLF001
            self.head = (source and pairs_seen(args, self.final_of, source)) or self.head
        return output

    def _is_outside(self) -> bool:
        """Whether no module that learns is at work: what happens now is the loss, or on the way to it."""
        return not any(True for module in self._stack for _ in module.parameters())

    def _enter_step(self, optimizer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """An optimizer's own arithmetic, hundreds of small functions, is not the model's; that of its closure is."""
        held = (parameter for group in optimizer.param_groups for parameter in group["params"])
        with _unseen():
            self.changes.steps(held, sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
        self._stepping = not any(one is not None for one in (*args[1:], kwargs.get("closure")))

    def _leave_step(self, _optimizer: Any, _args: Any, _kwargs: Any) -> None:
        self._stepping = False

    def _enter_module(self, module: nn.Module, _arguments: Any) -> None:
        self._stepping = False  # a step that raised has not been left
        self._stack.append(module)

    def _leave_module(self, module: nn.Module, _arguments: Any, output: Any) -> None:
        while self._stack and self._stack.pop() is not module:
            pass
        graded = torch.is_grad_enabled()
        if (known := self._modules.get(id(module))) is None or graded > known[1].graded:
            source = user_line(sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
            inner = any(True for _ in module.children())
            kind, activation = type(module).__name__, activation_of(module)
            row = Seen(kind, self._next(), inner, source, activation, CHANNELS_FROM, graded)
            self._modules[id(module)] = (module, row)
        seen = self._modules[id(module)][1]
        if graded < seen.graded:
            return
        self._look(seen, output)

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
            row = activation_called(name, args, kwargs)
            self._functions[key] = Seen(name, self._next(), False, user_line(caller), row, CHANNELS_FROM, graded)
        self._look(self._functions[key], output)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _look(self, seen: Seen, output: Any) -> None:
        """Keep the figures of the first tensor of an output, and of its gradient when it comes."""
        with _unseen(), torch.no_grad():
            tensor = next(tensors_in(output), None)
            if tensor is None or not has_numbers(tensor):
                return
            values = numbers(tensor)
            if seen.activation and seen.graded:
                self._activated = (tensor, seen.activation.name)
            seen.look(values.reshape(tuple(tensor.shape)), self._figures(tensor, values))
            if tensor.requires_grad:  # backward begins at the last call
                tensor.register_hook(lambda gradient: seen.gradients.insert(0, norm(numbers(gradient))))

    def _figures(self, tensor: torch.Tensor, values: Numbers) -> Figures:
        """A container hands on the very tensor of its last child, which is not read twice."""
        known, version, found = self._last
        now = 0 if tensor.is_inference() else tensor._version  # noqa: SLF001  # what counts changes in place
        if known is not tensor or version != now:
            found = figures(values)
            self._last = (tensor, now, found)
        return found

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
        return sorted((seen.layer_record(name) for name, seen in told_apart(rows)), key=lambda layer: layer.place)

    def modules(self) -> list[nn.Module]:
        """The modules that ran."""
        return [module for module, _ in self._modules.values()]

    def clear(self) -> None:
        """Forget what was seen: a new iteration begins."""
        self._modules, self._functions, self.rejoined = {}, {}, Rejoined()


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
