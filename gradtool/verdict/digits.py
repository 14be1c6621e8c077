"""How many digits of a derivative are right, and where the others are lost, in words."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from gradtool.evidence import ExactEntry, Place
from gradtool.target.dtype import FORMATS, Format
from gradtool.target.operations import OPERATIONS
from gradtool.values import flat
from gradtool.verdict.case import Case
from gradtool.verdict.words import named, source_of, ulps

__all__ = ["ALL", "agreement", "digits_right", "flatness", "loss", "lost_digits", "unexplained"]

ALL = 99
"""The digits of a number without any error: more than any format has."""


def agreement(form: Format, right: int, in_ulp: float | None) -> str:
    """The reason of a derivative with so many digits ``right``, ``in_ulp`` off."""
    total = _decimals(form)
    apart = f" ({ulps(in_ulp)} ulp)" if in_ulp is not None else ""
    return f"agrees with the exact derivative to {min(right, total)} of {total} digits{apart}"


def lost_digits(form: Format, error: Decimal, size: Decimal, claimed: float, shown: str) -> str:
    """How many digits are lost, as the beginning of a sentence that says where."""
    total = _decimals(form)
    if not size:
        return f"the derivative is 0 and autodiff leaves {claimed:.3g}: "
    if not claimed:
        return f"autodiff gives 0 although the derivative is {shown}: "
    lost = total - max(digits_right(error, size), 0)
    return f"{lost} of {total} digits are lost: "


def digits_right(error: Decimal, size: Decimal) -> int:
    """The digits that agree, below 0 where not even the magnitude does."""
    return int(-(error / size).log10()) if error else ALL


def _decimals(form: Format) -> int:
    return round(form.precision * math.log10(2))


def flatness(case: Case, exact: ExactEntry) -> str:
    """Why the derivative is 0, where an operation is flat; else nothing."""
    if exact.flat is None:
        return ""
    return f", which is 0: {named(exact.flat)} in {source_of(case.text, exact.flat)} is flat here"


def unexplained(
    case: Case, exact: ExactEntry, error: Decimal, size: Decimal, claimed: float, shown: str, power: float | None
) -> str:
    """The reason of a wrong derivative: how far it is off, and what is known to err like this."""
    told = f"autodiff gives {claimed!r}, the derivative is {shown}"
    if size:
        allowed = f", and rounding explains {power:.1g}" if power else ""
        told = f"autodiff is off by {float(error / size):.2g} relative{allowed}"
    rows = [OPERATIONS[name] for name in sorted(case.operations)]
    known = [text for row in rows if (text := row.deviation(case.framework, case.dtype))]
    if known:
        return f"{told}; known deviation in this expression: {'; '.join(known)}"
    if exact.touched:
        return (
            f"{told}; the derivative exists, but {named(exact.touched)} has a kink here and autodiff's convention fails"
        )
    return told


def loss(case: Case, exact: ExactEntry, *, finite: bool) -> str:
    """Where the digits go, in words; ``finite`` says that a number came out."""
    compared = exact.touched and OPERATIONS[exact.touched.operation].logical
    if exact.touched and not exact.loss and not compared:
        return f"{named(exact.touched)} has no finite derivative on the way"
    if exact.loss is None:
        if case.framework == "tensorflow" and _is_subnormal(case):
            return f"{case.title} takes a subnormal number for 0"
        if compared or "where" in case.operations:
            return "the branch that where() does not take has no finite derivative, and autodiff multiplies it by 0"
        if finite and FORMATS[case.dtype].coarse:
            return "no single step loses them, the rounding of all steps together does"
        return "the backward pass of the framework breaks here"
    node = f"{named(exact.loss)} in {source_of(case.text, exact.loss)}"
    if exact.loss.operation == "variable":
        node = "the contributions of several paths"
    return {
        "overflow": f"{node} overflows {case.dtype} on the way",
        "backward_overflow": f"the backward pass of {node} overflows {case.dtype}",
        "cancellation": f"{node} subtracts nearly equal numbers",
        "adjoint": f"{node} cancel in the backward pass",
        "underflow": f"{node} underflows {case.dtype}",
        "flushed": f"{case.title} takes a subnormal number for 0",
        "backward": f"{case.title} computes the derivative of {node}{_way(case, exact.loss)} and loses its digits",
        "edge": f"rounding can move the argument of {node} off its domain{_absorbed(case, exact)}",
        "branch": f"{node} is decided by rounding, and takes the other branch",
        "amplification": f"{node} amplifies the rounding of its argument",
    }[exact.cause]


def _is_subnormal(case: Case) -> bool:
    """Whether the point has a number that TensorFlow takes for 0, which can move a condition to its other branch."""
    smallest = 2.0 ** FORMATS[case.dtype].low
    return any(0 < abs(number) < smallest for value in case.point.values() for number in flat(value))


def _absorbed(case: Case, exact: ExactEntry) -> str:
    if exact.absorbing is None:
        return ""
    return f", because {source_of(case.text, exact.absorbing)} rounds to its larger term in {case.dtype}"


def _way(case: Case, place: Place) -> str:
    row = OPERATIONS.get(place.operation)
    way = row.backward.get(case.framework, ("",))[0] if row and len(row.parameters) == 1 else ""
    return f" as {re.sub('out', 'y', way)}, y its value," if way else " from rounded numbers,"
