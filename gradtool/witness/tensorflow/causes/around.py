"""Finders around a forward pass, of a model that we run or of a program, up to its backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

from gradtool.evidence import Cause
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.causes.births import Births
from gradtool.witness.tensorflow.causes.deaths import Deaths
from gradtool.witness.tensorflow.causes.missing import missing, none
from gradtool.witness.tensorflow.causes.recorder import Recorder
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["Finder", "Finders", "NoneFinder"]


class NoneFinder:
    """A context around a forward pass, or a program: why variables have no gradient, and which paths are missing.

    The tapes must be persistent. Costs about as much as the pass itself takes in Python.
    """

    def __init__(self, sources: Sources) -> None:
        self.recorder, self.sources = Recorder(), sources

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
            found = none(self.recorder, self.sources, tapes, losses, sought)
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


class Finders:
    """One finder of each kind that ``fates`` need, as one; ``sources`` are the lines on which layers are made."""

    def __init__(self, fates: Sequence[str], sources: Sources) -> None:
        makers: Mapping[str, Callable[[], Finder]] = {
            "missing": lambda: NoneFinder(sources),
            "zero": lambda: Deaths(sources),
            "nonfinite": lambda: Births(sources),
        }
        kinds = dict.fromkeys("missing" if fate in {"none", "cut"} else fate for fate in fates)
        self._finders = [makers[kind]() for kind in kinds]
        self._on = ExitStack()

    def __bool__(self) -> bool:
        return bool(self._finders)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for finder in self._finders:
                stack.enter_context(finder)
            self._on = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on.close()

    @contextmanager
    def backward(self, losses: Sequence[Any]) -> Iterator[None]:
        """The time in which a gradient of ``losses`` is taken."""
        with ExitStack() as stack:
            for finder in self._finders:
                stack.enter_context(finder.backward(losses))
            yield

    def restart(self) -> None:
        """Forget everything: a new iteration begins."""
        for finder in self._finders:
            finder.restart()

    def told(self, tapes: Sequence[Any], losses: Sequence[Any], rows: Sequence[Named], asked: Wanted) -> list[Cause]:
        """The causes that each of them tells."""
        return [one for finder in self._finders for one in finder.told(tapes, losses, rows, asked)]
