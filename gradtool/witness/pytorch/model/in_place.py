"""Changes of tensors in place: the line of the one that a backward pass later complains about.

PyTorch counts the changes of each tensor, and the complaint names the shape, the operation that made the tensor and
the count at which it was saved. The change from that count to the next is the guilty one.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from gradtool.witness.model.user_file import UserFileError, line_of, user_frame

__all__ = ["InPlace", "in_place_named"]

COMPLAINT = re.compile(
    r"\[[\w.]+ \[([\d, ]*)\]\](?:, which is output \d+ of (\w+),)? is at version \d+; expected .*? (\d+)"
)

PLAIN = (torch.Tensor, torch.nn.Parameter)
"""Tensors that answer for themselves; others may raise when they are asked anything, as those of lazy layers do."""

MOST = 20_000
"""Changes that are remembered."""

REMEDY = "on {line} what the backward pass needs is changed in place{code}: {do}"
ANEW = "compute a new tensor there (x = x + y, not x += y; no inplace=True)"
LATER = "let the optimizer step behind every backward pass that uses its weights"


@dataclass(frozen=True, slots=True)
class _Change:
    maker: str
    shapes: tuple[tuple[int, ...], ...]
    file: str
    number: int
    stepped: bool


class InPlace(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not typed here
    """A context in which each change in place is dated by the tensor's own count and by the user's line."""

    def __init__(self) -> None:
        super().__init__()
        self._changes: dict[tuple[int, tuple[int, ...]], list[_Change]] = {}

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every function of tensors passes here: has it changed what it was given first, or ``out``?"""
        if getattr(function, "__name__", "") == "__get__":  # most calls, and they change nothing
            return function(*args, **(kwargs or {}))
        given = _changeable(args, kwargs or {})
        before = [(one._version, one.grad_fn) for one in given]  # noqa: SLF001  # what the complaint counts by
        output = function(*args, **(kwargs or {}))
        frame = sys._getframe(1)  # noqa: SLF001  # the way to a caller
        for one, (version, maker) in zip(given, before, strict=True):
            if version != one._version:  # noqa: SLF001
                self._remember(one, version, _bare(maker.name()) if maker else "", frame)
        return output

    def _remember(self, tensor: torch.Tensor, version: int, maker: str, frame: FrameType) -> None:
        own = user_frame(frame)
        if own is None:
            return
        base = tensor._base  # noqa: SLF001  # a view counts with the tensor that it looks at
        shapes = tuple(tuple(one.shape) for one in (tensor, base) if one is not None)
        change = _Change(maker, shapes, own.f_code.co_filename, own.f_lineno, isinstance(tensor, torch.nn.Parameter))
        for shape in set(map(_key, shapes)):
            if len(self._changes) >= MOST:
                self._changes.pop(next(iter(self._changes)))
            self._changes.setdefault((version, shape), []).append(change)

    def remedy(self, complaint: str) -> str:
        """What to do on which line about what the backward pass complains of; empty where that is not known."""
        told = COMPLAINT.search(complaint)
        if told is None:
            return ""
        shape = tuple(int(size) for size in told[1].split(",") if size.strip())
        found = self._changes.get((int(told[3]), _key(shape)), [])
        exact = (
            [one for one in found if one.maker == _bare(told[2] or "")]
            or [one for one in found if shape in one.shapes]
            or found
        )
        if not exact:
            return ""
        last = exact[-1]
        code = linecache.getline(last.file, last.number).strip()
        do = LATER if last.stepped else ANEW
        return REMEDY.format(line=line_of(last.file, last.number), code=f" ({code})" if code else "", do=do)


@contextmanager
def in_place_named() -> Iterator[None]:
    """Where the program inside ends in such a complaint, its hint names the line."""
    changes = InPlace()
    try:
        with changes:
            yield
    except UserFileError as error:
        error.hint = changes.remedy(str(error.cause)) or error.hint
        raise


def _changeable(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[torch.Tensor]:
    first = args[0] if args else kwargs.get("input")
    several = [*first, kwargs.get("out")] if isinstance(first, list | tuple) else [first, kwargs.get("out")]
    return [one for one in several if one is not None and type(one) in PLAIN and not one.is_inference()]


def _bare(name: str) -> str:
    """Complaints call ``TanhBackward0`` Tanh."""
    return name.partition("Backward")[0]


def _key(shape: Sequence[int]) -> tuple[int, ...]:
    """A matrix is saved as it was multiplied, which may be the transposed one."""
    return tuple(sorted(shape))
