"""Other ways to the same derivatives: forward mode, and many upstream gradients at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradtool.evidence import Breach
from gradtool.witness.callable.contract.dependence import along
from gradtool.witness.callable.contract.observed import BARS, Observed, apart, largest, scaled, total
from gradtool.witness.callable.subject import Floats, Gradients, Point

__all__ = ["batched", "forward_mode"]


def forward_mode(observed: Observed) -> Iterator[Breach]:
    """The dot-product test: <upstream, J v> = <J' upstream, v>, along two random directions that must both disagree.

    Two forward passes with tangents. The room is what rounding does to the gradient, entry by entry at its worst, and
    one rounding of every term. Where they disagree and the function itself moves as forward mode says (a ladder of
    differences, about 125 values), it is the gradient that is wrong, or a surrogate, and that is told elsewhere.
    """
    if not observed.well_formed:
        return
    told = []
    for _ in range(2):
        way = observed.direction()
        try:
            pushed = observed.subject.forward(observed.at, way)
        except Exception:  # noqa: BLE001 - what refuses forward mode does not break it
            return
        ahead, back = total(observed.upstream, pushed), _dot(observed.base, way)
        rows = zip(observed.upstream, pushed, strict=True)
        length = sum(largest(weights) * float(np.sum(np.abs(moved))) for weights, moved in rows)
        length += _dot(_sizes(observed.base), {name: np.abs(step) for name, step in way.items()})
        moved = sum(observed.bar(name) * float(np.linalg.norm(step)) for name, step in way.items())
        gap = abs(ahead - back)
        if not gap > moved + BARS * observed.unit * length:
            return
        function = along(observed, way, ahead)
        if function.regime == "smooth" and abs(function.value - ahead) <= function.bar:
            return
        told.append((gap / max(abs(ahead), abs(back)), ahead, back))
    size, ahead, back = max(told)
    if all(one == 0 for _, one, _ in told):
        words = f"along two random directions forward mode gives 0, and the gradient {back:.6g}"
        yield observed.breach("no_forward_mode", "", words, size)
        return
    words = f"along a random direction forward mode gives {ahead:.6g}, and the gradient {back:.6g}"
    yield observed.breach("forward_mode", "", words, size)


def batched(observed: Observed) -> Iterator[Breach]:
    """Three upstream gradients at once against one by one. One batched pass, and one gradient."""
    doubled = scaled(observed.upstream, 2.0)
    singly = [observed.base, observed.gradient(observed.other), observed.gradient(doubled)]
    try:
        found = observed.subject.batched(observed.at, [observed.upstream, observed.other, doubled])
    except Exception:  # noqa: BLE001 - what refuses vmap does not break it
        return
    for name, base in observed.base.items():
        gaps = [apart(together[name], one[name]) for together, one in zip(found, singly, strict=True)]
        size = max(largest(one[name]) for one in singly)
        if max(gaps) > observed.bar(name) * max(2.0, size / (largest(base) or 1.0)):
            off = max(gaps) / (size or max(gaps))
            told = f"three upstream gradients at once give numbers {off:.2g} of the largest entry off those one by one"
            yield observed.breach("batched", name, told, off)


def _dot(gradients: Gradients, way: Point) -> float:
    parts = [float(np.sum(found * way[name])) for name, found in gradients.items() if found is not None]
    return sum(part for part in parts) if np.all(np.isfinite(parts)) else float("nan")


def _sizes(gradients: Gradients) -> dict[str, Floats | None]:
    return {name: None if found is None else np.abs(found) for name, found in gradients.items()}
