"""Buffers that a forward pass writes to are held, so that differences and gradient speak of one function.

Spectral normalisation iterates its vectors at every call in training, and autograd takes them for constants. A moved
input would move them too, and differences would contradict a gradient that is as it should be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

__all__ = ["Writes"]


class Writes:
    """What the first call writes to floating-point buffers past autograd, in order; later calls write the same.

    What a graph leads to is left alone, and so are the statistics that batch_norm moves by itself.
    """

    def __init__(self) -> None:
        self.kept: dict[str, list[torch.Tensor]] | None = None

    @property
    def names(self) -> list[str]:
        """The buffers that are held."""
        return list(self.kept or {})

    @contextlib.contextmanager
    def around(self, buffers: Mapping[str, torch.Tensor]) -> Iterator[None]:
        """One call, which ``buffers`` are handed to."""
        kept = self.kept
        real = {name: buffer for name, buffer in buffers.items() if buffer.is_floating_point() or buffer.is_complex()}
        if kept == {} or not real:
            yield
            return
        found: dict[str, list[torch.Tensor]] = {}

        def written(name: str) -> None:
            found.setdefault(name, []).append(real[name].detach().clone())
            before = kept.get(name, [])[len(found[name]) - 1 : len(found[name])] if kept else []
            for numbers in before:
                real[name].data.copy_(numbers)  # .data: the version, which saved tensors are held to, stays

        with _Watching(real, written):
            yield
        if kept is None:
            self.kept = {name: rows for name, rows in found.items() if not real[name].requires_grad}


class _Watching(TorchFunctionMode):  # type: ignore[misc]  # PyTorch leaves it untyped
    """Tells ``written`` the name of a buffer after each operation that writes to it and leaves it without a graph."""

    def __init__(self, buffers: Mapping[str, torch.Tensor], written: Callable[[str], None]) -> None:
        super().__init__()
        self.buffers, self.written = buffers, written
        self.versions = {name: buffer._version for name, buffer in buffers.items()}  # noqa: SLF001

    def __torch_function__(
        self, function: Callable[..., Any], _: Any, given: Sequence[Any] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        found = function(*given, **(named or {}))
        for name, buffer in self.buffers.items():
            if buffer._version != self.versions[name]:  # noqa: SLF001
                self.versions[name] = buffer._version  # noqa: SLF001
                if not buffer.requires_grad:
                    self.written(name)
        return found
