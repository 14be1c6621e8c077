"""Whether a framework's modes give the gradient of its reverse mode. A pure function on records.

Each mode's gradient at the point is judged as that of reverse mode was: against the exact derivative, with what
rounding explains (``agreement.judge``). A mode differs where only one of the two is right, or only one is a number. At
the other points of a batch there is no exact derivative: half the digits must be the same. Forward mode has also to
pass the dot-product test, <w, J v> = <J^T w, v>.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gradtool.evidence import Autodiff, Mode
from gradtool.target.dtype import FORMATS, ulp
from gradtool.verdict.agreement import is_nothing_beside_the_value, judge
from gradtool.verdict.case import SAFETY, Case
from gradtool.verdict.compare.record import JudgedMode
from gradtool.verdict.record import Entry, Finding
from gradtool.verdict.rules import finding
from gradtool.verdict.words import ulps

__all__ = ["judged_modes", "mode_findings"]

Told = tuple[str, str, str]
"""A verdict, its reason, and the code of the finding."""

NO_DERIVATIVE = frozenset({"not_differentiable", "undefined", "out_of_range"})
"""Where no gradient is right, none is wrong."""

CLOSE = 16
"""So many ulp of the larger number are rounding, whatever the analysis of reverse mode says of another mode's."""

LOST = 1000
"""Where reverse mode has lost its digits, another mode may be off by so many times as much."""


def judged_modes(rows: Sequence[Mode], case: Case, wrt: Sequence[str]) -> tuple[JudgedMode, ...]:
    """The verdict on every mode, from the evidence ``case`` on reverse mode at the same point."""
    reverse = next((row for row in rows if row.mode == "reverse" and not row.skipped), None)
    entries = _entries(reverse, case, wrt) if reverse else []
    return tuple(_judged(row, reverse, entries, case, wrt) for row in rows)


def mode_findings(judged: Iterable[JudgedMode]) -> tuple[Finding, ...]:
    """One for each mode that differs."""
    return tuple(finding(one.code, one.row.mode, one.reason) for one in judged if one.code)


def _judged(row: Mode, reverse: Mode | None, entries: Sequence[Entry], case: Case, wrt: Sequence[str]) -> JudgedMode:
    if row.skipped:
        return JudgedMode(row, "skipped", row.skipped)
    if reverse is None:
        return JudgedMode(row, "inconclusive", "reverse mode gave nothing to compare with")
    if row is reverse:
        return JudgedMode(row, "reference")
    product, told = _product(row, entries, case), _verdict(row, entries, case, wrt)
    if product == "fails" and told[0] != "differs":
        products = f"<w, J v> is {row.left!r} by {row.title} and <J^T w, v> is {row.right!r} by reverse mode"
        return JudgedMode(row, "differs", f"{products}, for random v and w", "GT302", product)
    return JudgedMode(row, *told, product)


def _verdict(row: Mode, entries: Sequence[Entry], case: Case, wrt: Sequence[str]) -> Told:
    conventions = ""
    for one, two in zip(entries, _entries(row, case, wrt) if row.gradients else entries, strict=True):
        word = _word(one, two, case.dtype)
        if word == "differs":
            return word, _differing(one, two, row), "GT301"
        if word == "convention" and not conventions:
            given = f"reverse mode gives {_number(one):.6g} and {row.title} {_number(two):.6g}"
            conventions = f"there is no derivative by {one.label} here; {given}"
    if told := _elsewhere(row, entries, case.dtype):
        return "differs", told, "GT301"
    return ("convention", conventions, "") if conventions else ("agrees", "", "")


def _entries(row: Mode, case: Case, wrt: Sequence[str]) -> list[Entry]:
    """The verdicts on a mode's gradient; of one that is too large to be followed the bare numbers."""
    if case.autodiff and case.autodiff.survey:
        case = replace(case, exact=None, autodiff=replace(case.autodiff, survey=None, differences=[]))
    found = case.autodiff or Autodiff(row.key, row.witness, row.version, row.value or 0.0, {}, [], 0.0)
    return judge(replace(case, autodiff=replace(found, gradients=row.gradients), title=row.title), wrt)


