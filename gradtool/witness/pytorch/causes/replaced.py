"""Functions of PyTorch's that are replaced for a while, in whatever order those who asked for it leave."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["replaced"]

Make = Callable[[Any], Any]

_lock = threading.Lock()
_makers: dict[tuple[int, str], list[Make]] = {}
_own: dict[tuple[int, str], Any] = {}
"""What PyTorch has there itself; absent where the owner only inherits it."""


@contextlib.contextmanager
def replaced(owner: Any, name: str, make: Make) -> Iterator[None]:
    """Put ``make(what is there)`` in its place inside the block; several threads may, and blocks may overlap."""
    place = (id(owner), name)
    with _lock:
        if place not in _makers:
            _makers[place] = []
            if name in vars(owner):
                _own[place] = vars(owner)[name]
        _makers[place].append(make)
        _put(owner, name)
    try:
        yield
    finally:
        with _lock:
            _makers[place].remove(make)
            _put(owner, name)
            if not _makers[place]:
                del _makers[place]
                _own.pop(place, None)


def _put(owner: Any, name: str) -> None:
    place = (id(owner), name)
    if place in _own:
        setattr(owner, name, _own[place])
    elif name in vars(owner):
        delattr(owner, name)
    if _makers[place]:
        found = getattr(owner, name)
        for make in _makers[place]:
            found = make(found)
        setattr(owner, name, found)
