"""A sweep as numbers that can be drawn: what the pictures on the page and in the terminal have in common."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradtool.problem import Problem, ProblemError
from gradtool.values import Array
from gradtool.verdict.record import WORDS, CheckRecord, Entry
from gradtool.verdict.stretches import along, coordinate, swept
from gradtool.verdict.words import EQUAL

__all__ = ["Sample", "chosen", "derived", "drawable", "runs", "samples", "slope_dots", "value_runs"]

Dots = list[tuple[float, float]]
HINT = "give a range, as in --at x=-3:3:101"


@dataclass(frozen=True, slots=True)
class Sample:
    """A point of a sweep. What is None is not known; NaN and infinity are what the framework really gave.

    ``exact``, ``slope``, ``left`` and ``right`` are infinite where they are too large for a float, or truly so.

    ``errors`` holds for each variable the largest error in ulp, infinite where autodiff gave no number at all.
    ``rises`` says that the derivative is the one along the sweep, so that it is the slope of the curve.
    ``blamed`` is the label of the first derivative that has the verdict of the whole point.
    """

    x: float
    verdict: str
    value: float | None
    exact: float | None
    autodiff: float | None
    slope: float | None
    left: float | None
    right: float | None
    errors: Mapping[str, float]
    entry: Entry | None
    rises: bool
    blamed: str


def drawable(records: Sequence[CheckRecord], most: int = 2) -> list[str]:
    """The variables, ``most`` of them, along which a picture can be drawn. Raises ProblemError where it can't.

    Only the points count, so this can be asked before anything is judged.
    """
    names = swept(records)
    targets = {(record.name, record.target, record.framework) for record in records}
    if len(targets) > 1:
        why = f"there are {len(targets)}"
        raise ProblemError(Problem("plot", "a picture shows one target", why=why, hint="check them one at a time"))
    if not names:
        hint = HINT.replace("x=", f"{next(iter(records[0].point), 'x')}=") if records else HINT
        raise ProblemError(Problem("plot", "a picture needs a sweep: one variable at many points", hint=hint))
    if len(names) > most:
        room = "has room for one or two variables that change"
        hint = "give the others one value each"
        if most == 1:
            room, hint = "of two frameworks has room for one variable that changes", f"{hint}; gradtool check draws two"
        message = f"a picture {room}, and here {len(names)} do"
        raise ProblemError(Problem("plot", message, why=", ".join(names), hint=hint))
    if len(names) == 2 and not _grid(records, names):
        why = f"{' and '.join(names)} change together, and their values form no grid"
        hint = f"give a range to each, as in --at {names[0]}=-3:3:25,{names[1]}=-3:3:25, or one value to one of them"
        raise ProblemError(Problem("plot", "these points can't be drawn", why=why, hint=hint))
    return names


def _grid(records: Sequence[CheckRecord], names: Sequence[str]) -> bool:
    """Whether the points are at least half of a grid of two variables."""
    points = {tuple(record.point[name] for name in names) for record in records if record.point}
    columns, rows = (len({point[place] for point in points}) for place in (0, 1))
    return min(columns, rows) > 1 and 2 * len(points) > columns * rows


def derived(records: Sequence[CheckRecord], variable: str) -> tuple[str, str]:
    """The label and the variable of the derivative that is drawn: by the swept one, else the first there is."""
    names = {entry.label: entry.variable for record in records for entry in record.entries}
    by = variable if variable in names else next(iter(names), variable)
    return by, names.get(by, variable)


def samples(records: Sequence[CheckRecord], variable: str) -> list[Sample]:
    """The points of a sweep along ``variable``, lowest first."""
    by, _ = derived(records, variable)
    return [
        _sample(record, coordinate(record, variable), by, rises=by == variable) for record in along(records, variable)
    ]


def _sample(record: CheckRecord, x: float, by: str, *, rises: bool) -> Sample:
    entry = next((entry for entry in record.entries if entry.label == by), None)
    errors: dict[str, float] = {}
    for one in record.entries:
        error = _error(one)
        if error is not None:
            errors[one.variable] = max(error, errors.get(one.variable, 0.0))
    sides = (_number(entry.symbolic), _number(entry.left), _number(entry.right)) if entry else (None, None, None)
    autodiff = entry.autodiff if entry else None
    blamed = next((one.label for one in record.entries if one.verdict == record.verdict), "")
    value = None if isinstance(record.value, Array) else record.value
    return Sample(x, record.verdict, value, _number(record.exact_value), autodiff, *sides, errors, entry, rises, blamed)


def _number(text: str | None) -> float | None:
    number = None if text is None else float(text)
    return None if number is None or math.isnan(number) else number


def _error(entry: Entry) -> float | None:
    """The error to draw: 0 where autodiff is exact, infinite where it is no number although the truth is one."""
    truth = _number(entry.symbolic)
    if entry.autodiff is None or truth is None or not math.isfinite(truth):
        return None
    if not math.isfinite(entry.autodiff):
        return math.inf
    if entry.ulp is None:
        return 0.0 if entry.autodiff == truth else None
    return 0.0 if entry.ulp < EQUAL else entry.ulp


def chosen(sweep: Sequence[Sample]) -> int:
    """The point to point out: the worst that is not verified, preferably one with a slope and near the middle.

    Where all are verified it is the middle one.
    """
    order = list(WORDS)
    bad = [place for place, sample in enumerate(sweep) if sample.verdict != "verified"]
    if not bad:
        return len(sweep) // 2

    def rank(place: int) -> tuple[bool, int, float, int]:
        sample = sweep[place]
        error = max(sample.errors.values(), default=0.0)
        return not _pointable(sample), order.index(sample.verdict), -error, abs(2 * place - len(sweep) + 1)

    return min(bad, key=rank)


def _pointable(sample: Sample) -> bool:
    """Whether the curve has a place and some slope there."""
    level = sample.exact if sample.exact is not None else sample.value
    return level is not None and math.isfinite(level) and (sample.slope, sample.left, sample.right) != (None,) * 3


def runs(dots: Iterable[tuple[float, float | None]]) -> list[Dots]:
    """A line as unbroken pieces: it stops where there is no finite number."""
    pieces: list[Dots] = [[]]
    for x, y in dots:
        if y is not None and math.isfinite(y):
            pieces[-1].append((x, y))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def value_runs(sweep: Sequence[Sample]) -> list[Dots]:
    """The exact values as a line, interrupted also where they jump: at a pole between two points, or at a step.

    By the mean value theorem a difference quotient far from the slopes at both ends, or of the other sign, is a
    jump. Where that holds on more than a fifth of the sweep the points are too sparse to tell, and the line is whole.
    """
    jumps = {after for after, (one, two) in enumerate(itertools.pairwise(sweep), 1) if _jump(one, two)}
    if len(jumps) > max(len(sweep) // 5, 1):
        jumps = set()
    dots: list[tuple[float, float | None]] = []
    for place, sample in enumerate(sweep):
        if place in jumps:
            dots.append((sample.x, None))
        dots.append((sample.x, sample.exact))
    return runs(dots)


def slope_dots(sweep: Sequence[Sample]) -> list[tuple[float, float | None]]:
    """The exact derivative, up to a point without one from the left, and on from there from the right."""
    dots: list[tuple[float, float | None]] = []
    for one in sweep:
        if one.slope is None:
            dots += [(one.x, one.left), (one.x, None), (one.x, one.right)]
        else:
            dots.append((one.x, one.slope))
    return dots


def _jump(one: Sample, two: Sample) -> bool:
    before = one.slope if one.slope is not None else one.right
    after = two.slope if two.slope is not None else two.left
    known = [part for part in (one.exact, two.exact, before, after) if part is not None and math.isfinite(part)]
    if len(known) < 4 or not one.rises or one.x == two.x:
        return False
    start, stop, *slopes = known
    quotient = stop / (two.x - one.x) - start / (two.x - one.x)
    smaller, larger = sorted(map(abs, slopes))
    room = max(slopes) - min(slopes) + 3 * larger
    opposite = max(math.copysign(quotient, quotient * slope) for slope in slopes) < 0
    if opposite and abs(quotient) > 0.05 * smaller > 0:
        return True
    return not min(slopes) - room <= quotient <= max(slopes) + room
