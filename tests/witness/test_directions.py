"""Differences along random directions, for gradients of many entries."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from gradtool.evidence import Request
from gradtool.values import Array
from gradtool.witness.directional.differences import Floats, along_directions


def along(claim: list[float]) -> list[float | None]:
    """What the gradient ``claim`` of sum(x**2) at 1, 2, ..., is said to be along the directions."""
    x = np.arange(1.0, len(claim) + 1)

    def value(moved: Mapping[str, Floats]) -> Floats:
        return np.array([(moved["x"] ** 2).sum()])

    asked = Request(0, "sum(x**2)", {"x": Array.of(x.shape, x)}, ["x"], "torch")
    return [bar.claim for bar in along_directions(value, {"x": x}, {"x": np.array(claim)}, asked)]


def test_the_slope_along_a_direction_is_a_sum_of_signed_entries() -> None:
    """Of the gradient 2, 4, 6 in steps of 2, the scale of x: +-4 +-8 +-12."""
    assert set(along([2.0, 4.0, 6.0])) <= {-24.0, -16.0, -8.0, 0.0, 8.0, 16.0, 24.0}


@pytest.mark.parametrize(
    "claim",
    [[math.inf] * 40, [math.inf, -math.inf] * 20, [math.nan] * 40, [1.7e308] * 40],
    ids=["infinite", "both", "nan", "too large"],
)
def test_a_gradient_that_has_no_slope_along_a_direction_breaks_nothing(claim: list[float]) -> None:
    """Infinities of both signs once ended the testimony: math.fsum raises for them."""
    assert all(told is not None and not math.isfinite(told) for told in along(claim))
