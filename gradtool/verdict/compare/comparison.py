"""Two checks of the same derivatives side by side: which framework is right. A pure function on records.

Each side has been judged against the exact derivative by itself; nothing is judged anew here. Where there is no exact
derivative, each side may still be verified by differences of its own framework's function. If then the gradients are
farther apart than both checks together could have missed, the two functions differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from gradtool.target.dtype import FORMATS, ulp
from gradtool.values import Array, Index, Value, flat, number_at
from gradtool.verdict.case import SAFETY
from gradtool.verdict.compare.record import CompareRecord, Gap, Pair, worst
from gradtool.verdict.compare.sentences import reason
from gradtool.verdict.record import CheckRecord, Entry
from gradtool.verdict.record import worst as worst_check

__all__ = ["FAULTY", "compared", "gap_of", "value_entry", "verdict_of"]

Gradients = Mapping[str, Value | None]
Key = tuple[str, Index, bool]

FAULTY = frozenset({"wrong", "unstable"})
VALUE_OFF = MappingProxyType({"GT018": "wrong", "GT023": "unstable"})
"""The findings of a check on the function's value, and the word that a derivative would get for the same."""


def compared(
    sides: tuple[CheckRecord, CheckRecord], gradients: tuple[Gradients, Gradients], seconds: float
) -> CompareRecord:
    """The comparison of two checks of one target at one point; ``gradients`` are those that the frameworks gave."""
    if sides[0].problems:
        return CompareRecord(sides, seconds=seconds)
    titles, dtype = (sides[0].title, sides[1].title), sides[0].dtype
    pairs = [_pair(one, two, titles, dtype, gradients) for one, two in _aligned(sides, gradients)]
    verdict = worst(pair.verdict for pair in pairs)
    return CompareRecord(sides, tuple(pairs), _value(sides, titles), verdict, seconds)


def gap_of(one: float | None, two: float | None, dtype: str, exact: str | None = None) -> Gap:
    """How far two numbers are apart; in ulp of the ``exact`` one where it is an ordinary number, else of the larger."""
    if one is None or two is None:
        return Gap()
    if one == two or (math.isnan(one) and math.isnan(two)):
        return Gap(0.0, 0.0, 0.0)
    if not (math.isfinite(one) and math.isfinite(two)):
        return Gap()
    apart, size = abs(Decimal(one) - Decimal(two)), max(abs(one), abs(two))
    truth = float(exact) if exact else 0.0
    unit = ulp(truth if truth and math.isfinite(truth) else size, dtype)
    return Gap(float(apart), float(apart / Decimal(size)), float(apart / Decimal(unit)))


def verdict_of(one: Entry, two: Entry, gap: Gap, dtype: str) -> str:
    """The word for two gradients, each with the verdict of its own check."""
    words = {one.verdict, two.verdict}
    if words == {"verified"}:
        return "mismatch" if _functions_differ(one, two, gap) else "same" if gap.absolute == 0 else "rounding"
    if words <= FAULTY:
        return "both_wrong"
    if words & FAULTY and "verified" in words:
        return "one_right"
    if words == {"not_differentiable"}:
        return "same_convention" if _alike(one.autodiff, two.autodiff, dtype) else "convention"
    return words.pop() if words in ({"undefined"}, {"out_of_range"}) else "inconclusive"


def _functions_differ(one: Entry, two: Entry, gap: Gap) -> bool:
    """Whether both are right for functions that can't be the same."""
    if one.symbolic is not None or two.symbolic is not None or gap.relative is None:
        return False
    return gap.relative > SAFETY * ((one.power or 0.0) + (two.power or 0.0))


def _alike(one: float | None, two: float | None, dtype: str) -> bool:
    """Whether two conventions are one, to a few rounding units; NaN is none."""
    if one is None or two is None or math.isnan(one) or math.isnan(two):
        return False
    return one == two or abs(one - two) <= SAFETY * FORMATS[dtype].unit * min(abs(one), abs(two)) < math.inf


def _pair(one: Entry, two: Entry, titles: tuple[str, str], dtype: str, gradients: tuple[Gradients, Gradients]) -> Pair:
    gap = _gap_of_arrays(*gradients, one.variable) if one.whole else _gap(one, two, dtype)
    if one.spot or two.spot:
        gap = replace(gap, ulp=None)
    verdict = verdict_of(one, two, gap, dtype)
    return Pair(one, two, gap, verdict, reason(verdict, (one, two), gap, titles, dtype))


def _gap(one: Entry, two: Entry, dtype: str) -> Gap:
    return gap_of(one.autodiff, two.autodiff, dtype, one.symbolic or two.symbolic)


