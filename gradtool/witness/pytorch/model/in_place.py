"""Changes of tensors in place: the line of the one that a backward pass later complains about.

PyTorch counts the changes of each tensor, and the complaint names the shape, the operation that made the tensor and
the count at which it was saved. The change from that count to the next is the guilty one.
"""

from __future__ import annotations

import functools
import linecache
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch

from gradtool.witness.model.user_file import UserFileError, line_of, user_frame

__all__ = ["Before", "InPlace", "may_change"]

COMPLAINT = re.compile(
    r"\[[\w.]+ \[([\d, ]*)\]\](?:, which is output \d+ of (\w+),)? is at version \d+; expected .*? (\d+)"
)

PLAIN = (torch.Tensor, torch.nn.Parameter)
"""Tensors that answer for themselves; others may raise when they are asked anything, as those of lazy layers do."""

MOST = 20_000
"""Changes that are remembered."""

Before = tuple[torch.Tensor, int, Any]
"""A tensor, the count of its changes, and the node that made it."""

REMEDY = "on {line} what the backward pass needs is changed in place{code}: {do}"
ANEW = "compute a new tensor there (x = x + y, not x += y; no inplace=True)"
LATER = "let the optimizer step behind every backward pass that uses its weights"


STEPS = 100
"""Steps of optimizers that are remembered."""


@dataclass(frozen=True, slots=True)
class _Change:
    maker: str
    shapes: tuple[tuple[int, ...], ...]
    file: str
    number: int
    stepped: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """One of an optimizer, which changes so many tensors that they are looked at only when one is complained of."""

    held: Sequence[torch.Tensor]
    versions: Sequence[int]
    file: str
    number: int

    def changes(self, version: int, shape: tuple[int, ...]) -> Iterator[_Change]:
        """Of tensors of this ``shape`` from this ``version``."""
        for one, then in zip(self.held, self.versions, strict=True):
            if then == version and _key(one.shape) == shape:
                yield _Change("", (tuple(one.shape),), self.file, self.number, stepped=True)


class InPlace:
    """Each change in place, dated by the tensor's own count and by the user's line; told of them by a function mode."""

    def __init__(self) -> None:
        self._changes: dict[tuple[int, tuple[int, ...]], list[_Change]] = {}
        self._steps: deque[_Step] = deque(maxlen=STEPS)

    def steps(self, held: Iterable[torch.Tensor], frame: FrameType) -> None:
        """An optimizer that holds these tensors is about to step."""
        own = user_frame(frame)
        if own is not None:
            several = [one for one in held if type(one) in PLAIN]
            versions = [one._version for one in several]  # noqa: SLF001  # what the complaint counts by
            self._steps.append(_Step(several, versions, own.f_code.co_filename, own.f_lineno))

    def before(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Before]:
        """A function that may change what it is given first, or ``out``, is about to run."""
        given = _changeable(args, kwargs)
        return [(one, one._version, one.grad_fn) for one in given]  # noqa: SLF001  # what the complaint counts by

    def after(self, given: Sequence[Before], frame: FrameType) -> None:
        """It has run, called from ``frame``."""
        changed = [row for row in given if row[1] != row[0]._version]  # noqa: SLF001
        own = user_frame(frame) if changed else None
        if own is not None:
            for one, version, maker in changed:
                self._remember(one, version, _bare(maker.name()) if maker else "", own)

    def _remember(self, tensor: torch.Tensor, version: int, maker: str, own: FrameType) -> None:
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
        version, key = int(told[3]), _key(shape)
        found = [
            *(change for step in self._steps for change in step.changes(version, key)),
            *self._changes.get((version, key), []),
        ]
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
    def named(self) -> Iterator[None]:
        """Where the code inside ends in such a complaint, its hint names the line."""
        try:
            yield
        except UserFileError as error:
            error.hint = self.remedy(str(error.cause)) or error.hint
            raise


def may_change(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a function of PyTorch may change what it is given: by its name, as ``add_``, or as it was called.

    Asked of every function that runs, so it costs less than a question to a tensor.
    """
    if kwargs and ("out" in kwargs or kwargs.get("inplace")):
        return True
    return _named_so(getattr(function, "__name__", "")) or (len(args) > 1 and args[-1] is True)  # F.dropout(x, p, ...)


@functools.cache
def _named_so(name: str) -> bool:
    return name.startswith(("__i", "__set")) if name.endswith("__") else name.endswith("_")


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
