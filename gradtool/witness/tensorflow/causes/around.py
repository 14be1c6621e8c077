"""Finders around a forward pass, of a model that we run or of a program, up to its backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, Self

from gradtool.evidence import Cause
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.causes.births import Births
from gradtool.witness.tensorflow.causes.deaths import Deaths
from gradtool.witness.tensorflow.causes.missing import missing, none
from gradtool.witness.tensorflow.causes.recorder import Recorder
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.recorder import Sources

__all__ = ["Finder", "NoneFinder", "program_finders"]


class NoneFinder:
    """A context around a forward pass, or a program: why variables have no gradient, and which paths are missing.

    The tapes must be persistent. Costs about as much as the pass itself takes in Python.
    """

    def __init__(self) -> None:
        self.recorder = Recorder()

    def __enter__(self) -> Self:
        self.recorder.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.recorder.__exit__(kind, error, trace)

    def backward(self, losses: Sequence[Any]) -> AbstractContextManager[None]:
        """The time in which a gradient of ``losses`` is taken."""
        del losses
        return self.recorder.deaf()

    def restart(self) -> None:
        """Forget everything: a new iteration begins."""
        self.recorder.restart()

    def told(self, tapes: Sequence[Any], losses: Sequence[Any], rows: Sequence[Named], asked: Wanted) -> list[Cause]:
        """The causes for what is ``asked``, among all ``rows``."""
        with self.recorder.deaf():
            sought = [row for row in rows if row.name in asked.none]
            held = [row for row in rows if row.trainable and row not in sought]
            found = none(self.recorder, tapes, losses, sought)
            return found + (missing(self.recorder, losses, held) if asked.cut else [])


class Finder(Protocol):
    """Looks on while a pass runs; ``backward`` is entered for every backward pass, and ``told`` called after it."""

    def __enter__(self) -> Self:
        """Begin to look on."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind."""

    def backward(self, losses: Sequence[Any]) -> AbstractContextManager[None]:
        """The time in which a gradient of ``losses`` is taken."""

    def restart(self) -> None:
        """Forget everything: a new iteration begins."""

    def told(self, tapes: Sequence[Any], losses: Sequence[Any], rows: Sequence[Named], asked: Wanted) -> list[Cause]:
        """The causes for what is ``asked``, among all ``rows``."""


def program_finders(fates: Sequence[str], sources: Sources) -> list[Finder]:
    """One finder of each kind that is needed for a program; ``sources`` are the lines on which layers are made."""
    makers: Mapping[str, Callable[[], Finder]] = {
        "missing": NoneFinder,
        "zero": lambda: Deaths(sources),
        "nonfinite": lambda: Births(sources),
    }
    kinds = dict.fromkeys("missing" if fate in {"none", "cut"} else fate for fate in fates)
    return [makers[kind]() for kind in kinds]
