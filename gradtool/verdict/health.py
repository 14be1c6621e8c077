"""What is worth saying about a gradient that may well be right: vanishing, exploding, unconnected, extreme.

Warnings are relative: a link of the chain that scales the upstream gradient by more than a thousand, and a gradient
whose square leaves the dtype's range. The absolute thresholds of tutorials (below 1e-6, above 10) are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, localcontext

from gradtool.evidence import Autodiff, Difference, Exact, Formulas, Link
from gradtool.target.dtype import FORMATS
from gradtool.target.operations import OPERATIONS
from gradtool.values import Array, Index, shape_text
from gradtool.verdict.agreement import is_nothing_beside_the_value
from gradtool.verdict.case import SAFETY, WIDE, Case
from gradtool.verdict.record import HERE, Entry, Finding, worst
from gradtool.verdict.rewrites import rewrites
from gradtool.verdict.rules import finding
from gradtool.verdict.words import digits_apart, short

__all__ = ["SPOILS", "findings"]

MOST_ALIKE = 3
"""So many derivatives by one variable with the same verdict are told one by one."""

STEEP = Decimal(1000)
SMALL, LARGE = 1e-6, 10.0

SPOILS = (
    "An infinite or NaN gradient spoils every parameter that it reaches: keep the argument away from this place, "
    "with a small number added to it or with where()."
)

_BY_VERDICT = {
    "wrong": "GT001",
    "unstable": "GT002",
    "not_differentiable": "GT003",
    "undefined": "GT004",
    "out_of_range": "GT005",
    "inconclusive": "GT006",
}


def findings(
    case: Case,
    entries: list[Entry],
    formulas: Formulas | None,
    shadowed: tuple[str, ...],
    better: Mapping[str, Entry],
    *,
    absolute: bool,
) -> list[Finding]:
    """Everything noticed on one target at one point, the verdicts first.

    ``better`` holds the entries of the expression with every known rewrite made, checked at the same point.
    """
    with localcontext(WIDE):
        found = list(_verdicts(case, entries, better))
        if case.autodiff and isinstance(case.autodiff.value, Array) and case.assumed:
            told = (
                f"the value has shape {shape_text(case.autodiff.value.shape)}: the gradient of the sum of its entries"
            )
            found.append(finding("GT020", "value", f"{told} is checked"))
        found += [finding("GT019", name, f"{name} is taken from the point, not as the constant") for name in shadowed]
        # A second derivative that is 0 everywhere is None too, and nothing to wonder at.
        unconnected = [entry.variable for entry in entries if entry.unconnected and "," not in entry.variable]
        for name in dict.fromkeys(unconnected):
            found.append(finding("GT010", name, f"{case.title} returned None; it counts as 0"))
        found += _grouped(notice for entry in entries for notice in _sizes(case, entry, absolute=absolute))
        found += _links(case, entries)
        found += _witnesses(case, entries, formulas)
    return found


def _verdicts(case: Case, entries: list[Entry], better: Mapping[str, Entry]) -> Iterator[Finding]:
    """A finding for each derivative that is not verified; where a variable has many alike, for the worst of them.

    What returned None is one fault, however many entries it has.
    """
    alike: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry.verdict in _BY_VERDICT:
            alike.setdefault((entry.verdict, entry.variable), []).append(entry)
    for (verdict, variable), group in alike.items():
        if len(group) <= (1 if group[0].unconnected else MOST_ALIKE):
            for entry in group:
                yield finding(_BY_VERDICT[verdict], entry.label, entry.reason, _remedy(case, [entry], better))
            continue
        entry = max(group, key=_badness)
        others = [other.label for other in group if other is not entry]
        more = f"; likewise {len(group) - 1} more entries of {variable}: {_cut(others)}"
        yield finding(_BY_VERDICT[verdict], entry.label, entry.reason + more, _remedy(case, group, better))


def _badness(entry: Entry) -> float:
    """What is no number is worst, then the largest error."""
    if entry.autodiff is not None and not math.isfinite(entry.autodiff):
        return math.inf
    return entry.ulp or 0.0


def _grouped(found: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, of many alike on one variable the first, with the number of the others."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for notice in found:
        alike.setdefault((notice.code, notice.where.partition("[")[0]), []).append(notice)
    for group in alike.values():
        if len(group) <= MOST_ALIKE:
            yield from group
        else:
            told = f"{group[0].message}; likewise {len(group) - 1} more: {_cut([f.where for f in group[1:]])}"
            yield replace(group[0], message=told)


def _cut(labels: list[str]) -> str:
    """A list that a line has room for; second derivatives have a comma of their own."""
    mark = ";" if any(", " in label for label in labels) else ","
    text = f"{mark} ".join(labels)
    return text if len(text) <= 60 else text[: text.rfind(mark, 0, 58)] + f"{mark} ..."


def _remedy(case: Case, group: list[Entry], better: Mapping[str, Entry]) -> str:
    """What to do if it is not what the rule says: mostly rewrites, with what came out when they were tried here."""
    if group[0].verdict == "not_differentiable" and not all(math.isfinite(entry.autodiff or 0.0) for entry in group):
        return SPOILS
    tried = [better[entry.label].verdict for entry in group if entry.label in better]
    if group[0].verdict != "unstable" or not tried:
        return ""
    advice = "; ".join(rewrite.advice() for rewrite in rewrites(case.text, list(case.variables), case.point))
    mended = tried.count("verified")
    if mended == len(tried):
        return f"{advice}: verified {HERE}"
    told = f"verified for {mended} of these {len(tried)} entries only" if mended else f"still {worst(tried)}"
    return f"{advice}: {told} {HERE}, so more than that is needed"


def _sizes(case: Case, entry: Entry, *, absolute: bool) -> Iterator[Finding]:
    size = abs(entry.autodiff) if entry.autodiff is not None else math.nan
    form = FORMATS[case.dtype]
    if entry.verdict != "verified" or not math.isfinite(size):
        return
    if size > math.sqrt(form.largest) or 0 < size < math.sqrt(form.least):
        what = "overflows" if size > 1 else "underflows"
        yield finding("GT013", entry.label, f"the gradient {size:.3g} is so extreme that its square {what}")
    if (
        entry.ulp is not None
        and entry.ulp > 2.0 ** (form.precision // 2)
        and not is_nothing_beside_the_value(case, entry.variable, size)
    ):
        told = f"autodiff gives {entry.autodiff:.6g}, the exact derivative is {Decimal(entry.symbolic or 0):.6g}"
        yield finding("GT022", entry.label, f"{told}: one rounding unit of the point changes it by as much")
    if absolute and size < SMALL:
        yield finding("GT014", entry.label, f"the gradient {size:.3g} is below {SMALL:g}: vanishing?")
    if absolute and size > LARGE:
        yield finding("GT015", entry.label, f"the gradient {size:.3g} is above {LARGE:g}: exploding?")


def _links(case: Case, entries: list[Entry]) -> Iterator[Finding]:
    """The steepest link of the chain, where the gradient that comes out is as extreme as the link says."""
    sizes = [abs(Decimal(entry.symbolic)) for entry in entries if entry.symbolic is not None]
    largest = max(sizes, default=Decimal(0))
    if not largest or not largest.is_finite() or case.exact is None:
        return
    first = next((entry for entry in case.exact.entries if entry.shrinking or entry.growing), None)
    if first is None:
        return
    shrinking = Decimal(first.shrinking.factor) if first.shrinking else Decimal(1)
    growing = Decimal(first.growing.factor) if first.growing else Decimal(1)
    if first.shrinking and shrinking * STEEP < 1 and largest * STEEP < 1:
        yield _link(case, "GT011", first.shrinking, "shrinks", 1 / shrinking)
    if first.growing and growing > STEEP and largest > STEEP:
        yield _link(case, "GT012", first.growing, "grows", growing)


def _link(case: Case, code: str, link: Link, verb: str, times: Decimal) -> Finding:
    row = OPERATIONS[link.place.operation]
    where = case.text[slice(*link.place.span)]
    return finding(code, where, f"{row.label} {verb} the gradient by a factor of {times:.2e}")


def _witnesses(case: Case, entries: list[Entry], formulas: Formulas | None) -> Iterator[Finding]:
    """Where a witness that does not decide the verdict disagrees with the ones that do."""
    bars: Mapping[tuple[str, Index], Difference] = {}
    if case.autodiff:
        bars = {(bar.variable, bar.index): bar for bar in case.autodiff.differences}
        yield from _value(case, case.autodiff, case.exact)
    # On a kink, differences and formulas follow conventions of their own.
    decided = {(e.variable, e.index) for e in case.exact.entries if e.doubtful or e.touched} if case.exact else set()
    for entry in entries:
        key = (entry.variable, entry.index)
        if entry.verdict != "verified" or entry.symbolic is None or key in decided:
            continue
        bar, said = bars.get(key), formulas.values.get(entry.label) if formulas else None
        if bar is None and said is None:
            continue
        truth = Decimal(entry.symbolic)
        if bar and bar.regime == "smooth" and math.isfinite(bar.value):
            apart = abs(Decimal(bar.value) - truth)
            if apart > SAFETY * Decimal(bar.bar):
                told = f"the finite difference gives {bar.value:.6g} with a bar of {bar.bar:.1g}"
                yield finding("GT016", entry.label, told)
        if said is not None and abs(Decimal(said) - truth) > Decimal("1e-25") * abs(truth) + Decimal("1e-300"):
            digits = max(digits_apart((Decimal(said), truth)), 17)
            told = f"SymPy's formula gives {short(Decimal(said), digits)}, the exact walk {short(truth, digits)}"
            yield finding("GT017", entry.label, told)


def _value(case: Case, autodiff: Autodiff, exact: Exact | None) -> Iterator[Finding]:
    if (
        exact is None
        or exact.value is None
        or isinstance(autodiff.value, Array)
        or any(entry.doubtful for entry in exact.entries)
    ):
        return
    truth = Decimal(exact.value)
    if abs(truth) > Decimal(FORMATS[case.dtype].largest):
        return
    if not math.isfinite(autodiff.value):
        yield finding("GT018", "value", f"the framework's value is {autodiff.value}, the true one {float(truth):.6g}")
        return
    bound = SAFETY * Decimal(exact.value_bound) + 8 * Decimal(FORMATS[case.dtype].unit) * abs(truth)
    error = abs(Decimal(autodiff.value) - truth)
    if error > bound + Decimal(FORMATS[case.dtype].smallest):
        told = f"the framework's value {autodiff.value!r} is off by {float(error):.2g}, beyond rounding"
        yield finding("GT018", "value", told)
    elif why := _too_small(case, exact, error, abs(truth)):
        told = f"the framework's value is {autodiff.value:.6g}, the true one {short(truth)}"
        yield finding("GT023", "value", f"{told}: {why}")


def _too_small(case: Case, exact: Exact, error: Decimal, size: Decimal) -> str:
    """What fell below the normal numbers of the dtype on the way, if half the digits of the value went with it."""
    form = FORMATS[case.dtype]
    # The number next to the truth is as near as it gets, 0 only where that is the nearest.
    nearest = Decimal(form.smallest) / (1 if case.autodiff and case.autodiff.value else 2)
    if error <= size * Decimal(2) ** (-form.precision // 2) or error <= nearest:
        return ""
    if exact.value_cause == "flushed" or (case.framework == "tensorflow" and size < Decimal(2) ** form.low):
        return f"{case.title} takes a subnormal number for 0"
    if exact.value_cause == "underflow" and exact.value_loss:
        where = exact.value_loss
        return f"{OPERATIONS[where.operation].label} in {case.text[slice(*where.span)]} underflows {case.dtype}"
    return ""
