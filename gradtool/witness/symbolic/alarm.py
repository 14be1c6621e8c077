"""Work that is cut off after a time, from inside its own process."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

__all__ = ["TooLong", "limited"]


class TooLong(BaseException):  # no error: a signal between two functions
    """The time is over. Nothing on its way may catch it."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Interrupt the block after ``seconds`` by an alarm signal, where the system has one."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise TooLong

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again and again: a first one can be lost in a callback
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
