"""The same gradient by every mode of a framework, each compared with plain reverse mode: whichever framework it is.

A room gives its modes as rows (``Way``): what the framework calls one, and how it is run on a ``Subject``. A mode that
breaks, or that lacks what it needs, is a row with the reason.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from gradtool.evidence import MeasureRequest, Mode, Request
from gradtool.target.dtype import ulp
from gradtool.witness.stopwatch import first_run, spread
from gradtool.witness.testimony import Case, Floats, Framework, value_of

__all__ = [
    "BATCH", "MOST_BASIS", "Gradient", "Memory", "Modes", "Run", "Subject", "Way", "difference", "modes", "reason",
]  # fmt: skip

BATCH = 16
"""Points of a batch: the one asked for, and others beside it."""

MOST_BASIS = 32
"""Entries of a gradient that forward mode is asked for one by one; it takes a pass for each."""

Gradient = tuple[Any, Sequence[Any]]
"""A value and the gradients by the variables, as tensors (None where there is none); in a batch, stacked."""

Run = Callable[[], Gradient]
Memory = tuple[int | None, int | None, str]
"""Bytes allocated at most at once, bytes kept between the passes (None where unknown), and how that was measured."""


@dataclass(frozen=True, slots=True)
class Way:
    """One mode: its name here, what the framework calls it, how a run of it is made, at how many points it runs.

    ``forward`` makes a run of its forward pass alone, where there is one apart.
    """

    mode: str
    title: str
    make: Callable[[Subject], Run]
    points: int = 1
    forward: Callable[[Subject], Callable[[], Any]] | None = None


class Modes(Protocol):
    """What a framework's room provides."""

    framework: Framework
    ways: Sequence[Way]

    def products(self, subject: Subject, tangents: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
        """J v by forward mode, and J^T w by reverse mode."""

    def memory(self, subject: Subject, way: Way) -> Memory:
        """What a run allocates, or why that is not known."""

    def excuse(self, error: BaseException) -> str:
        """Why a mode is not to be had here, where ``error`` says that something is missing; else empty."""


class Subject:
    """One expression at one point, and at a batch of points beside it: what every mode is run on."""

    def __init__(self, framework: Framework, request: Request) -> None:
        self.request, self.framework = request, framework
        self.case = Case(framework, request)
        self.leaves = self.case.leaves(self.case.arrays)
        self.wrt = request.wrt
        self.active = [self.leaves[name] for name in self.wrt]
        value = framework.numbers(self.case.function(self.leaves))
        self.shape = value.shape
        self.weights = framework.tensor(self.case.weights(value.shape), request.dtype)

    def function(self, *tensors: Any) -> Any:
        """The expression as a function of the variables to differentiate by."""
        return self.case.function({**self.leaves, **dict(zip(self.wrt, tensors, strict=True))})

    def batch(self) -> list[list[Any]]:
        """BATCH points: the first is the one asked for, the others have every number changed by a tenth or so."""
        draw = np.random.default_rng(self.request.seed)
        arrays = [self.case.arrays[name] for name in self.wrt]
        moved = [[array * (1 + 0.1 * draw.standard_normal(array.shape)) for array in arrays] for _ in range(BATCH - 1)]
        return [[self.framework.tensor(array, self.request.dtype) for array in point] for point in (arrays, *moved)]

    def random(self, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
        """Normal numbers from the seed."""
        draw = np.random.default_rng(self.request.seed)
        return [self.framework.tensor(draw.standard_normal(shape), self.request.dtype) for shape in shapes]

    @property
    def entries(self) -> int:
        """How many numbers the gradient has."""
        return sum(self.case.arrays[name].size for name in self.wrt)

    def basis(self) -> Iterator[list[Any]]:
        """The unit tangents, one for each entry of the gradient."""
        arrays = [self.case.arrays[name] for name in self.wrt]
        for place, array in enumerate(arrays):
            for entry in range(array.size):
                units = [np.zeros(other.shape) for other in arrays]
                units[place].flat[entry] = 1
                yield [self.framework.tensor(unit, self.request.dtype) for unit in units]


def modes(room: Modes, asked: MeasureRequest) -> Iterator[Mode]:
    """One record for each mode, in the order of the room's rows; the first is plain reverse mode."""
    request, framework = asked.request, room.framework
    subject = Subject(framework, request)
    plain: dict[int, list[Floats]] = {}
    for way in room.ways:
        none = Mode(request.key, framework.name, framework.version, way.mode, way.title, points=way.points)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield _row(room, subject, way, none, plain)
            except Exception as error:  # noqa: BLE001  # a mode that breaks costs its own row only
                yield replace(none, skipped=room.excuse(error) or reason(error))


def _row(room: Modes, subject: Subject, way: Way, none: Mode, plain: dict[int, list[Floats]]) -> Mode:
    """What one mode gives; ``plain`` keeps the gradients of the first one at as many points."""
    framework, arrays = room.framework, [subject.case.arrays[name] for name in subject.wrt]
    if way.mode == "forward":
        none = _tested(room, subject, none)
        if subject.entries > MOST_BASIS:
            return replace(none, note=f"only the products were taken: the gradient has {subject.entries} entries")
    run = way.make(subject)
    (value, tensors), first = first_run(run)
    shapes = [(way.points, *array.shape) if way.points > 1 else array.shape for array in arrays]
    found = [
        np.zeros(shape) if tensor is None else framework.numbers(tensor).reshape(shape)
        for tensor, shape in zip(tensors, shapes, strict=True)
    ]
    reference = plain.setdefault(way.points, found)
    pairs, dtype = list(zip(found, reference, strict=True)), subject.request.dtype
    at_point = [array[0] if way.points > 1 else array for array in found]
    number = framework.numbers(value)[0] if way.points > 1 else framework.numbers(value)
    peak, kept, how = room.memory(subject, way)
    return replace(
        none,
        value=value_of(np.asarray(number)),
        gradients={
            name: None if tensor is None else value_of(array)
            for name, tensor, array in zip(subject.wrt, tensors, at_point, strict=True)
        },
        ulp=max(difference(a, b, dtype) for a, b in pairs),
        ulp_of_largest=max(difference(a, b, dtype, largest=True) for a, b in pairs),
        time=spread(run, first),
        peak=peak,
        kept=kept,
        memory=how,
    )


def _tested(room: Modes, subject: Subject, none: Mode) -> Mode:
    """The dot-product test: <w, J v> = <J^T w, v> for any v and w, whatever the function."""
    framework = room.framework
    shapes = [subject.case.arrays[name].shape for name in subject.wrt]
    *tangents, cotangent = subject.random([*shapes, subject.shape])
    forward, back = room.products(subject, tangents, cotangent)
    lefts = framework.numbers(cotangent) * (0 if forward is None else framework.numbers(forward))
    rights = [
        (0 if gradient is None else framework.numbers(gradient)) * framework.numbers(tangent)
        for gradient, tangent in zip(back, tangents, strict=True)
    ]
    parts = np.concatenate([np.ravel(part) for part in rights])
    scale = float(np.sum(np.abs(lefts)) + np.sum(np.abs(parts)))
    return replace(none, left=float(np.sum(lefts)), right=float(np.sum(parts)), scale=scale)


def difference(found: Floats, wanted: Floats, dtype: str, *, largest: bool = False) -> float:
    """The worst difference of two arrays in ulp of the larger entry, or of the ``largest`` one of all.

    Infinite where only one has a number.
    """
    finite = np.abs(np.concatenate([found.ravel(), wanted.ravel()]))
    top = float(np.max(finite[np.isfinite(finite)], initial=0.0)) if largest else 0.0
    worst = 0.0
    for a, b in zip(found.ravel().tolist(), wanted.ravel().tolist(), strict=True):
        if a == b or (math.isnan(a) and math.isnan(b)):
            continue
        if not (math.isfinite(a) and math.isfinite(b)):
            return math.inf
        worst = max(worst, abs(a - b) / ulp(max(abs(a), abs(b), top), dtype))
    return worst


def reason(error: BaseException) -> str:
    """An error in one line."""
    lines = str(error).strip().splitlines() or [""]
    return f"it raised {type(error).__name__}: {lines[0][:200]}"
