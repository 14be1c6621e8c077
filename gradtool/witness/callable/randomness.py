"""Python's and NumPy's own random state, kept while a callable runs: code of users draws from them too."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from contextvars import ContextVar

import numpy as np

__all__ = ["kept_random", "random_state", "set_random"]


def set_random(seed: int) -> None:
    """Begin the numbers that programs share from ``seed``."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # the one that programs share


_inside: ContextVar[bool] = ContextVar("_inside", default=False)


def random_state() -> tuple[object, bytes, int]:
    """Where they stand: equal if and only if nothing was drawn in between."""
    shared = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return random.getstate(), shared["key"].tobytes(), shared["pos"]


@contextlib.contextmanager
def kept_random(seed: int) -> Iterator[None]:
    """The same numbers in every such block, and afterwards what would have come without it.

    A block inside another one only begins anew: to keep NumPy's state takes 0.2 ms, as long as a small function.
    """
    if _inside.get():
        set_random(seed)
        yield
        return
    mine, shared = random.getstate(), np.random.get_state()  # noqa: NPY002
    outermost = _inside.set(True)
    set_random(seed)
    try:
        yield
    finally:
        _inside.reset(outermost)
        random.setstate(mine)
        np.random.set_state(shared)  # noqa: NPY002