def _gap_of_arrays(first: Gradients, second: Gradients, name: str) -> Gap:
    """The norm of the difference of two whole gradients; None counts as 0."""
    if name not in first or name not in second:
        return Gap()
    one, two = (None if value is None else flat(value) for value in (first[name], second[name]))
    length = len(one or two or ())
    left, right = one or [0.0] * length, two or [0.0] * length
    apart = math.hypot(*(a - b for a, b in zip(left, right, strict=True)))
    size = max(math.hypot(*left), math.hypot(*right))
    if not math.isfinite(apart):
        return Gap()
    return Gap(apart, apart / size if size else 0.0)


# ---- which entry belongs to which


def _aligned(
    sides: tuple[CheckRecord, CheckRecord], gradients: tuple[Gradients, Gradients]
) -> list[tuple[Entry, Entry]]:
    """The entries of both sides by their names; a side that has no entry of a name gets one made up for it."""
    first, second = (list(side.entries) for side in sides)
    if not gradients[0] and gradients[1]:
        first = []
    elif not gradients[1]:
        second = []
    wholes = {entry.variable for entry in (*first, *second) if entry.whole}
    one, two = (_keyed(_folded(entries, wholes)) for entries in (first, second))
    keys = dict.fromkeys([*(one or two), *two])
    return [
        (
            one.get(key) or _stand_in(two[key], one, sides[0], gradients[0]),
            two.get(key) or _stand_in(one[key], two, sides[1], gradients[1]),
        )
        for key in keys
    ]


def _keyed(entries: Sequence[Entry]) -> dict[Key, Entry]:
    return {(entry.variable, entry.index, entry.whole): entry for entry in entries}


def _folded(entries: Sequence[Entry], wholes: set[str]) -> list[Entry]:
    """The entries of a variable that the other side tells as a whole as one entry, the worst of them."""
    kept = [entry for entry in entries if entry.variable not in wholes or any(e.whole for e in entries)]
    for name in wholes if len(kept) < len(entries) else ():
        own = [entry for entry in entries if entry.variable == name]
        verdict = worst_check([entry.verdict for entry in own])
        blamed = next(entry for entry in own if entry.verdict == verdict)
        power = max((entry.power for entry in own if entry.power is not None), default=None)
        label = f"{name} ({len(own)} entries)"
        kept.append(Entry(name, None, verdict, blamed.reason, power=power, label=label, count=len(own), whole=True))
    return kept


def _stand_in(other: Entry, own: Mapping[Key, Entry], side: CheckRecord, gradients: Gradients) -> Entry:
    """The entry that a side lacks: with its number and the verdict of its whole where it has one."""
    told = Entry(other.variable, None, "inconclusive", f"{side.title} gave no gradient", index=other.index,
                 label=other.label, count=other.count, whole=other.whole, symbolic=other.symbolic, spot=other.spot,
                 left=other.left, right=other.right)  # fmt: skip
    whole, value = own.get((other.variable, (), True)), gradients.get(other.variable)
    if whole is None:
        return told
    number = number_at(value, other.index) if isinstance(value, Array) else None
    return replace(told, autodiff=number, verdict=whole.verdict, reason=whole.reason, power=whole.power)


# ---- the value


def _value(sides: tuple[CheckRecord, CheckRecord], titles: tuple[str, str]) -> Pair | None:
    """The pair of the function's values, if they are numbers."""
    one, two = (value_entry(side) for side in sides)
    if one is None and two is None:
        return None
    first, second = one or _no_value(two, titles[0]), two or _no_value(one, titles[1])
    dtype = sides[0].dtype
    gap = _gap(first, second, dtype)
    verdict = verdict_of(first, second, gap, dtype)
    return Pair(first, second, gap, verdict, reason(verdict, (first, second), gap, titles, dtype))


def _no_value(other: Entry | None, title: str) -> Entry:
    return Entry("", None, "inconclusive", f"{title} gave no value", other.symbolic if other else None, label="f")


def value_entry(side: CheckRecord) -> Entry | None:
    """The value of the function as an entry: at fault where the check has said so, verified where it could have."""
    if side.value is None or isinstance(side.value, Array):
        return None
    if side.exact_value is None:
        undefined = side.verdict == "undefined"
        word = "undefined" if undefined else "inconclusive"
        return Entry("", side.value, word, "no exact value is known", label="f")
    truth = Decimal(side.exact_value)
    off = next((finding for finding in side.findings if finding.code in VALUE_OFF), None)
    too_large = abs(truth) > Decimal(FORMATS[side.dtype].largest)
    verdict = "out_of_range" if too_large else VALUE_OFF[off.code] if off else "verified"
    error = None
    if truth and not too_large and math.isfinite(side.value):
        error = float(abs(Decimal(side.value) - truth) / Decimal(ulp(float(truth), side.dtype)))
    told = off.message if off else ""
    return Entry("", side.value, verdict, told, side.exact_value, ulp=error, label="f")
