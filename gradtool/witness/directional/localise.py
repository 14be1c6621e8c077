"""Which entries of a gradient are wrong, when a direction through all of them has said that some are.

First: is the whole gradient c times the truth? Three directions give the same c, or it is not. Then the entries are
bisected, at the borders of tensors first, down a half that shows a residual; a tensor that does is asked for its own c.
The step is chosen once, through all entries, so that a level costs four values (six or twelve where only a longer step
or sharper residuals show anything clearly). The entry at the end is confirmed by a ladder of steps of its own, and left
out of what follows, until no residual is seen any more.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradtool.witness.directional.flat_function import Array, FlatFunction, Point, Value
from gradtool.witness.directional.residual import Residuals, SpentError
from gradtool.witness.directional.stencil import FARTHER, QUICK, SHARP, Rule, Slope

__all__ = ["Localisation", "Scaled", "WrongEntry", "localise"]

_CHANCE = 1e-3
"""How probable it may be that directions agree on a factor by accident."""


@dataclass(frozen=True, slots=True)
class WrongEntry:
    """An entry of the gradient, as it is claimed and as differences find it: the truth is within ``bar``."""

    variable: str
    index: tuple[int, ...]
    claimed: float
    estimated: float
    bar: float


@dataclass(frozen=True, slots=True)
class Scaled:
    """A gradient that is ``factor`` times the truth, within ``bar``; the whole of it where ``variable`` is None.

    The factor is 0 for a detached tensor.
    """

    variable: str | None
    factor: float
    bar: float


@dataclass(frozen=True, slots=True)
class Localisation:
    """What was found; ``complete`` if, apart from that, no more residual is seen."""

    entries: tuple[WrongEntry, ...]
    scaled: tuple[Scaled, ...]
    evaluations: int
    complete: bool


def localise(
    value: Value,
    claims: Mapping[str, Array | None],
    point: Point,
    dtype: str,
    seed: int = 0,
    limit: int = 8,
    max_evaluations: int = 2000,
    about: float | None = None,
) -> Localisation:
    """Up to ``limit`` findings about ``claims``, the gradient at ``point``, within ``max_evaluations`` of ``value``.

    ``about`` is a step, in units of the entries, over which the function is known to be smooth.
    One wrong entry among a million takes about 200 evaluations.
    """
    function = FlatFunction(value, point, dtype)
    search = _Search(function, function.vector(claims), seed, limit, about)
    with np.errstate(all="ignore"):
        try:
            complete = search.run(max_evaluations)
        except SpentError:
            complete = False
    return Localisation(tuple(search.entries), tuple(search.scaled), function.evaluations, complete)


class _Search:
    """Findings so far; ``free`` are the entries that directions still go through."""

    residuals: Residuals

    def __init__(
        self, function: FlatFunction, claims: Array, seed: int, limit: int, about: float | None = None
    ) -> None:
        self.function, self.claims, self.limit, self.about = function, claims, limit, about
        self.draw = np.random.default_rng(seed)
        self.free = np.isfinite(claims)
        self.entries: list[WrongEntry] = []
        self.scaled: list[Scaled] = []
        cuts = itertools.accumulate((at.size for at in function.point.values()), initial=0)
        self.tensors = [slice(*ends) for ends in itertools.pairwise(cuts)]

    def run(self, most: int) -> bool:
        """Whether everything that can be seen was found."""
        finite = np.where(self.free, self.claims, 0.0)
        self.residuals = Residuals(self.function, finite, most, self.about)
        no_numbers = np.flatnonzero(~self.free)
        for index in no_numbers[: self.limit]:
            self._confirm(int(index))
        complete = self._searched([QUICK, FARTHER])
        if not (self.entries or self.scaled):
            complete = self._searched([SHARP])
        return complete and no_numbers.size <= self.limit

    def _searched(self, rules: Sequence[Rule]) -> bool:
        """Finds what residuals of one of the rules show; False if some of it could not be traced to an entry."""
        residuals = self.residuals
        directions = [self._direction() for _ in range(3)]
        residuals.settle(directions[0], rules)
        slopes = [residuals.slope(residuals.everything, direction) for direction in directions]
        if all(slope.seen for slope in slopes) and self._is_scaled(None, residuals.everything, directions):
            return True
        misses = 0
        while any(slope.seen for slope in slopes):
            if len(self.entries) + len(self.scaled) + misses >= self.limit:
                return False
            misses += not self._descend(next(d for d, slope in zip(directions, slopes, strict=True) if slope.seen))
            directions = [self._direction() for _ in range(2)]
            slopes = [residuals.slope(residuals.everything, direction) for direction in directions]
        return not misses

    def _direction(self) -> Array:
        return self.function.direction(self.draw) * self.free

    def _descend(self, direction: Array) -> bool:
        """Follows a residual down to an entry or a scaled tensor; False if it is lost on the way or not confirmed.

        First by one half alone, the other being taken where nothing is seen in it; what is lost so is followed again
        by both.
        """
        return self._followed(direction, trusting=True) or self._followed(direction, trusting=False)

    def _followed(self, direction: Array, *, trusting: bool) -> bool:
        where = self.residuals.everything
        direction = direction * self.free
        while where.stop - where.start > 1:
            first, second = self._halves(where)
            if self.residuals.slope(first, direction).seen:
                where = first
            elif trusting or self.residuals.slope(second, direction).seen:
                where = second
            else:
                return False
            if where in self.tensors and where.stop - where.start > 1 and self._is_scaled_tensor(where, direction):
                return True
        return self._confirm(where.start)

    def _halves(self, where: slice) -> tuple[slice, slice]:
        """Two parts, parted at the border of tensors that is nearest to the middle if there is one inside."""
        middle = (where.start + where.stop) // 2
        borders = [tensor.start for tensor in self.tensors if where.start < tensor.start < where.stop]
        cut = min(borders, key=lambda border: abs(border - middle), default=middle)
        return slice(where.start, cut), slice(cut, where.stop)

    def _confirm(self, index: int) -> bool:
        """Puts one entry on record if its own ladder says that it is wrong, and leaves it out of what follows."""
        direction = np.zeros_like(self.claims)
        direction[index] = self.function.units()[index]
        slope = self.residuals.ladder(slice(index, index + 1), direction)
        self.free[index] = False
        claimed, unit = float(self.claims[index]), float(direction[index])
        if not math.isfinite(slope.bar) or not (slope.seen or not math.isfinite(claimed)):
            return False
        variable, place = self._place(index)
        estimated = float(self.residuals.claims[index]) + slope.gap / unit
        self.entries.append(WrongEntry(variable, place, claimed, estimated, slope.bar / unit))
        return True

    def _place(self, index: int) -> tuple[str, tuple[int, ...]]:
        names = zip(self.function.point.items(), self.tensors, strict=True)
        (name, at), tensor = next(item for item in names if item[1].start <= index < item[1].stop)
        return name, tuple(int(i) for i in np.unravel_index(index - tensor.start, at.shape))

    def _is_scaled_tensor(self, where: slice, direction: Array) -> bool:
        name = list(self.function.point)[self.tensors.index(where)]
        return self._is_scaled(name, where, [direction, self._direction(), self._direction()])

    def _is_scaled(self, name: str | None, where: slice, directions: Sequence[Array]) -> bool:
        """Puts on record that all entries ``where`` are one multiple of the truth, if the directions agree on it."""
        claims = self.residuals.claims[where]
        if np.count_nonzero(self.free[where]) < 2 or np.count_nonzero(claims) == 1:
            return False
        claimed = [float(np.dot(claims, direction[where])) for direction in directions]
        found = _factor(claimed, [self.residuals.truth(where, direction) for direction in directions])
        if found is None:
            return False
        self.scaled.append(Scaled(name, *found))
        self.free[where] = False
        return True


def _factor(claimed: Sequence[float], truths: Sequence[Slope]) -> tuple[float, float] | None:
    """The c and its bar, if every claimed slope is c times the true one, and c is not 1, and hardly so by accident."""
    if not all(truth.seen for truth in truths):
        return None
    claim, truth = min(zip(claimed, truths, strict=True), key=lambda row: row[1].bar / abs(row[1].gap))
    factor, bar = claim / truth.gap, abs(claim / truth.gap) * truth.bar / abs(truth.gap)
    chance = 1.0
    for claim, truth in zip(claimed, truths, strict=True):
        allowed = abs(factor) * truth.bar + bar * abs(truth.gap)
        if abs(claim - factor * truth.gap) > allowed:
            return None
        chance *= allowed / abs(claim - truth.gap)
    return (factor + 0.0, bar) if chance < _CHANCE else None
