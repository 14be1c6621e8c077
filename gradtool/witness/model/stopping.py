"""The end of the user's program once enough was seen, also where its own handlers keep the signal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NoReturn

from gradtool.witness.model.user_file import Enough

__all__ = ["Stop", "quiet_threads"]


class Stop:
    """Called where enough was seen. ``leave`` tells what was seen from inside the program, and ends the process."""

    def __init__(self, leave: Callable[[], NoReturn]) -> None:
        self._leave = leave
        self._given = False

    def __call__(self) -> NoReturn:
        """Raise Enough; when it was raised before and the program goes on, a bare ``except:`` has swallowed it."""
        if self._given:
            self._leave()
        self._given = True
        raise Enough


def quiet_threads() -> None:
    """Let a thread of the program end without a traceback where Enough has ended it."""
    told = threading.excepthook

    def hook(raised: threading.ExceptHookArgs) -> None:
        if not issubclass(raised.exc_type, Enough):
            told(raised)

    threading.excepthook = hook
