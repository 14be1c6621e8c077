"""Random states: the same numbers in every block, and those of the caller go on as if nothing had been."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gradtool.witness.callable.randomness import kept_random


def drawn() -> tuple[float, float]:
    return random.random(), float(np.random.standard_normal())  # noqa: NPY002, S311


def begin() -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    drawn()  # NumPy keeps the second of a pair of normal numbers


def test_what_comes_after_a_block_is_what_would_have_come_without_it() -> None:
    begin()
    expected = [drawn(), drawn()]
    begin()
    with kept_random(0):
        first = drawn()
        with kept_random(0):
            assert drawn() == first
        with kept_random(1):
            assert drawn() != first
    assert [drawn(), drawn()] == expected


def test_an_exception_leaves_nothing_behind() -> None:
    begin()
    expected = drawn()
    begin()
    for _ in range(2):
        with pytest.raises(KeyError), kept_random(0), kept_random(1):
            {}[drawn()]
    assert drawn() == expected
