"""Python's and NumPy's own random state, kept while a callable runs: code of users draws from them too."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np

__all__ = ["kept_random", "random_state", "set_random"]


def set_random(seed: int) -> None:
    """Begin the numbers that programs share from ``seed``."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # the one that programs share


def random_state() -> tuple[object, bytes, int]:
    """Where they stand: equal if and only if nothing was drawn in between."""
    shared = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return random.getstate(), shared["key"].tobytes(), shared["pos"]


@contextlib.contextmanager
def kept_random(seed: int) -> Iterator[None]:
    """The same numbers in every such block, and afterwards what would have come without it."""
    mine, shared = random.getstate(), np.random.get_state()  # noqa: NPY002
    set_random(seed)
    try:
        yield
    finally:
        random.setstate(mine)
        np.random.set_state(shared)  # noqa: NPY002
