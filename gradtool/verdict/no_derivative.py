"""Points without a derivative in words: kinks, jumps, edges and holes, and what autodiff gives there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal

from gradtool.evidence import Exact, ExactEntry
from gradtool.target.dtype import FORMATS
from gradtool.values import Value, label, shape_of
from gradtool.verdict.case import SAFETY
from gradtool.verdict.words import digits_apart, named, ordinal, short, source_of

__all__ = ["baseless", "convention", "kink", "undefined", "unsettled"]


def kink(dtype: str, exact: ExactEntry, claimed: float | None) -> str:
    """What there is instead of a derivative, the slopes on both sides, and which of them autodiff took."""
    touched, order = named(exact.touched) if exact.touched else "", exact.variable.count(",")
    of, at, because = (f"{word} {touched}" if touched else "" for word in (" of", " at", ", because of"))
    told = {
        "kink": f"a kink{of}",
        "jump": f"a jump{of}",
        "vertical": f"a vertical tangent{of}",
        "one_sided": f"the edge of the domain{of}",
        "isolated": f"defined at this point only, on neither side of it{because}",
        "unknown": f"the slopes have no limit{at}",
    }[exact.kind]
    if order:
        told += f", in the {ordinal(order)} derivative"
    left, right = (None if side is None else Decimal(side) for side in (exact.left, exact.right))
    sides = [side for side in (left, right) if side is not None]
    if not sides:
        return told
    digits = digits_apart(sides)
    if left == right:
        told += f": slope {short(sides[0])} on both sides"
    else:
        named_sides = (("left", left), ("right", right))
        slopes = [f"{short(slope, digits)} from the {side}" for side, slope in named_sides if slope is not None]
        told += f": slope {' and '.join(slopes)}"
    if claimed is None:
        return told
    return f"{told}; autodiff's {_float(claimed, digits)} {_CONVENTIONS[convention(dtype, claimed, left, right)]}"


def baseless(
    entries: Iterable[ExactEntry], point: Mapping[str, Value], exact: ExactEntry, claimed: float | None
) -> str:
    """Why the derivative below does not exist, and therefore this one does not either."""
    below, _, _ = exact.variable.rpartition(",")
    order = below.count(",") + 1
    lower = next((entry for entry in entries if (entry.variable, entry.index) == (below, exact.index)), None)
    by = label(below, exact.index[: len(shape_of(point.get(below, 0.0)))])
    why = _why_none(lower, order) if lower else f"there is no first derivative by {by} at this point"
    told = f"{why}, so there is no {ordinal(order + 1)} derivative"
    return told + _meaningless(claimed)


def _why_none(lower: ExactEntry, order: int) -> str:
    """Why the derivative of this order does not exist."""
    function = f"the {ordinal(order - 1)} derivative" if order > 1 else "the function"
    derivative = f"the {ordinal(order)} derivative"
    if lower.kind == "kink" and lower.left is not None and lower.right is not None:
        left, right = Decimal(lower.left), Decimal(lower.right)
        digits = digits_apart((left, right))
        return f"{derivative} jumps from {short(left, digits)} to {short(right, digits)} at this point"
    return {
        "jump": f"{function} jumps at this point",
        "vertical": f"{derivative} is infinite at this point",
        "one_sided": f"{derivative} exists on one side of this point only",
        "isolated": f"{function} is defined at this point only",
        "unknown": f"{derivative} has no limit at this point",
    }.get(lower.kind, f"there is no {ordinal(order)} derivative at this point")


def unsettled(text: str, exact: ExactEntry) -> str:
    """Where the slopes on both sides could not be found."""
    if exact.touched is None:
        return "the search for the slopes on both sides of this point was given up"
    where = f"{named(exact.touched)} in {source_of(text, exact.touched)}"
    told = f"{where} has a kink, a hole or an infinite slope here"
    return f"{told}, and the search for the slopes on both sides was given up"


def undefined(exact: Exact, claimed: float | None) -> str:
    """Which operation has no value, and whether the hole could be filled."""
    told = exact.reason
    if exact.limit is not None:
        told += f"; a removable singularity: the limit is {short(Decimal(exact.limit))}"
    return told + _meaningless(claimed)


def _meaningless(claimed: float | None) -> str:
    return (
        f"; autodiff's {_float(claimed)} means nothing here" if claimed is not None and math.isfinite(claimed) else ""
    )


_CONVENTIONS: Mapping[str, str] = {
    "none": "is no convention",
    "both": "is that one",
    "neither": "is not that one",
    "either": "is either, to the last digits",
    "left": "is the left one",
    "right": "is the right one",
    "between": "lies between them",
    "outside": "lies outside",
}
"""What autodiff has made of the slopes, in words."""


def convention(dtype: str, claimed: float, left: Decimal | None, right: Decimal | None) -> str:
    """Which of the slopes autodiff took, to a few rounding units: a key of ``_CONVENTIONS``; NaN is none."""
    if math.isnan(claimed):
        return "none"
    value, sides = Decimal(claimed), [side for side in (left, right) if side is not None]
    near = SAFETY * Decimal(FORMATS[dtype].unit)
    equal = [side == value or (side.is_finite() and abs(side - value) <= near * abs(side)) for side in sides]
    if len(set(sides)) == 1:
        return "both" if equal[0] else "neither"
    if all(equal):
        return "either"
    if any(equal):
        return "left" if equal[0] else "right"
    return "between" if min(sides) <= value <= max(sides) else "outside"


def _float(value: float, digits: int = 6) -> str:
    return f"{value + 0.0:.{min(digits, 17)}g}"  # 0 for -0
