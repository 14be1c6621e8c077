"""Whose step an iteration was, where several optimizers take turns: losses of different models are no one course."""

from __future__ import annotations

from typing import Any

__all__ = ["Turns"]


PATIENCE = 25
"""Iterations of others in a row behind which the first optimizer is not waited for any longer."""


class Turns:
    """The optimizers that have stepped in this iteration, beside the first that ever did."""

    def __init__(self) -> None:
        self.first: Any = None
        self._now: list[Any] = []
        self._others = 0

    def step(self, optimizer: Any) -> None:
        """One of them steps."""
        self.first = optimizer if self.first is None else self.first
        self._now.append(optimizer)

    def over(self, notes: list[str]) -> bool:
        """The iteration is over: whether it was the first optimizer's. ``notes`` is told once where one was not."""
        others, self._now = self._now, []
        if not others or any(one is self.first for one in others):
            self._others = 0
            return True
        self._others += 1
        note = (
            f"--train shows the steps of the first {_kind(self.first)} alone, whose loss is shown above; those of "
            f"another optimizer ({_kind(others[0])}) between them are left out"
        )
        if note not in notes:
            notes.append(note)
        return False

    def gone(self) -> bool:
        """Whether the first optimizer has had its last turn, as after a first phase of training."""
        return self._others >= PATIENCE


def _kind(optimizer: Any) -> str:
    return type(getattr(optimizer, "inner_optimizer", optimizer)).__name__
