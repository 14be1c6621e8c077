"""The black box on PyTorch's own operations: none is accused but those explained, and a planted error is named."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
import torch
from cases import WHOLE
from op_samples import EXPLAINED, Sample, op_db, samples, spoilt

from gradtool.witness.directional.survey import surveyed
from gradtool.witness.finite_difference import differences

torch.set_num_threads(1)
OPERATIONS = 60 if WHOLE else 25
pytestmark = [pytest.mark.large, pytest.mark.filterwarnings("ignore::UserWarning")]  # some operations are deprecated


@pytest.fixture(scope="module")
def chosen() -> list[Sample]:
    """The samples of some of the operations, drawn by a seed."""
    some = random.Random(11).sample(op_db(), OPERATIONS)  # noqa: S311  # a repeatable choice
    return [one for op in some for one in samples(op) if one.name not in EXPLAINED]


def test_operations_are_not_accused_and_one_entry_wrong_by_a_hundredth_is_named(chosen: list[Sample]) -> None:
    asked, named, draw = [], 0, np.random.default_rng(7)
    for one in chosen:
        claims = one.gradient(one.point)
        found = surveyed(one.value, one.gradient, claims, one.point, "float64", 3, one.both)
        assert found.agree, (one.name, found)
        asked.append(found.gradients)
        entry = spoilt(claims, draw)
        if entry is None or not found.power <= 1e-2:
            continue

        def wrong(at: Any, one: Sample = one, entry: Any = entry) -> Any:
            value, gradient = one.both(at)
            gradient[entry[0]][entry[1]] *= 1.01
            return value, gradient

        told = surveyed(one.value, lambda at, w=wrong: w(at)[1], wrong(one.point)[1], one.point, "float64", 3, wrong)
        assert entry in [(each.variable, each.index) for each in told.wrong], (one.name, entry, told)
        named += 1
    assert named > OPERATIONS
    assert np.median(asked) <= 60


def test_the_ladders_of_small_operations_agree(chosen: list[Sample]) -> None:
    told = 0
    for one in chosen:
        places = {f"{name}{index}": (name, index) for name, at in one.point.items() for index in np.ndindex(at.shape)}
        if len(places) > 16:
            continue
        claims = one.gradient(one.point)

        def many(columns: Any, one: Sample = one, places: Any = places) -> Any:
            found = []
            for row in np.array([columns[label] for label in places]).T:
                at = {name: array.copy() for name, array in one.point.items()}
                for (name, index), number in zip(places.values(), row, strict=True):
                    at[name][index] = number
                found.append([one.value(at)])
            return np.array(found)

        at = {label: float(one.point[name][index]) for label, (name, index) in places.items()}
        claimed = {label: np.array([claims[name][index]]) for label, (name, index) in places.items()}
        for label, (bar,) in differences(many, at, claimed, "float64").items():
            told += math.isfinite(bar.value)
            assert not abs(bar.value - claimed[label][0]) > bar.bar, (one.name, label, bar)
    assert told > OPERATIONS
