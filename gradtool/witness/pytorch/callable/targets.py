"""PyTorch's callables: autograd Functions, modules and functions of tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.autograd import Function

from gradtool.evidence import CallableRequest
from gradtool.witness.callable.framework import Kind
from gradtool.witness.callable.signature import Argument, arguments_of
from gradtool.witness.model.user_file import UserFileError, blamed
from gradtool.witness.pytorch.callable.subject import subject_of
from gradtool.witness.pytorch.model.batch import guesses

__all__ = ["TorchCallables"]


class TorchCallables:
    """``witness.callable.framework.Framework`` for one request."""

    key = "torch"

    def __init__(self, request: CallableRequest) -> None:
        try:
            self.device = torch.device(request.device or "cpu")
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            told = str(error).partition("\n")[0]
            raise UserFileError(f"PyTorch has no device {request.device}: {told}", "cpu, cuda, cuda:1, mps") from None
        self.moves = bool(request.device)
        self.kinds: Sequence[Kind] = KINDS
        self.subject = subject_of

    def is_tensor(self, value: Any) -> bool:
        """Parameters are tensors too."""
        return isinstance(value, torch.Tensor)

    def tensor(self, array: Any, dtype: str) -> Any:
        """A new tensor."""
        return torch.tensor(array, dtype=_dtype(dtype), device=self.device)

    def fitted(self, tensor: Any, dtype: str) -> Any:
        """Where the file put it unless a device was asked for."""
        kind = _dtype(dtype) if dtype and tensor.is_floating_point() else None
        return tensor.to(self.device if self.moves else None, kind)

    def settled(self, call: Any, dtype: str) -> Any:
        """A module is moved as a whole."""
        if isinstance(call, nn.Module) and (self.moves or dtype):
            with blamed(f"the module could not be moved to {self.device} {dtype}".rstrip()):
                return call.to(self.device if self.moves else None, _dtype(dtype) if dtype else None)
        return call

    def dtype_of(self, call: Any) -> str:
        """That of the first floating-point parameter or buffer."""
        held = [*call.parameters(), *call.buffers()] if isinstance(call, nn.Module) else []
        first = next((one for one in held if one.is_floating_point()), None)
        return "" if first is None else str(first.dtype).removeprefix("torch.")

    def guesses(self, call: Any, dtype: str) -> Iterator[Any]:
        """What ``flow`` would try; a module that holds nothing takes whatever the ladder holds."""
        if isinstance(call, nn.Module):
            for _, guess in guesses(call, _dtype(dtype)):
                yield guess.to(self.device)


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise UserFileError(f"PyTorch has no dtype {name}", "float64, float32, float16, bfloat16")
    return found


def _function_class(value: Any) -> type[Function] | None:
    """The autograd Function, given itself or as its ``apply``."""
    if getattr(value, "__name__", "") == "apply":
        value = getattr(value, "__self__", value)
    return value if isinstance(value, type) and issubclass(value, Function) and value is not Function else None


def _of_function(value: Any) -> list[Argument] | None:
    """What ``forward`` takes behind its ctx, which is not there where ``setup_context`` is."""
    kind = _function_class(value)
    if kind is None:
        return None
    return arguments_of(kind.forward, 0 if kind.setup_context is not Function.setup_context else 1)


KINDS = (
    Kind(
        "autograd function",
        lambda value: _function_class(value) is not None,
        lambda value: getattr(value, "apply", value),
        _of_function,
    ),
    Kind(
        "module",
        lambda value: isinstance(value, nn.Module),
        lambda value: value,
        lambda value: arguments_of(value.forward),
        lambda value: isinstance(value, type) and issubclass(value, nn.Module) and value is not nn.Module,
    ),
    Kind(
        "function",
        lambda value: callable(value) and not isinstance(value, type | torch.Tensor),
        lambda value: value,
        arguments_of,
        plain=True,
    ),
)
