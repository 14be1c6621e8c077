"""One side of a comparison of two models: what it does at each step, whatever its framework.

The framework's room is a ``Room``; arrays go to and from the parent's folder as .npz files, since they are too many
for a record. Images stay in the order in which each side has them; the pairing room puts them in one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Assumed, Reach, Side, SideRequest, SideRun
from gradtool.witness.callable.randomness import set_random
from gradtool.witness.model.exchange import Arrays, read_arrays, write_arrays
from gradtool.witness.model.losses import order
from gradtool.witness.model.pair_file import Loaded, opened
from gradtool.witness.model.room import Passed, Room
from gradtool.witness.model.user_file import UserFileError

__all__ = ["RandomForwardError", "steps"]

LEAST = 2.0**-27
"""The least relative move of a draw. In float64 this, not a rounding unit: Keras keeps some constants in float32, which
moves what comes out of an exact gelu by as much."""


class RandomForwardError(UserFileError):
    """A model that gives other numbers each time it runs."""


_loaded: dict[str, tuple[str, Loaded, list[NDArray[Any]]]] = {}
"""What is at hand between two steps: the folder and the dtype, the model, and its inputs as it takes them."""


def steps(room: Room, request: SideRequest) -> Iterator[Side | SideRun | Reach]:
    """What one step of the comparison gives. Raises UserFileError for what the file does not have or do."""
    began = time.perf_counter()
    if request.step == "load":
        yield _load(room, request)
    elif request.step == "describe":
        yield _describe(room, request)
    elif request.step == "reach":
        yield _reach(room, request)
    else:
        loss, dtype = _run(room, request)
        yield SideRun(request.key, loss, dtype, time.perf_counter() - began)


def _load(room: Room, request: SideRequest) -> Side:
    loaded = _opened(room, request)
    kept = loaded.inputs is not None
    if loaded.inputs is not None:
        _save(request, "inputs", {str(place): array for place, array in enumerate(loaded.inputs)})
    if loaded.targets is not None:
        _save(request, "targets", {"targets": loaded.targets})
    return _side(room, request, loaded, "drawn" if loaded.drawn else "own" if kept else "")


def _opened(room: Room, request: SideRequest) -> Loaded:
    """Run the file for the dtype of the request, and find everything in it."""
    set_random(request.seed)
    room.begin(request)
    loaded = opened(request, room.kind)
    room.settle(loaded, request)
    _loaded.clear()
    _loaded[request.side] = (_state(request), loaded, [])
    return loaded


def _state(request: SideRequest) -> str:
    return f"{request.folder} {request.dtype}"


def _side(room: Room, request: SideRequest, loaded: Loaded, inputs: str) -> Side:
    own, written = loaded.loss is not None, loaded.written
    if written.loss:
        wanted = order(loaded.loss, reversed_order=room.targets_first)
        written = replace(written, loss=f"{written.loss}({', '.join(wanted)})")
    told = "the file's own" if own else "a fixed random projection of the output, the same on both sides"
    assumed = [
        Assumed("model", f"{loaded.name} ({type(loaded.model).__name__})", f"{room.framework}, {room.version}"),
        Assumed("loss", told, "" if own else "the file names none"),
    ]
    return Side(
        request.key, room.framework, room.version, loaded.name, type(loaded.model).__name__, request.dtype, inputs,
        room.channels_last(), loss="own" if own else "", assumed=assumed, mapped=loaded.mapped, notes=loaded.notes,
        written=written,
    )  # fmt: skip


def _describe(room: Room, request: SideRequest) -> Side:
    _, loaded, _ = _loaded[request.side]
    given = list(_read(request, request.inputs).values())
    inputs = room.arranged(given, request)
    loaded.written.moved[:] = [one is not other for one, other in zip(inputs, given, strict=True)]
    _loaded[request.side] = (_state(request), loaded, inputs)
    passed = room.forward(inputs)
    _look_at_chance(room, request, inputs, passed)
    _save(request, "weights", room.weights())
    _save(request, "taken", {str(place): array for place, array in enumerate(inputs)})
    described = _side(room, request, loaded, request.inputs)
    described.layers.extend(call.layer for call in passed.calls)
    described.trained.extend(room.trained())
    described.outputs.extend([*map(int, output.shape)] for output in passed.outputs)
    described.keys.extend(passed.keys)
    return described


def _look_at_chance(room: Room, request: SideRequest, inputs: list[NDArray[Any]], passed: Passed) -> None:
    """Raise RandomForwardError where the model gives other numbers from another seed, though dropout is off."""
    set_random(request.seed + 1)
    different = _different(passed.arrays(), room.forward(inputs, request.seed + 1).arrays())
    if not any(name.startswith("output:") for name in different):
        return
    place = next((int(name.partition(":")[2]) for name in different if name.startswith("value:")), None)
    layer = None if place is None else passed.calls[place].layer
    source = f", {layer.source}" if layer and layer.source else ""
    where = f", first what comes out of {layer.name} ({layer.title}{source})" if layer else ""
    raise RandomForwardError(
        f"the {room.framework} model is random: two runs with the same weights and inputs differ{where}",
        "layers of dropout and noise are switched off on both sides: leave out what else draws numbers, or "
        "compare with --mode eval if it is for training alone",
    )


def _run(room: Room, request: SideRequest) -> tuple[float, str]:
    """Run once, and again with weights and inputs moved by a rounding unit; the loss of the first."""
    inputs = [*_read(request, f"{request.side}.taken.npz").values()]
    if _loaded[request.side][0] != _state(request):  # what Keras builds keeps the dtype that held when it was built
        _opened(room, request)
        room.forward(inputs)  # some models are built by their first call
    loaded = _loaded[request.side][1]
    loaded.targets = _targets(request)
    loaded.loss = loaded.loss if request.own_loss else None
    given = _read(request, f"{request.side}.given.npz")
    projections = [*_read(request, f"{request.side}.projections.npz").values()]
    first = 0.0
    for draw in range(request.draws + 1):
        moved, fed = _moved(given, inputs, request, draw)
        room.give(moved)
        set_random(request.seed)
        passed = room.backward(fed, projections, loaded)
        first = first if draw else passed.loss
        _save(request, f"{request.dtype}.{draw}", passed.arrays())
    kinds = {array.dtype.name for name, array in room.weights().items() if array.dtype.kind == "f"}
    return first, kinds.pop() if len(kinds) == 1 else "mixed"


def _reach(room: Room, request: SideRequest) -> Reach:
    """Run forward with the arrays of one source after the other changed, then with each input, and see what follows.

    It costs a forward pass for each.
    """
    given, inputs = _moved(
        _read(request, f"{request.side}.given.npz"), [*_read(request, f"{request.side}.taken.npz").values()], request, 0
    )
    drawn = np.random.default_rng([request.seed, 2])
    room.give(given)
    plain = _numbers(room, inputs)
    changed = []
    for names in request.sources:
        room.give({name: _changed(given[name], drawn) for name in names})
        changed.append(_different(plain, _numbers(room, inputs)))
        room.give({name: given[name] for name in names})
    for place in range(len(inputs) if len(inputs) > 1 else 0):
        fed = [_changed(x, drawn) if other == place else x for other, x in enumerate(inputs)]
        changed.append(_different(plain, _numbers(room, fed)))
    return Reach(request.key, list(plain), changed)


def _numbers(room: Room, inputs: list[NDArray[Any]]) -> Arrays:
    found = room.forward(inputs).arrays()
    return {name: array for name, array in found.items() if name.startswith(("value:", "output:"))}


def _changed(array: NDArray[Any], drawn: np.random.Generator) -> NDArray[Any]:
    """Other numbers of the same size, larger everywhere, so that variances stay positive; whole ones change places."""
    if array.dtype.kind != "f":
        return np.roll(array, 1)
    size = float(np.sqrt(np.mean(np.square(array, dtype=np.float64)))) if array.size else 0.0
    return (array + (size or 1.0) * drawn.uniform(0.2, 1.0, array.shape)).astype(array.dtype)


def _different(plain: Arrays, other: Arrays) -> list[str]:
    return [
        name
        for name, array in plain.items()
        if name in other
        and not (array.shape == other[name].shape and np.allclose(array, other[name], 1e-6, 0.0, equal_nan=True))
    ]


def _targets(request: SideRequest) -> NDArray[Any] | None:
    """The targets of this side's file as it first ran, for another dtype may draw others; else the other side's."""
    sides = (request.side, "right" if request.side == "left" else "left")
    paths = (Path(request.folder) / f"{side}.targets.npz" for side in sides)
    return next((read_arrays(path)["targets"] for path in paths if path.is_file()), None)


def _moved(given: Arrays, inputs: list[NDArray[Any]], request: SideRequest, draw: int) -> tuple[Arrays, list[Any]]:
    """Weights and inputs in the dtype of the request; of a later draw moved by up to one rounding unit, or LEAST."""
    kind = np.dtype(request.dtype)
    unit = max(float(np.finfo(kind).eps), LEAST)
    drawn = np.random.default_rng([request.seed, draw])

    def one(array: NDArray[Any]) -> NDArray[Any]:
        if array.dtype.kind != "f":
            return array
        cast = array.astype(kind)
        return cast if not draw else (cast * (1 + unit * drawn.uniform(-1, 1, cast.shape))).astype(kind)

    return {name: one(array) for name, array in given.items()}, [one(array) for array in inputs]


def _save(request: SideRequest, name: str, arrays: Arrays) -> None:
    write_arrays(Path(request.folder) / f"{request.side}.{name}.npz", arrays)


def _read(request: SideRequest, name: str) -> Arrays:
    return read_arrays(Path(request.folder) / name)
