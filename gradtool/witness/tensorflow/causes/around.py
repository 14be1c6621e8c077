"""Finders around a forward pass, of a model that we run or of a program, up to its backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from gradtool.evidence import Cause
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.causes.missing import missing, none
from gradtool.witness.tensorflow.causes.recorder import Recorder
from gradtool.witness.tensorflow.model.parameters import Named

__all__ = ["NoneFinder", "program_finders"]


class NoneFinder:
    """A context around a forward pass, or a program: why variables have no gradient, and which paths are missing.

    The tapes must be persistent. Costs about as much as the pass itself takes in Python.
    """

    def __init__(self) -> None:
        self.recorder = Recorder()

    def __enter__(self) -> NoneFinder:
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


FINDERS = {"none": NoneFinder, "cut": NoneFinder}
"""By the fate that they look for."""


def program_finders(fates: Sequence[str]) -> list[NoneFinder]:
    """One finder of each kind that is needed for a program."""
    return [kind() for kind in dict.fromkeys(FINDERS[fate] for fate in fates if fate in FINDERS)]
