"""What speaks against a gradient at a point: ladders entry by entry, the path integral, and how sure both are.

No estimator convicts alone. An entry is wrong where its ladder of differences and the path integral along its own axis
both say so, and by more than one rounding unit of the point changes the gradient: nobody can ask for better, and an
error that every evaluation makes alike, as that of a mean far from 0, shows in no noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradtool.evidence import Difference, Survey, WrongEntry
from gradtool.target.dtype import FORMATS
from gradtool.values import Index, label
from gradtool.witness.callable.subject import Floats, Gradients, Point
from gradtool.witness.callable.weighed import Weighed, together
from gradtool.witness.directional.entries import entry_opinions
from gradtool.witness.finite_difference import differences

__all__ = ["Opinions", "claim_of", "ladders", "largest_entries", "opinions", "sure"]

SAFETY = 4.0
"""As in the verdict: so many times the change by one rounding unit is fair."""
JITTERS = 4
MOST = 8
"""So many entries are asked for a second opinion; where all of them are wrong, the others are like them."""

FEW = 4
"""So many entries speak for a whole variable."""

Entry = tuple[str, Index]


@dataclass(frozen=True, slots=True)
class Opinions:
    """A ladder for each entry, and the entries that two estimators contradict."""

    bars: list[Difference]
    confirmed: list[WrongEntry]


def claim_of(gradients: Gradients, entry: Entry) -> float:
    """The gradient's entry; 0 where the framework returned None."""
    gradient = gradients[entry[0]]
    return 0.0 if gradient is None else float(gradient[entry[1]])


def opinions(weighed: Weighed, gradients: Gradients, at: Point, ladder: Sequence[Difference], seed: int) -> Opinions:
    """What follows from a ladder for each entry of the gradient at ``at``. Cost: 15 gradients for a suspect."""
    bars = list(ladder)
    suspects = [place for place, bar in enumerate(bars) if _contradicts(bar, gradients)]
    if suspects:
        bars = mirrored(bars, gradients)
        suspects = [place for place, bar in enumerate(bars) if _contradicts(bar, gradients)]
    if not suspects:
        return Opinions(bars, [])
    fair = _sensitivity(weighed, gradients, at, seed)
    for place in suspects:
        bar = bars[place]
        bars[place] = replace(bar, bar=bar.bar + SAFETY * float(fair[bar.variable][bar.index]))
    suspects = [place for place in suspects if _contradicts(bars[place], gradients)]
    asked = [(bars[place].variable, bars[place].index) for place in suspects[:MOST]]
    heard = entry_opinions(
        weighed.value, weighed.gradient, at, asked, weighed.subject.dtype, seed, weighed.value_and_gradient
    )
    guilty = [place for place, one in zip(suspects, heard, strict=False) if not one.agrees]
    if len(guilty) == MOST:
        guilty = suspects
    return Opinions(bars, [_wrong(bars[place], gradients) for place in guilty])


def mirrored(bars: Sequence[Difference], gradients: Gradients) -> list[Difference]:
    """The bars with the means of mirrored entries, where a function reads one triangle alone and shares its gradient.

    A Cholesky factorisation is a function of symmetric matrices, whatever stands in the other triangle: its gradient is
    that of moves that keep the symmetry, half in each triangle.
    """
    known = {(bar.variable, bar.index): bar for bar in bars}
    found = []
    for bar in bars:
        other = known.get((bar.variable, _mirror(bar.index)))
        if other is None or other is bar or not _is_symmetric(gradients[bar.variable]):
            found.append(bar)
            continue
        one_triangle = abs(bar.value) <= bar.bar or abs(other.value) <= other.bar
        mean = replace(bar, value=(bar.value + other.value) / 2, bar=(bar.bar + other.bar) / 2)
        found.append(mean if one_triangle else bar)
    return found


def _mirror(index: Index) -> Index:
    return (*index[:-2], *index[:-3:-1]) if len(index) > 1 else index


def _is_symmetric(gradient: Floats | None) -> bool:
    """Whether it is one of matrices, and symmetric up to rounding."""
    if gradient is None or gradient.ndim < 2 or gradient.shape[-1] != gradient.shape[-2]:
        return False
    return np.allclose(gradient, gradient.swapaxes(-1, -2))


def _wrong(bar: Difference, gradients: Gradients) -> WrongEntry:
    return WrongEntry(bar.variable, bar.index, claim_of(gradients, (bar.variable, bar.index)), bar.value, bar.bar)


