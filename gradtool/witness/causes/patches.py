"""Patches of a framework that are there while anybody looks on, however many do, and in whatever order they leave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Generic, TypeVar

__all__ = ["Patches", "patch", "put"]

Looker = TypeVar("Looker")

_MISSING = object()


class Patches(Generic[Looker]):
    """``install`` replaces attributes by ``replace``, when the first looks on; when the last leaves they are restored.

    What was installed serves all of them.
    """

    def __init__(self, install: Callable[[Patches[Looker]], None]) -> None:
        self.undo = ExitStack()
        self._install = install
        self._on: list[tuple[int, Looker]] = []
        self._lock = threading.RLock()

    @property
    def lookers(self) -> list[Looker]:
        """Those who look on now, on whatever thread."""
        return [looker for _, looker in self._on]

    def here(self) -> list[Looker]:
        """Those of them who began to on this thread, the innermost last."""
        mine = threading.get_ident()
        return [looker for thread, looker in self._on if thread == mine]

    @contextmanager
    def on(self, looker: Looker) -> Iterator[None]:
        """Inside, ``looker`` is one of them."""
        entry = threading.get_ident(), looker
        with self._lock:
            if not self._on:
                try:
                    self._install(self)
                except BaseException:
                    self.undo.close()
                    raise
            self._on = [*self._on, entry]
        try:
            yield
        finally:
            with self._lock:
                self._on = [other for other in self._on if other is not entry]
                if not self._on:
                    self.undo.close()

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Set ``owner.name`` to what ``make`` gives for it, until the last looker has left."""
        patch(self.undo, owner, name, make)


def patch(undo: ExitStack, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Set ``owner.name`` to what ``make`` gives for it, until ``undo`` is closed."""
    put(undo, owner, name, make(getattr(owner, name)))


def put(undo: ExitStack, owner: Any, name: str, new: Any) -> None:
    """Set ``owner.name``, which may not be there yet, until ``undo`` is closed."""
    own = vars(owner).get(name, _MISSING)
    setattr(owner, name, new)
    if own is _MISSING:
        undo.callback(delattr, owner, name)
    else:
        undo.callback(setattr, owner, name, own)