def _number(entry: Entry) -> float:
    return entry.autodiff or 0.0  # None counts as 0


def _word(one: Entry, two: Entry, dtype: str) -> str:
    """The word for one number by reverse mode and by another."""
    a, b = _number(one), _number(two)
    if a == b or (math.isnan(a) and math.isnan(b)) or one.verdict == two.verdict == "verified":
        return "agrees"
    finite = math.isfinite(a) and math.isfinite(b)
    if finite and abs(a - b) <= CLOSE * ulp(max(abs(a), abs(b)), dtype):
        return "agrees"
    if {one.verdict, two.verdict} & NO_DERIVATIVE:
        return "convention"
    if not finite:
        return "differs"
    if one.verdict == two.verdict == "unstable" and abs(a - b) <= LOST * max(_bound(one), abs(a - _truth(one))):
        return "agrees"  # both lose the digits, each its own way
    if one.verdict == two.verdict and abs(a - b) <= _half(dtype) * ulp(max(abs(a), abs(b)), dtype):
        return "agrees"
    return "differs"


def _half(dtype: str) -> float:
    """Half the digits, in ulp."""
    return 2.0 ** (FORMATS[dtype].precision // 2)


def _differing(one: Entry, two: Entry, row: Mode) -> str:
    told = f"{row.title} gives {_number(two)!r} for the derivative by {one.label}, reverse mode {_number(one)!r}"
    if one.verdict == two.verdict:
        return told
    right = {one.verdict: "reverse mode", two.verdict: row.title}.get("verified")
    return f"{told}; {right} is right" if right else told


def _elsewhere(row: Mode, entries: Sequence[Entry], dtype: str) -> str:
    """The other points of a batch, where the gradient at the first one is right and not 0 for want of a slope."""
    if row.points == 1 or row.ulp_of_largest is None or row.ulp_of_largest <= _half(dtype):
        return ""
    if any(entry.verdict != "verified" for entry in entries) or not any(map(_number, entries)):
        return ""
    if any(entry.symbolic is not None and not float(entry.symbolic) and _number(entry) for entry in entries):
        return ""  # what rounding leaves of 0 has no digits
    apart = "one of the two gives NaN or Inf" if math.isinf(row.ulp_of_largest) else (
        f"{ulps(row.ulp_of_largest)} ulp of the largest entry")  # fmt: skip
    return f"at one of {row.points} points {row.title} differs from reverse mode, point by point: {apart}"


def _product(row: Mode, entries: Sequence[Entry], case: Case) -> str:
    """Whether the dot-product test ``passes`` or ``fails``; nothing where there is no right gradient to be tested."""
    if row.left is None or row.right is None or row.scale is None:
        return ""
    if not entries or any(entry.verdict not in ("verified", "inconclusive") for entry in entries):
        return ""
    if not (math.isfinite(row.left) or math.isfinite(row.right)):
        return ""
    apart = abs(row.left - row.right)
    unit = FORMATS[case.dtype].unit
    allowed = SAFETY * (len(entries) * unit * row.scale + sum(map(_bound, entries)))
    if any(entry.verdict == "inconclusive" for entry in entries):
        allowed = max(allowed, _half(case.dtype) * unit * row.scale)
    zeros = [entry.variable for entry in entries if entry.symbolic is not None and not float(entry.symbolic)]
    if apart <= allowed or any(is_nothing_beside_the_value(case, name, apart) for name in zeros):
        return "passes"
    return "fails"


def _bound(entry: Entry) -> float:
    """The error that a verified entry may have, absolute."""
    return (entry.power or 0.0) * abs(_truth(entry))


def _truth(entry: Entry) -> float:
    return float(entry.symbolic or 0)
