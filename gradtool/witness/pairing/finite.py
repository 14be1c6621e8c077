"""Whether there are numbers to compare: where NaN or infinity comes from first is told, and nothing is concluded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import PairRequest, Side
from gradtool.witness.model.exchange import read_arrays
from gradtool.witness.pairing.maps import PairingError
from gradtool.witness.pairing.words import shown

__all__ = ["look_at_runs", "look_at_sizes"]

Arrays = Mapping[str, NDArray[Any]]

INPUT_HINT = "give finite inputs: from NaN or infinity nothing can be concluded about two models"
HINT = (
    "look there first: a logarithm or root of what is not positive, a division by 0, an overflow; two models are not \
compared by numbers that are none"
)


def _finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def look_at_sizes(request: PairRequest) -> None:
    """Raise PairingError where inputs or outputs hold no number."""
    for name, array in read_arrays(Path(request.folder) / "left.taken.npz").items():
        if not array.size:
            told = f"{_input(name)} is {'x'.join(map(str, array.shape))}: there is nothing to compare"
            raise PairingError(told, "give inputs with rows", "empty")
    for side in (request.left, request.right):
        if any(not np.prod(shape) for shape in side.outputs):
            told = f"the {side.framework} model's output is empty: there is nothing to compare"
            raise PairingError(told, "give inputs with rows", "empty")


def look_at_runs(request: PairRequest, runs: tuple[Arrays, Arrays]) -> None:
    """Raise PairingError where an output, the loss or a gradient of a parameter is NaN or infinite on either side."""
    ends = [
        [n for n, a in run.items() if n.startswith(("output:", "parameter:", "loss")) and not _finite(a)]
        for run in runs
    ]
    if not any(ends):
        return
    _look_at_sources(request)
    sides = request.left, request.right
    told = [_first(side, run, names) for side, run, names in zip(sides, runs, ends, strict=True)]
    both = [f"in the {side.framework} model {where}" for side, where in zip(sides, told, strict=True) if where]
    others = [side.framework for side, where in zip(sides, told, strict=True) if not where]
    rest = f"; all outputs and gradients of the {others[0]} model are finite" if others else ""
    raise PairingError(f"NaN or infinity comes out: {', and '.join(both)}{rest}", HINT, "not finite")


def _look_at_sources(request: PairRequest) -> None:
    """Raise PairingError where inputs or weights are no numbers already."""
    folder = Path(request.folder)
    for name, array in read_arrays(folder / "left.taken.npz").items():
        if not _finite(array):
            count, shape = int((~np.isfinite(array)).sum()), "x".join(map(str, array.shape))
            told = f"{count} of the {array.size} numbers of {_input(name)} ({shape}) are NaN or infinite"
            raise PairingError(f"{told}, and so is what comes out", INPUT_HINT, "not finite")
    for side, end in ((request.left, "left"), (request.right, "right")):
        arrays = read_arrays(folder / f"{end}.weights.npz")
        wrong = next((name for name, array in arrays.items() if not _finite(array)), None)
        if wrong is not None:
            told = f"{wrong} of the {side.framework} model is NaN or infinite before anything runs"
            raise PairingError(f"{told}, and so is what comes out", "give both models finite weights", "not finite")


def _input(name: str) -> str:
    return "the input" if name == "0" else f"input {int(name) + 1}"


def _first(side: Side, run: Arrays, ends: Sequence[str]) -> str:
    """Where it is first: the first layer on the way forward, else the output, the loss, or the way back."""
    if not ends:
        return ""
    forward = [place for place in range(len(side.layers)) if not _finite(run.get(f"value:{place}", np.zeros(0)))]
    if forward and any(name.startswith(("output:", "loss")) for name in ends):
        return f"first from {shown(side.layers[forward[0]])}"
    if any(name.startswith("output:") for name in ends):
        return "behind the last layer, whose own output is finite"
    if "loss" in ends:
        return "in the loss, for the output is finite"
    back = [place for place in range(len(side.layers)) if not _finite(run.get(f"gradient:{place}", np.zeros(0)))]
    if back:
        return f"on the way back, before it reaches {shown(side.layers[back[-1]])}, for outputs and loss are finite"
    return f"in the gradient of {ends[0].partition(':')[2]}, for outputs and loss are finite"
