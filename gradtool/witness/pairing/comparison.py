"""What two runs of a pair differ in: the gradient of every parameter, the output and gradient of every layer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import ComparedLayer, ComparedParameter, Distance, PairEvidence, PairRequest, Setting, SideLayer
from gradtool.witness.model.exchange import read_arrays
from gradtool.witness.pairing.arrangement import Arranged, arrangements, channels_last
from gradtool.witness.pairing.finite import look_at_runs
from gradtool.witness.pairing.kinds import family
from gradtool.witness.pairing.maps import pulled_back
from gradtool.witness.pairing.pairs import Pairs

__all__ = ["compared", "distance"]

Numbers = NDArray[Any]
Arrays = Mapping[str, Numbers]

SMALL = 1e-3
"""Of the largest RMS: what is smaller is judged by this, since a gradient that is truly 0 has no size of its own."""

SILENT = ("flatten", "dropout")
"""Kinds that change no number, and are nothing to point at."""


def distance(one: Numbers, other: Numbers, scale: float) -> float:
    """The norm of the difference relative to the larger norm, or to ``SMALL`` of ``scale``, an RMS, if that is more.

    NaN where both are NaN or infinite, which is no agreement; infinity where one is.
    """
    one, other = one.astype(np.float64), other.astype(np.float64)
    whole = bool(np.isfinite(one).all()), bool(np.isfinite(other).all())
    if not all(whole):
        return float("inf") if any(whole) else float("nan")
    size = max(np.linalg.norm(one), np.linalg.norm(other), SMALL * scale * one.size**0.5)
    return float(np.linalg.norm(one - other) / size) if size else 0.0


class _Runs:
    """The runs of both sides in one dtype: the left one also moved by rounding units."""

    def __init__(self, request: PairRequest, dtype: str) -> None:
        folder = Path(request.folder)
        self.dtype = dtype
        self.left: Arrays = read_arrays(folder / f"left.{dtype}.0.npz")
        self.right: Arrays = read_arrays(folder / f"right.{dtype}.0.npz")
        self.moved = [read_arrays(folder / f"left.{dtype}.{draw}.npz") for draw in range(1, request.draws + 1)]

    def scale(self, start: str) -> float:
        """The largest RMS among the arrays whose names begin so."""
        sizes = [
            float(np.sqrt(np.mean(np.square(a, dtype=np.float64))))
            for n, a in self.left.items()
            if n.startswith(start) and a.size
        ]
        return max((size for size in sizes if np.isfinite(size)), default=0.0)

    def apart(self, mine: str, theirs: Numbers, scale: float, way: Arranged) -> Distance:
        """The distance of a left array from a right one, and how far the rounding units move it."""
        own = way(self.left[mine])
        floors = [distance(own, way(run[mine]), scale) for run in self.moved if mine in run]
        return Distance(self.dtype, distance(own, theirs, scale), max(floors, default=None))


def compared(request: PairRequest, pairs: Pairs, ways: Sequence[tuple[int, Arranged]], began: float) -> PairEvidence:
    """Compare the runs that both sides have written. Raises PairingError where the first holds NaN or infinity."""
    runs = [_Runs(request, dtype) for dtype in request.dtypes]
    look_at_runs(request, (runs[0].left, runs[0].right))
    layers = [*_layers(request, pairs, runs), _output(ways, runs)]
    trained = request.left.trained or request.right.trained
    both = request.left.loss == request.right.loss == "own"
    return PairEvidence(
        request.key,
        request.left,
        request.right,
        list(_parameters(request, pairs, runs) if trained else _by_inputs(request, runs, layers[0].left)),
        layers,
        [run.apart("loss", run.right["loss"], 0.0, _as_it_is) for run in runs] if both else [],
        [[float(run.left["loss"]), float(run.right["loss"])] for run in runs],
        seconds=time.perf_counter() - began,
    )


def _as_it_is(array: Numbers) -> Numbers:
    return array


def _layers(request: PairRequest, pairs: Pairs, runs: Sequence[_Runs]) -> Iterator[ComparedLayer]:
    last = (-1, -1)
    for mine, yours in pairs.calls:
        left, right = request.left.layers[mine], request.right.layers[yours]
        way = _way(runs[0], f"value:{mine}", f"value:{yours}", pairs.flattened.get(mine, ()))
        lone = (
            [*_between(request.left.layers, last[0], mine, pairs, 0)],
            [*_between(request.right.layers, last[1], yours, pairs, 1)],
        )
        settings = [*_settings(left, right), *_masked(left, request.right.layers[:yours])]
        if [one.config["padding"] for one in lone[1] if one.kind == "pad"] == [left.config.get("padding")]:
            lone = lone[0], [one for one in lone[1] if one.kind != "pad"]  # Keras pads in a layer of its own
            settings = [one for one in settings if one.name != "padding"]
        alike = family(left.kind) == family(right.kind)
        if way is None and alike and left.shape and len(left.shape) == len(right.shape):
            settings.append(Setting("output shape", _shown(left.shape), _shown(right.shape)))
        alone = [
            [side, one.title, one.source] for side, ones in zip(("left", "right"), lone, strict=True) for one in ones
        ]
        last = (mine, max(yours, last[1]))
        yield ComparedLayer(
            left.name, right.name, left.kind, left.title, right.title, left.source, right.source,
            list(_distances(runs, "value", mine, yours, way)),
            list(_distances(runs, "gradient", mine, yours, way)),
            settings, alone,
        )  # fmt: skip


def _masked(left: SideLayer, before: Sequence[SideLayer]) -> Iterator[Setting]:
    """The mask that an embedding of Keras hands on to what looks at steps; in PyTorch there is none."""
    masking = next((one for one in before if one.config.get("mask zero") == "yes"), None)
    if masking is not None and left.kind in ("lstm", "gru", "rnn", "attention", "global_pool"):
        yield Setting("mask", "none", f"mask_zero of {masking.name}")


def _shown(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _between(layers: Sequence[SideLayer], start: int, stop: int, pairs: Pairs, side: int) -> Iterator[SideLayer]:
    """What ran in between, has no partner and changes numbers."""
    known = {call[side] for call in pairs.calls}
    yield from (layers[k] for k in range(start + 1, stop) if k not in known and layers[k].kind not in SILENT)


def _way(run: _Runs, mine: str, yours: str, flattened: tuple[int, ...]) -> Arranged | None:
    """How the left output is laid out as the right one; where several orders have that shape, as the numbers say."""
    if mine not in run.left or yours not in run.right:
        return None
    left, right = run.left[mine], run.right[yours]
    ways = list(arrangements(left, right, flattened))
    return min(ways, key=lambda way: distance(way(left), right, 0.0), default=None)


def _distances(runs: Sequence[_Runs], what: str, mine: int, yours: int, way: Arranged | None) -> Iterator[Distance]:
    if way is None:
        return
    for run in runs:
        names = f"{what}:{mine}", f"{what}:{yours}"
        if names[0] in run.left and names[1] in run.right:
            yield run.apart(names[0], run.right[names[1]], run.scale(f"{what}:"), way)


def _settings(left: SideLayer, right: SideLayer) -> list[Setting]:
    """The settings that both sides tell, and tell differently."""
    return [
        Setting(name, text, right.config[name])
        for name, text in left.config.items()
        if name in right.config and right.config[name] != text
    ]


def _output(ways: Sequence[tuple[int, Arranged]], runs: Sequence[_Runs]) -> ComparedLayer:
    """What comes out of the models, as a layer behind the last."""
    found = []
    for run in runs:
        each = [run.apart(f"output:{k}", run.right[f"output:{o}"], 0.0, way) for k, (o, way) in enumerate(ways)]
        found.append(max(each, key=lambda one: one.difference))
    return ComparedLayer("output", "output", "output", "", "", outputs=found)


def _parameters(request: PairRequest, pairs: Pairs, runs: Sequence[_Runs]) -> Iterator[ComparedParameter]:
    """Every trained parameter of the left in its order, then what only the right has."""
    rights: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    layers: dict[str, str] = {}
    for one in pairs.maps:
        for name, _, _, word in one.terms:
            rights.setdefault(name, []).append(one.right)
            words[name], layers[name] = word, one.layer
    pulled = [_pulled(pairs, run.right, request.right.trained) for run in runs]
    shapes = [
        {name: layer.shapes[part] for layer in side.layers for part, name in layer.weights.items()}
        for side in (request.left, request.right)
    ]
    learning = {name for one in pairs.maps if one.right in request.right.trained for name, _, _, _ in one.terms}
    for name in shapes[0]:
        trained = name in request.left.trained
        if name not in rights or not (trained or name in learning):
            continue
        key = f"parameter:{name}"
        here, there = trained and key in runs[0].left, name in pulled[0]
        gradients = [
            _with_errors(
                run.apart(key, back[name], run.scale("parameter:"), _as_it_is), runs, run, key, back, pulled[0]
            )
            for run, back in zip(runs, pulled, strict=True)
            if here and there
        ]
        missing = "" if here == there else "right" if here else "left"
        yield ComparedParameter(
            name, ", ".join(rights[name]), shapes[0][name], shapes[1].get(rights[name][0], []), words[name],
            layers[name], gradients, missing,
        )  # fmt: skip
    for side, name, layer in pairs.lone:
        shape = shapes[side == "right"][name]
        left = side == "left"
        yield ComparedParameter(
            name if left else "", "" if left else name, shape if left else [], [] if left else shape, "", layer
        )


def _by_inputs(request: PairRequest, runs: Sequence[_Runs], first: str) -> Iterator[ComparedParameter]:
    """Of models that train nothing, the gradients by the inputs, each as if it were a parameter."""
    folder = Path(request.folder)
    taken = read_arrays(folder / "left.taken.npz"), read_arrays(folder / "right.taken.npz")
    for name, mine in taken[0].items():
        yours, key = taken[1][name], f"fed:{name}"
        here, there = key in runs[0].left, key in runs[0].right
        if not (here or there):
            continue
        way = _as_it_is if mine.shape == yours.shape and np.array_equal(mine, yours) else channels_last
        word = "same" if way is _as_it_is else "channels first to last"
        shown = f"input {int(name) + 1}"
        found = [run.apart(key, run.right[key], run.scale("fed:"), way) for run in runs] if here and there else []
        missing = "" if here == there else "right" if here else "left"
        yield ComparedParameter(shown, shown, [*mine.shape], [*yours.shape], word, first, found, missing)


def _with_errors(plain: Distance, runs: Sequence[_Runs], run: _Runs, key: str, back: Arrays, truth: Arrays) -> Distance:
    """With the distance of either side's gradient from its own in float64, where ``run`` is in a lower precision."""
    if run is runs[0] or runs[0].dtype != "float64":
        return plain
    name, scale = key.removeprefix("parameter:"), runs[0].scale("parameter:")
    return replace(
        plain,
        left_error=distance(run.left[key], runs[0].left[key], scale),
        right_error=distance(back[name], truth[name], scale),
    )


def _pulled(pairs: Pairs, right: Arrays, trained: Sequence[str]) -> dict[str, Numbers]:
    """The right side's gradients as those by the left parameters, by the adjoint of the maps."""
    found: dict[str, Numbers] = {}
    for one in pairs.maps:
        gradient = right.get(f"parameter:{one.right}")
        if gradient is None or one.right not in trained:
            continue
        for name, share in pulled_back(one, gradient):
            found[name] = found[name] + share if name in found else share
    return found
