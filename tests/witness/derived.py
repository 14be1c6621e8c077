"""How near two gradients of the same callable are, whichever framework gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

ROUNDING = {"float64": 2e-11, "float32": 2e-5, "bfloat16": 4e-2}
"""How far a right gradient may be from the true one, of its largest entry."""


def far(found: Any, true: Any) -> float:
    """The largest difference, of the largest true entry; of None and 0, nothing."""
    found = np.zeros_like(true) if found is None else np.asarray(found)
    if found.shape != true.shape:
        return np.inf
    largest = np.abs(true).max(initial=0)
    gap = np.abs(found - true).max(initial=0)
    return float(gap / largest) if largest else float(gap)


def apart(found: Mapping[str, Any], true: Mapping[str, Any]) -> dict[str, float]:
    assert found.keys() == true.keys()
    return {name: far(found[name], np.zeros(()) if true[name] is None else true[name]) for name in true}
