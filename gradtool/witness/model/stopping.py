"""The end of the user's program once enough was seen, also where its own handlers keep the signal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NoReturn

from gradtool.witness.model.user_file import Enough

__all__ = ["Stop", "quiet_threads"]


class Stop:
    """Called where enough was seen. ``leave`` answers from inside the program with it, and ends the process."""

    def __init__(self, leave: Callable[[Any], NoReturn]) -> None:
        self._leave = leave
        self._given = False

    def __call__(self, told: Callable[[], Any]) -> NoReturn:
        """Raise Enough; when it was raised before and the program goes on, a bare ``except:`` has swallowed it.

        ``told`` gives what was seen; it is not kept, since the program's own objects would outlive it with that.
        """
        if self._given:
            self._leave(told())
        self._given = True
        raise Enough


def quiet_threads() -> None:
    """Let a thread of the program end without a traceback where Enough has ended it."""
    told = threading.excepthook
    if told.__module__ == __name__:
        return

    def hook(raised: threading.ExceptHookArgs) -> None:
        if not issubclass(raised.exc_type, Enough):
            told(raised)

    threading.excepthook = hook
