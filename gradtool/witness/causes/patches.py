"""Patches of a framework that are there while anybody looks on, however many do, and in whatever order they leave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Generic, TypeVar

__all__ = ["Patches"]

Looker = TypeVar("Looker")

_MISSING = object()


class Patches(Generic[Looker]):
    """``install`` replaces attributes by ``replace``, when the first looks on; when the last leaves they are restored.

    ``lookers`` are those who look on now; what was installed serves all of them.
    """

    def __init__(self, install: Callable[[Patches[Looker]], None]) -> None:
        self.lookers: list[Looker] = []
        self.undo = ExitStack()
        self._install = install
        self._lock = threading.RLock()

    @contextmanager
    def on(self, looker: Looker) -> Iterator[None]:
        """Inside, ``looker`` is one of them."""
        with self._lock:
            if not self.lookers:
                try:
                    self._install(self)
                except BaseException:
                    self.undo.close()
                    raise
            self.lookers = [*self.lookers, looker]
        try:
            yield
        finally:
            with self._lock:
                self.lookers = [other for other in self.lookers if other is not looker]
                if not self.lookers:
                    self.undo.close()

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Set ``owner.name`` to what ``make`` gives for it, until the last looker has left."""
        own = vars(owner).get(name, _MISSING)
        setattr(owner, name, make(getattr(owner, name)))
        if own is _MISSING:
            self.undo.callback(delattr, owner, name)
        else:
            self.undo.callback(setattr, owner, name, own)
