"""A second opinion on single entries: the path integral along an entry's own axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gradtool.evidence import Difference, WrongEntry
from gradtool.values import Index
from gradtool.witness.callable.subject import Floats, Gradients
from gradtool.witness.callable.weighed import Weighed
from gradtool.witness.directional.path_integral import path_integral

__all__ = ["contradicted"]


def contradicted(
    weighed: Weighed, claims: Mapping[tuple[str, Index], float], bars: Sequence[Difference], seed: int
) -> list[WrongEntry]:
    """Those of ``claims`` that the path integral along their own axis contradicts, as their ladder in ``bars`` does.

    Cost: 15 to 60 gradients each.
    """
    subject = weighed.subject
    found = []
    for bar in bars:
        name, index = bar.variable, bar.index

        def placed(at: Mapping[str, Floats], name: str = name, index: Index = index) -> dict[str, Floats]:
            arrays = {other: array.copy() for other, array in subject.point.items()}
            arrays[name][index] = at["entry"]
            return arrays

        def value(at: Mapping[str, Floats]) -> float:
            return weighed.value(placed(at))

        def gradient(at: Mapping[str, Floats], name: str = name, index: Index = index) -> Gradients:
            whole = weighed.gradient(placed(at))[name]
            return {"entry": np.zeros(()) if whole is None else whole[index]}

        entry = {"entry": np.asarray(subject.point[name][index])}
        paths = path_integral(value, gradient, entry, subject.dtype, seed, directions=1)
        if not paths.agree:
            found.append(WrongEntry(name, index, claims[name, index], bar.value, bar.bar))
    return found