def sure(weighed: Weighed, survey: Survey, gradients: Gradients, at: Point, seed: int) -> Survey:
    """The survey without what its entries' own ladders or axes clear: jumps, kinks, and errors that are none.

    An accusation that neither of them can see, among very many entries, stands.
    """
    if survey.agree:
        return survey
    fair = _sensitivity(weighed, gradients, at, seed)
    wrong = [
        one for one in survey.wrong
        if abs(one.claimed - one.estimated) > one.bar + SAFETY * float(fair[one.variable][one.index])
        or not math.isfinite(one.claimed)
    ]  # fmt: skip
    gaps = {(one.variable, one.index): abs(one.claimed - one.estimated) for one in wrong}
    cleared = _cleared(weighed, gradients, at, gaps, seed)
    scaled = {name: factor for name, factor in survey.scaled.items() if _is_more(name, factor, gradients, fair)}
    for name, factor in list(scaled.items()):
        gaps = {
            entry: abs(claim_of(gradients, entry)) * abs(1 - 1 / factor) if factor else math.inf
            for entry in largest_entries(gradients, at, name)
        }
        if gaps and _cleared(weighed, gradients, at, gaps, seed):
            del scaled[name]
    return replace(survey, wrong=[one for one in wrong if (one.variable, one.index) not in cleared], scaled=scaled)


def _cleared(weighed: Weighed, gradients: Gradients, at: Point, gaps: Mapping[Entry, float], seed: int) -> set[Entry]:
    """The entries at which there is no derivative, or whose gap would have been seen and is not there."""
    if not gaps:
        return set()
    beside = [(name, _mirror(index)) for name, index in gaps if _is_symmetric(gradients[name])]
    (ladder,) = ladders([weighed], [gradients], at, list(dict.fromkeys([*gaps, *beside])))
    ladder = mirrored(ladder, gradients)[: len(gaps)]
    heard = entry_opinions(
        weighed.value, weighed.gradient, at, list(gaps), weighed.subject.dtype, seed, weighed.value_and_gradient
    )
    found = set()
    for (entry, gap), bar, one in zip(gaps.items(), ladder, heard, strict=True):
        small = abs(claim_of(gradients, entry) - bar.value) <= bar.bar < gap
        if bar.regime in ("kink", "jump", "steep", "one_sided") or small or (one.agrees and one.bar < gap):
            found.add(entry)
    return found


def largest_entries(gradients: Gradients, at: Point, name: str = "") -> list[Entry]:
    """The entries of the gradient, or of that by one variable, with the largest claims; ``FEW`` of each variable."""
    found: list[Entry] = []
    for one, array in at.items():
        if name in ("", one):
            gradient = gradients[one]
            numbers = np.zeros(array.shape) if gradient is None else np.abs(gradient)
            order = np.argsort(-numbers, axis=None, kind="stable")[:FEW]
            found += [(one, tuple(map(int, np.unravel_index(place, array.shape)))) for place in order.tolist()]
    return found[:MOST]


def _is_more(name: str, factor: float, gradients: Gradients, fair: Mapping[str, Floats]) -> bool:
    """Whether a factor changes some entry by more than rounding may."""
    for one, gradient in gradients.items():
        if gradient is not None and name in ("", one) and factor:
            return bool(np.any(np.abs(gradient * (1 - 1 / factor)) > SAFETY * fair[one]))
    return True


def _contradicts(bar: Difference, gradients: Gradients) -> bool:
    claim = claim_of(gradients, (bar.variable, bar.index))
    return math.isfinite(bar.value) and not abs(claim - bar.value) <= bar.bar


def ladders(
    sums: Sequence[Weighed], gradients: Sequence[Gradients], at: Point, entries: Sequence[Entry]
) -> list[list[Difference]]:
    """A ladder of differences along each entry, for several weighed sums of the same outputs at once.

    Cost: 125 evaluations for each entry, however many sums.
    """
    places = {label(*entry): entry for entry in entries}
    point = {name: float(at[entry[0]][entry[1]]) for name, entry in places.items()}
    claims = {name: np.array([claim_of(one, entry) for one in gradients]) for name, entry in places.items()}

    def along(columns: Mapping[str, Floats]) -> Floats:
        rows = []
        for numbers in zip(*columns.values(), strict=True):
            arrays = {name: array.copy() for name, array in at.items()}
            for name, number in zip(columns, numbers, strict=True):
                variable, index = places[name]
                arrays[variable][index] = number
            rows.append(together(sums, arrays))
        return np.array(rows)

    found = differences(along, point, claims, sums[0].subject.dtype)
    return [
        [replace(found[name][place], variable=entry[0], index=entry[1]) for name, entry in places.items()]
        for place in range(len(sums))
    ]


def _sensitivity(weighed: Weighed, gradients: Gradients, at: Point, seed: int) -> dict[str, Floats]:
    """By how much the gradient changes where every number of the point moves by one rounding unit, at random."""
    draw = np.random.default_rng([seed, 5])
    unit = 2 * FORMATS[weighed.subject.dtype].unit
    found = {name: np.zeros(array.shape) for name, array in at.items()}
    for _ in range(JITTERS):
        moved = {name: array * (1 + unit * draw.choice((-1.0, 1.0), array.shape)) for name, array in at.items()}
        for name, gradient in weighed.gradient(moved).items():
            first = gradients[name]
            if gradient is not None and first is not None:
                found[name] = np.fmax(found[name], np.abs(gradient - first))
    return found
