"""The finders of PyTorch, run around a second pass: of a model that we run ourselves, or of the user's program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import nn

from gradtool.evidence import Cause
from gradtool.witness.causes.replay import FATES, UNLIKE, Wanted, causes
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.pytorch.causes.births import BirthFinder
from gradtool.witness.pytorch.causes.deaths import DeathFinder
from gradtool.witness.pytorch.causes.definition import defined
from gradtool.witness.pytorch.causes.missing import MissingFinder
from gradtool.witness.pytorch.causes.state import State
from gradtool.witness.pytorch.model.parameters import Named

__all__ = ["FINDERS", "Finder", "Replay", "Search"]


class Finder(Protocol):
    """Looks on while a pass is run again; entered before it, and left when its gradients are there."""

    notes: list[str]

    def __enter__(self) -> Any: ...

    def __exit__(self, *raised: object) -> None: ...

    def aside(self) -> AbstractContextManager[None]:
        """Inside, what is computed is none of the program's."""

    def clear(self) -> None:
        """A new training step begins: forget the last."""

    def before(self, tensors: Sequence[torch.Tensor]) -> None:
        """A backward pass from these is about to begin."""

    def told(self, rows: Sequence[Named], loss: torch.Tensor, asked: Wanted) -> list[Cause]:
        """What was found, behind the backward pass."""


FINDERS: Mapping[str, Callable[[], Finder]] = {
    "none": MissingFinder,
    "cut": MissingFinder,
    "zero": DeathFinder,
    "nonfinite": BirthFinder,
}
"""By the fate that they are for."""


class Replay:
    """The finders of a model that we run, as ``causes.replay.Finders``.

    Each runs the pass again from the state ``first``. Gradients, buffers and random numbers are then as they were.
    """

    def __init__(self, model: nn.Module, run: Callable[[], torch.Tensor], rows: Sequence[Named], first: State) -> None:
        self._model, self._run, self._rows, self._first = model, run, rows, first
        self.notes: list[str] = []

    def begin(self) -> None:
        """A training step begins here: this is the pass that is run again from now on."""
        self._first = State.taken(self._model)

    def none(self, asked: Wanted) -> list[Cause]:
        """Why parameters have no gradient, and which paths are missing."""
        return [self._defined(cause) for cause in self._again("none", asked)]

    def zero(self, asked: Wanted) -> list[Cause]:
        """Where gradients became exactly zero."""
        return self._again("zero", asked)

    def nonfinite(self, asked: Wanted) -> list[Cause]:
        """Where the first NaN or infinity was born."""
        return self._again("nonfinite", asked)

    def _again(self, fate: str, asked: Wanted) -> list[Cause]:
        now, gradients = State.taken(self._model), [row.tensor.grad for row in self._rows]
        try:
            self._first.restore()
            with FINDERS[fate]() as finder:
                for row in self._rows:
                    row.tensor.grad = None
                loss = self._run()
                finder.before([loss])
                if loss.requires_grad:
                    loss.backward()
                found = finder.told(self._rows, loss, asked)
                missing = {row.name for row in self._rows if row.tensor.grad is None}
                alike = missing >= set(asked.none)
                self.notes += [*finder.notes, *([] if alike else [UNLIKE])]
                return found if alike else []
        except UserFileError as error:
            self.notes.append(f"the causes could not be looked for: {error.message}")
            return []
        finally:
            for row, gradient in zip(self._rows, gradients, strict=True):
                row.tensor.grad = gradient
            now.restore()

    def _defined(self, cause: Cause) -> Cause:
        """A parameter that nothing uses is shown where its class makes it."""
        if cause.kind != "unused" or cause.line.source:
            return cause
        return replace(cause, line=defined(self._model, cause.parameters[0]))


class Search:
    """The finders for ``fates`` around the user's program; what they found in its last backward pass is ``causes``."""

    def __init__(self, fates: Iterable[str]) -> None:
        kinds = {FINDERS[fate]: fate for fate in FATES if fate in set(fates)}
        self._finders = [(fate, make()) for make, fate in kinds.items()]
        self.causes: list[Cause] = []
        self._open = ExitStack()

    def __enter__(self) -> Search:
        with ExitStack() as stack:
            for _, finder in self._finders:
                stack.enter_context(finder)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._open.close()

    @property
    def notes(self) -> list[str]:
        """What the finders say beside the causes."""
        return list(dict.fromkeys(note for _, finder in self._finders for note in finder.notes))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, what is computed is none of the program's."""
        with ExitStack() as stack:
            for _, finder in self._finders:
                stack.enter_context(finder.aside())
            yield

    def clear(self) -> None:
        """A new training step begins."""
        for _, finder in self._finders:
            finder.clear()

    def before(self, tensors: Sequence[torch.Tensor]) -> None:
        """A backward pass is about to begin."""
        for _, finder in self._finders:
            finder.before(tensors)

    def told(self, rows: Sequence[Named], loss: torch.Tensor, asked: Wanted) -> None:
        """Keep what the finders say behind a backward pass."""
        by_fate = dict(self._finders)

        def said(fate: str) -> list[Cause]:
            return by_fate[fate].told(rows, loss, asked) if fate in by_fate else []

        self.causes = list(causes(asked, _Told(said)))


class _Told:
    """Finders that have looked on already, as ``causes.replay.Finders``."""

    def __init__(self, told: Callable[[str], list[Cause]]) -> None:
        self._told = told

    def none(self, _asked: Wanted) -> list[Cause]:
        return self._told("none") or self._told("cut")

    def zero(self, _asked: Wanted) -> list[Cause]:
        return self._told("zero")

    def nonfinite(self, _asked: Wanted) -> list[Cause]:
        return self._told("nonfinite")
