"""The exact derivative of expressions over large arrays: the exact walk on whole arrays of balls.

The same analysis as ``derivative.py`` for what is too large to be followed number by number. Every number is a ball of
python-flint, an interval that certainly holds the truth, so the walk itself knows how many of its digits are right; it
is repeated with more of them until every derivative has 32, or is known to be nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from flint import arb, ctx

from gradtool.evidence import Request
from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.operations import OPERATIONS
from gradtool.values import Shape, Value, flat, shape_of
from gradtool.witness.symbolic.large.backward import spread
from gradtool.witness.symbolic.large.cell import Cell
from gradtool.witness.symbolic.large.flow import need
from gradtool.witness.symbolic.large.numbers import (
    NAN,
    ONE,
    ZERO,
    Floats,
    Mask,
    Numbers,
    accuracy,
    finite,
    floats,
    is_faint,
    numbers,
    sign,
)
from gradtool.witness.symbolic.large.result import Grid, LargeGradient, LargeUndefinedError, Result
from gradtool.witness.symbolic.large.rows import Formula, row
from gradtool.witness.symbolic.large.shapes import VIEWS, expanded_products
from gradtool.witness.symbolic.large.sides import sides
from gradtool.witness.symbolic.large.walk import Forward
from gradtool.witness.symbolic.program import TooLargeError
from gradtool.witness.walk import Step

__all__ = ["MAX_BYTES", "Grid", "LargeGradient", "LargeUndefinedError", "Result", "derive_large"]

RUNGS = (192, 448, 1280)
"""Bits of the walks: the last tells a number from 0 down to 2^-FAINT, below every dtype."""

WANTED = 106
"""Bits of a result: two float64 numbers."""

FREE = 6
"""As many parts of a formula are constants, conditions, or gone before a walk takes most."""

SEEN = 70
"""Bits that show what one rounding unit does."""

MAX_BYTES = 1_200_000_000
"""Most memory that the arrays of one walk may take."""


def derive_large(request: Request, steps: Sequence[Step]) -> LargeGradient:
    """The gradient of the value of ``steps``, or of the sum of its entries times ``request.upstream``.

    ``steps`` are primitive rows only, as ``compile_tree`` gives them for ``stable``. Raises LargeUndefinedError where
    an operation has no value, and TooLargeError where the arrays would not fit into MAX_BYTES.
    """
    return _Large(request, expanded_products(steps)).gradient()


class _Large:
    def __init__(self, request: Request, steps: Sequence[Step]) -> None:
        self.request, self.steps = request, tuple(steps)
        self.labels = {
            place: [int(label) for label in flat(request.point[steps[step.arguments[1]].name])]
            for place, step in enumerate(steps)
            if step.operation == "_pick"
        }
        self.shapes = {name: shape_of(value) for name, value in request.point.items()}

    def gradient(self) -> LargeGradient:
        """Climb the rungs until the digits suffice, or there is no room for more."""
        self._check_size(RUNGS[0])
        bits = RUNGS[0]
        while True:
            room = [more for more in RUNGS if more > bits and self.size(more) <= MAX_BYTES]
            with ctx.workprec(bits):
                walk, vague = self._walk()
                if vague and not room and bits < RUNGS[-1]:
                    raise TooLargeError("a condition needs more digits to be decided than there is memory for")
                missing = RUNGS[-1] if vague else self._missing(walk)
                if missing <= 0 or not room:
                    return self._told(walk, bits)
            del walk
            bits = next((more for more in room if more >= bits + missing), room[-1])

    # ---- one walk

    def _walk(self) -> tuple[Forward, bool]:
        """The walk with its bounds, and whether more digits might decide it otherwise: then it goes forward only."""
        walk = self._forward(_point(self.request.point), bounds=True)
        seed, wanted = self._seed()
        need(walk.cells, wanted, self.labels)
        vague = any(bool((cell.vague & cell.needed).any()) for cell in walk.cells)
        if not vague or ctx.prec == RUNGS[-1]:
            _raise_where_undefined(walk.cells)
            spread(walk, numbers(seed), np.where((seed == 0) | (seed == 1), 0.0, np.abs(seed)))
        return walk, vague and ctx.prec < RUNGS[-1]

    def _forward(self, values: Mapping[str, Numbers], *, bounds: bool) -> Forward:
        request = self.request
        return Forward(
            self.steps, request.framework, request.dtype, values, request.wrt, self.labels, bounds=bounds
        )  # fmt: skip

    def _seed(self) -> tuple[Floats, Mask]:
        """The adjoint of the value, and which of its entries count."""
        shape, upstream = self.steps[-1].shape, self.request.upstream
        if upstream is None:
            return np.ones(shape), np.ones(shape, dtype=np.bool_)
        seed = np.array([rounded(weight, self.request.dtype) for weight in flat(upstream)]).reshape(shape)
        return seed, seed != 0

    def _missing(self, walk: Forward) -> int:
        """How many bits the worst derivative or value lacks."""
        worst = 0
        for values in [walk.cells[-1].value, *(_adjoint(walk, name, self.shapes[name]) for name in self.request.wrt)]:
            lacking = WANTED - accuracy(values)
            lacking = np.where(is_faint(values) | ~finite(values), 0, lacking)
            worst = max(worst, int(lacking.max(initial=0)))
        return worst

    # ---- what it tells

    def _told(self, walk: Forward, bits: int) -> LargeGradient:
        touched = any(cell.touched.any() for cell in walk.cells if cell.step.operation == "variable" and cell.active)
        found = sides(walk, numbers(self._seed()[0])) if touched else {}
        told = {name: self._grid(walk, name, found.get(name)) for name in self.request.wrt}
        root = walk.cells[-1]
        result = Result(*_split(root.value), _whole(_total(root, walk), root.step.shape))
        cells = walk.cells
        centre = {name: _adjoint(walk, name, self.shapes[name]) for name in self.request.wrt}
        for cell in cells:
            cell.locals, cell.value = [], np.empty((), dtype=np.object_)
        del walk, cells
        sensitivity: dict[str, Floats] = {}
        for more in (128, RUNGS[1]) if bits == RUNGS[0] else RUNGS[1:]:
            with ctx.workprec(more):
                sensitivity, enough = self._sensitivity(centre)
            if enough or self.size(RUNGS[1]) > MAX_BYTES:
                break
        grids = tuple(replace(told[name], sensitivity=sensitivity[name]) for name in self.request.wrt)
        return LargeGradient(result, grids, self.steps, bits)

    def _grid(self, walk: Forward, name: str, found: tuple[Numbers, Numbers] | None) -> Grid:
        """What the walk tells about the derivatives by one variable; their sensitivity is not known yet."""
        shape = self.shapes[name]
        cell = _variable(walk, name)
        adjoint = _adjoint(walk, name, shape)
        bound = _whole(cell.adjoint_units * walk.unit + cell.adjoint_excess, shape) if cell else np.zeros(shape)
        touched = _whole(cell.touched, shape) if cell else np.zeros(shape, dtype=np.int32)
        on = touched > 0
        left, right = found or (np.full(shape, NAN, dtype=np.object_),) * 2
        known = finite(left) & finite(right)
        agree = on & known & _same(left, right)
        adjoint = np.where(on, np.where(agree, right, NAN), adjoint)
        high, low = _split(adjoint)
        poor = (accuracy(adjoint) < WANTED // 2) & ~is_faint(adjoint)
        unknown = np.where(on, ~known, np.isnan(high) | np.isnan(bound) | poor)
        losses = cell.blame if cell else None
        return Grid(
            name,
            np.where(unknown, np.nan, high),
            np.where(unknown, np.nan, low),
            bound,
            np.zeros(shape),
            touched,
            _whole(cell.doubtful, shape) if cell else np.zeros(shape, dtype=np.bool_),
            unknown,
            np.where(on & known, floats(left), np.nan),
            np.where(on & known, floats(right), np.nan),
            _whole(losses.place(), shape) if losses else np.zeros(shape, dtype=np.int32),
            _whole(losses.cause(), shape) if losses else np.zeros(shape, dtype=np.int32),
        )

    def _sensitivity(self, centre: Mapping[str, Numbers]) -> tuple[dict[str, Floats], bool]:
        """Largest change of each derivative when every coordinate moves by one rounding unit, three draws.

        Also whether the digits were enough to see it.
        """
        draw = random.Random(self.request.seed)  # noqa: S311  # not a secret, but a repeatable choice of signs
        point, unit = _point(self.request.point), arb(FORMATS[self.request.dtype].unit)
        up = {name: np.asarray(value * (ONE + unit), dtype=np.object_) for name, value in point.items()}
        down = {name: np.asarray(value * (ONE - unit), dtype=np.object_) for name, value in point.items()}
        worst, enough = {name: np.zeros(self.shapes[name]) for name in self.request.wrt}, True
        for _ in range(3):
            signs = np.array([draw.choice((-1, 1)) for _ in range(sum(value.size for value in up.values()))])
            moved, start = {}, 0
            for name, value in up.items():
                chosen = signs[start : start + value.size].reshape(value.shape) > 0
                moved[name], start = np.where(chosen, value, down[name]), start + value.size
            walk = self._forward(moved, bounds=False)
            spread(walk, numbers(self._seed()[0]), np.zeros(()))
            for name, known in worst.items():
                beside = _adjoint(walk, name, known.shape)
                apart = np.asarray(beside - centre[name], dtype=np.object_)
                changed = np.where(finite(apart) & (sign(apart) != 0), np.abs(floats(apart)), 0.0)
                worst[name] = np.maximum(known, changed)
                vague = (accuracy(beside) < SEEN) & (np.abs(floats(centre[name])) > 0)
                enough &= not bool((vague & (accuracy(centre[name]) >= SEEN)).any())
            del walk
        return worst, enough

    # ---- how large it is

    def _check_size(self, bits: int) -> None:
        if (size := self.size(bits)) > MAX_BYTES:
            raise TooLargeError(
                f"about {size / 1e9:.1f} GB of exact numbers, and at most {MAX_BYTES / 1e9:.1f} GB are taken"
            )

    def size(self, bits: int) -> int:
        """About how many bytes a walk takes; measured to be right to a third.

        A ball for every entry of every step and one for its slope; six for one of a variable, which is moved both ways
        too; bounds and marks; and what the largest step computes on the way to its slope.
        """
        ball, total, passing = 80 + 8 * math.ceil(bits / 64), 0, 0
        for step in self.steps:
            entries = math.prod(step.shape)
            balls = 0 if step.operation in VIEWS else 6 if step.operation == "variable" else 2
            total += entries * (balls * ball + 100)
            if step.operation in OPERATIONS and OPERATIONS[step.operation].shape == "broadcast":
                slots = (len(part.slots) for part in row(step.operation).derivatives if isinstance(part, Formula))
                passing = max(passing, entries * ball * (max(slots, default=0) - FREE))
        return total + passing


def _point(point: Mapping[str, Value]) -> dict[str, Numbers]:
    return {name: numbers(np.array(flat(value)).reshape(shape_of(value))) for name, value in point.items()}


def _variable(walk: Forward, name: str) -> Cell | None:
    return next((cell for cell in walk.cells if cell.step.operation == "variable" and cell.step.name == name), None)


def _adjoint(walk: Forward, name: str, shape: Shape) -> Numbers:
    """The derivatives by a variable; zeros where the value does not depend on it."""
    cell = _variable(walk, name)
    if cell is None or cell.adjoint is None:
        return np.full(shape, ZERO, dtype=np.object_)
    return np.broadcast_to(cell.adjoint, shape)


def _whole(array: np.ndarray, shape: Shape) -> np.ndarray:
    return np.array(np.broadcast_to(array, shape))


def _total(cell: Cell, walk: Forward) -> Floats:
    """The bound of a value; what went beyond the floats of the bound itself explains everything."""
    total = np.asarray(cell.units * walk.unit + cell.excess)
    return np.where(np.isnan(total), np.inf, total)


def _same(left: Numbers, right: Numbers) -> Mask:
    """Whether slopes on both sides agree to twelve digits."""
    apart = np.abs(floats(np.asarray(left - right, dtype=np.object_)))
    return np.asarray(apart <= 1e-12 * np.maximum(np.abs(floats(left)), np.abs(floats(right))))


def _split(values: Numbers) -> tuple[Floats, Floats]:
    """The nearest float64 numbers and what they leave; NaN for what is no number, 0 for what is below every dtype."""
    known = finite(values)
    high = np.where(known, floats(values), np.nan)
    high = np.where(is_faint(values), 0.0, high)
    fits = np.isfinite(high) & (high != 0)
    low = np.where(fits, floats(np.asarray(values - numbers(np.where(fits, high, 0.0)), dtype=np.object_)), 0.0)
    return high, np.where(np.isnan(high), np.nan, low)


def _raise_where_undefined(cells: Sequence[Cell]) -> None:
    """Raise for the first step that is outside its domain at an entry that the value needs."""
    for cell in cells:
        outside = np.broadcast_to(cell.undefined & cell.needed, cell.step.shape)
        if outside.any():
            index = tuple(int(axis[0]) for axis in np.nonzero(np.atleast_1d(outside)))[: outside.ndim]
            arguments = [
                float(floats(np.broadcast_to(argument.value, cell.step.shape)[index])) for argument in cell.arguments
            ]
            raise LargeUndefinedError(cell.step, index, arguments)
