"""Is the gradient linear in the upstream gradient, as every vector-Jacobian product is?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gradtool.evidence import Breach
from gradtool.witness.callable.contract.observed import Observed, apart, largest, scaled, times
from gradtool.witness.callable.subject import Floats

__all__ = ["linear"]

FACTORS = (2.0, -1.0, 2.0**10, 2.0**-10)
"""Double, turned round, and far larger and smaller, where a clip or a threshold shows."""
_HALF_RANGE = 2.0**4
"""The far factor in float16, which ends at 65504."""


def linear(observed: Observed) -> Iterator[Breach]:
    """Seven gradients: 0, 2, -1, 1024 and 1/1024 times the upstream gradient, another one, and the sum of both.

    One record for each input, of the first law that fails.
    """
    open_names = [name for name, base in observed.base.items() if base is not None]
    for law in (_doubled, _silent, _turned, _large, _small, _summed):
        for name, (kind, words, size) in law(observed, open_names).items():
            open_names.remove(name)
            yield observed.breach(kind, name, words, size)


Told = dict[str, tuple[str, str, float]]


def _doubled(observed: Observed, names: list[str]) -> Told:
    found = observed.gradient(scaled(observed.upstream, 2.0))
    told: Told = {}
    for name in names:
        base, bar = observed.base[name], observed.exact_bar(name)
        if apart(times(found[name], 0.5), base) <= bar:
            continue
        if apart(found[name], base) <= bar:
            told[name] = "upstream_ignored", "the gradient does not change when the upstream gradient doubles", 1.0
        else:
            told[name] = _off(observed, name, found[name], 2.0, "doubling the upstream gradient")
    return told


def _silent(observed: Observed, names: list[str]) -> Told:
    found = observed.gradient(scaled(observed.upstream, 0.0))
    told: Told = {}
    for name in names:
        left = largest(found[name])
        if left > observed.exact_bar(name):
            words = f"with an upstream gradient of zeros the gradient is not 0, but up to {left:.3g}"
            told[name] = "upstream_ignored", words, left / (largest(observed.base[name]) or 1.0)
    return told


def _turned(observed: Observed, names: list[str]) -> Told:
    return _scaling(observed, names, -1.0, "turning the sign of the upstream gradient")


def _large(observed: Observed, names: list[str]) -> Told:
    factor = _HALF_RANGE if observed.subject.dtype == "float16" else FACTORS[2]
    return _scaling(observed, names, factor, f"an upstream gradient {factor:g} times as large")


def _small(observed: Observed, names: list[str]) -> Told:
    factor = 1 / _HALF_RANGE if observed.subject.dtype == "float16" else FACTORS[3]
    return _scaling(observed, names, factor, f"an upstream gradient 1/{1 / factor:g} as large")


def _scaling(observed: Observed, names: list[str], factor: float, doing: str) -> Told:
    """What scaling by ``factor`` breaks; far scales may choose another algorithm, as in matrix_exp: half the digits."""
    found = observed.gradient(scaled(observed.upstream, factor))
    far = math.sqrt(observed.unit) if abs(factor) != 1 else 0.0
    return {
        name: _off(observed, name, found[name], factor, doing)
        for name in names
        if apart(times(found[name], 1 / factor), observed.base[name])
        > max(observed.exact_bar(name, factor), far * largest(observed.base[name]))
    }


def _off(observed: Observed, name: str, found: Floats | None, factor: float, doing: str) -> tuple[str, str, float]:
    base = observed.base[name]
    size = apart(times(found, 1 / factor), base) / (largest(base) or 1.0)
    now, then = (_norm(array) for array in (found, base))
    words = f"{doing} makes the gradient {now / then:.4g} times as large, and in its worst entry {size:.2g} off"
    return "upstream_nonlinear", words if then else f"{doing} does not do the same to the gradient", size


def _summed(observed: Observed, names: list[str]) -> Told:
    other = observed.gradient(observed.other)
    both = observed.gradient([u + w for u, w in zip(observed.upstream, observed.other, strict=True)])
    told: Told = {}
    for name in names:
        parts = [array for array in (observed.base[name], other[name]) if array is not None]
        expected = parts[0] if len(parts) == 1 else parts[0] + parts[1] if parts else None
        gap, size = apart(both[name], expected), max(map(largest, parts), default=0.0)
        room = observed.bar(name) * (2 + largest(other[name]) / (largest(observed.base[name]) or 1.0))
        if gap > room:
            words = f"the gradient for the sum of two upstream gradients is {gap / (size or gap):.2g} off their sum"
            told[name] = "upstream_nonlinear", words, gap / (size or gap)
    return told


def _norm(array: Floats | None) -> float:
    return 0.0 if array is None else float(np.linalg.norm(array[np.isfinite(array)]))
