"""The sentence that matters: do the two agree, and if not, who is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from gradtool.verdict.compare.record import Gap
from gradtool.verdict.no_derivative import convention
from gradtool.verdict.record import Entry
from gradtool.verdict.words import EQUAL, digits_apart, short, ulps

__all__ = ["reason"]

Two = tuple[Entry, Entry]
Titles = tuple[str, str]

_CONVENTIONS = {
    "none": "is no convention",
    "both": "is that slope",
    "neither": "is not that slope",
    "either": "is either slope, to the last digits",
    "left": "is the slope from the left",
    "right": "is the slope from the right",
    "between": "lies between the slopes",
    "outside": "is neither slope, nor between them",
}
"""What a framework has made of the slopes; no word here may sound like a verdict on it."""

DIGITS = 17
"""Most digits of an exact number in a sentence."""

NEARER = 2.0
"""Of two wrong numbers one is called nearer if its error is so many times smaller."""


def reason(verdict: str, sides: Two, gap: Gap, titles: Titles, dtype: str) -> str:
    """What to think of two gradients whose comparison has come out as ``verdict``."""
    match verdict:
        case "same":
            return f"the same number{_error_of_both(sides[0])}"
        case "rounding":
            return f"both are right, {_apart(gap)}{_errors(sides, titles)}"
        case "one_right":
            return _one_right(sides, titles)
        case "both_wrong":
            return _both_wrong(sides, titles)
        case "mismatch":
            told = f"each fits the function that its own framework computes, and they are {_apart(gap)}"
            return f"{told}: the two functions differ"
        case "convention":
            if all(_number(side) == "nan" for side in sides):
                return f"{_spot(sides)}; both give nan, which is no convention"
            taken = ", ".join(_taken(*one, dtype) for one in zip(sides, titles, strict=True))
            harmless = all(side.autodiff is not None and math.isfinite(side.autodiff) for side in sides)
            return f"{_spot(sides)}; {taken}{': conventions, and neither is wrong' if harmless else ''}"
        case "same_convention":
            return f"{_spot(sides)}; both give {_number(sides[0])}{_which(sides[0], dtype, ', which ')}"
        case "undefined" | "out_of_range":
            empty = ", and neither means anything" if verdict == "undefined" else ""
            return f"{_spot(sides)}; {_given(sides, titles)}{empty}"
        case _:
            return _inconclusive(sides, gap, titles)


def _one_right(sides: Two, titles: Titles) -> str:
    place = 0 if sides[0].verdict == "verified" else 1
    right, faulty = sides[place], sides[1 - place]
    told = f"they differ, and {titles[place]} is right: "
    if right.whole or right.symbolic is None:
        return f"{told}{titles[1 - place]} is {faulty.verdict}: {faulty.reason}"
    parts = [f"{titles[place]} {_off(right)}", f"{titles[1 - place]} {_off(faulty)}"]
    return f"{told}{_truth([faulty])}, {', '.join(parts)}"


def _both_wrong(sides: Two, titles: Titles) -> str:
    one, two = sides
    if one.whole or one.symbolic is None:
        return f"neither is right; {titles[0]}: {one.reason}; {titles[1]}: {two.reason}"
    told = f"neither is right: {_truth(sides)}"
    if _number(one) == _number(two) and one.ulp == two.ulp:
        return f"{told}, and both give {_number(one)}"
    told += f", {titles[0]} {_off(one)}, {titles[1]} {_off(two)}"
    if one.ulp and two.ulp and not 1 / NEARER <= one.ulp / two.ulp <= NEARER:
        return f"{told}: {titles[0 if one.ulp < two.ulp else 1]} is nearer"
    return told


def _inconclusive(sides: Two, gap: Gap, titles: Titles) -> str:
    missing = [side.autodiff is None and not side.whole for side in sides]
    if all(missing):
        return "neither framework gave a gradient"
    if any(missing):
        place = missing.index(False)
        there = f"{titles[place]}'s is {sides[place].verdict}: {sides[place].reason}"
        return f"{titles[1 - place]} gave no gradient to compare with; {there}"
    apart = "they are the same number" if gap.absolute == 0 else f"they are {_apart(gap)}"
    reasons = "; ".join(f"{title}: {side.reason}" for side, title in zip(sides, titles, strict=True))
    return f"{apart}, and nothing tells which one is right; {reasons}"


# ---- parts of sentences


def _truth(faulty: Sequence[Entry]) -> str:
    """The exact number, to the digits that tell it from the faulty ones."""
    truth = Decimal(faulty[0].symbolic or 0)
    claims = [Decimal(entry.autodiff) for entry in faulty if entry.autodiff and math.isfinite(entry.autodiff)]
    what = "derivative" if faulty[0].variable else "value"
    return f"the {what} is {short(truth, min(digits_apart([truth, *claims]), DIGITS))}"


def _off(entry: Entry) -> str:
    """How far a number is off, or the number where that is no number of ulps."""
    if entry.ulp is None or entry.autodiff is None or not math.isfinite(entry.autodiff) or not entry.autodiff:
        return f"gives {_number(entry)}"
    return "is exact to the last digit" if entry.ulp < EQUAL else f"is {ulps(entry.ulp)} ulp off"


def _error_of_both(entry: Entry) -> str:
    if entry.symbolic is None:
        return ""
    if entry.ulp is None or entry.ulp < EQUAL:
        return ", and exact" if entry.ulp is not None or not entry.autodiff else ""
    return f", {ulps(entry.ulp)} ulp off the exact one"


def _errors(sides: Two, titles: Titles) -> str:
    if any(side.ulp is None for side in sides):
        return ""
    return f": {titles[0]} {_off(sides[0])}, {titles[1]} {_off(sides[1])}"


def _apart(gap: Gap) -> str:
    if gap.ulp is not None:
        return f"{ulps(gap.ulp)} ulp apart"
    return "different" if gap.relative is None else f"{gap.relative:.2g} relative apart"


def _number(entry: Entry) -> str:
    return "no number" if entry.autodiff is None else f"{entry.autodiff + 0.0:.6g}"  # 0 for -0


def _given(sides: Two, titles: Titles) -> str:
    if _number(sides[0]) == _number(sides[1]):
        return f"both give {_number(sides[0])}"
    return f"{titles[0]} gives {_number(sides[0])} and {titles[1]} {_number(sides[1])}"


def _spot(sides: Two) -> str:
    return sides[0].spot or sides[1].spot


def _taken(entry: Entry, title: str, dtype: str) -> str:
    which = _which(entry, dtype, " ")
    return f"{title}'s {_number(entry)}{which}" if which else f"{title} gives {_number(entry)}"


def _which(entry: Entry, dtype: str, before: str) -> str:
    """Which of the slopes was taken; nothing where there are none."""
    left, right = (None if side is None else Decimal(side) for side in (entry.left, entry.right))
    if entry.autodiff is None or (left, right) == (None, None):
        return ""
    return before + _CONVENTIONS[convention(dtype, entry.autodiff, left, right)]
