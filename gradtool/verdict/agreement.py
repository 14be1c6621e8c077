"""One verdict for each entry of a gradient, from what the witnesses testified. Pure functions on records.

There is no tolerance to choose. Rounding explains an error up to four times the running error bound of the expression
as written (``bound``), and a gradient is as good as anyone can ask within four times what one rounding unit of the
point does to it (``sensitivity``). Explained, and half the digits right or within the sensitivity: verified. Explained
but worse: unstable. Not explained: wrong, however small.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from gradtool.evidence import Difference, ExactEntry, Grid
from gradtool.target.dtype import FORMATS, ulp
from gradtool.values import Index, entry_label, flat, indices, place_in, shape_of
from gradtool.verdict.case import SAFETY, WIDE, Case
from gradtool.verdict.digits import ALL, agreement, digits_right, flatness, loss, lost_digits, unexplained
from gradtool.verdict.grid import entry_of, ordinary_error, symbolic_text
from gradtool.verdict.no_derivative import baseless, kink, undefined, unsettled
from gradtool.verdict.record import Entry
from gradtool.verdict.survey import judge_survey
from gradtool.verdict.words import short

__all__ = ["is_nothing_beside_the_value", "judge"]

VAGUE = Decimal("1e-3")
"""A rounding bound above this share of the truth: the first-order analysis no longer says anything."""

COARSE_VAGUE = Decimal("0.25")
"""The same for dtypes of 16 bits, where the walk looks beyond the first order: a factor of 2 is still found."""

AS_EXACT_AS_THE_POINT = "as exact as the point itself: one rounding unit of the point changes the derivative by more"


def judge(case: Case, wrt: Sequence[str]) -> list[Entry]:
    """The verdict on every derivative, in the order in which autodiff gives them; without autodiff by ``wrt``."""
    exact = {(entry.variable, entry.index): entry for entry in case.exact.entries} if case.exact else {}
    bars = {(bar.variable, bar.index): bar for bar in case.autodiff.differences} if case.autodiff else {}
    if case.autodiff and case.autodiff.survey:
        return list(judge_survey(case.autodiff, case.autodiff.survey, case.point, case.title, case.dtype))
    grids = {grid.variable: grid for grid in case.exact.grids} if case.exact else {}
    found: list[Entry] = []
    with localcontext(WIDE):
        for key, raw in _claims(case, wrt):
            grid = grids.get(key[0])
            if grid is None or key in exact:
                found.append(_entry(case, key, raw, exact.get(key), bars.get(key)))
            else:
                found.append(_gridded(case, key, raw, grid, bars.get(key)))
    return found


def _gridded(case: Case, key: Key, raw: float | None, grid: Grid, bar: Difference | None) -> Entry:
    """The verdict on one of the many entries of a large gradient."""
    place = place_in(grid.high.shape, key[1])
    error = None if raw is None else ordinary_error(grid, place, raw, case.dtype, SAFETY)
    if error is None or raw is None:
        return _entry(case, key, raw, entry_of(grid, place, key[1]), bar)
    size = abs(grid.high.data[place])
    right = int(-math.log10(error * ulp(size, case.dtype) / size)) if error else ALL
    told = agreement(FORMATS[case.dtype], right, error)
    power = SAFETY * grid.bound.data[place] / size
    symbolic = symbolic_text(grid, place)
    return Entry(key[0], raw, "verified", told, symbolic, ulp=error, power=power, index=key[1])


Key = tuple[str, Index]
"""What a derivative is called in every witness's testimony."""


def _claims(case: Case, wrt: Sequence[str]) -> Iterator[tuple[Key, float | None]]:
    """Every derivative with what autodiff says about it; None where it says nothing, or returned None."""
    told = case.exact.entries if case.exact else []
    grids = {grid.variable: grid.high.shape for grid in case.exact.grids} if case.exact else {}
    if case.autodiff is None:
        keys = [(name, index) for name, shape in grids.items() for index in indices(shape)]
        keys += [(entry.variable, entry.index) for entry in told if entry.variable not in grids]
        yield from ((key, None) for key in keys or [(name, ()) for name in wrt])
        return
    for name, value in case.autodiff.gradients.items():
        if value is not None:
            yield from zip(((name, index) for index in indices(shape_of(value))), flat(value), strict=True)
            continue
        known = [entry.index for entry in told if entry.variable == name and name not in grids]
        shape = shape_of(case.point.get(name, 0.0))
        yield from (((name, index), None) for index in known or indices(shape))


@dataclass(frozen=True, slots=True)
class _Opinion:
    verdict: str
    reason: str
    ulp: float | None = None
    power: float | None = None
    spot: str = ""


def _entry(case: Case, key: Key, raw: float | None, exact: ExactEntry | None, bar: Difference | None) -> Entry:
    unconnected = case.autodiff is not None and raw is None
    claimed = 0.0 if unconnected else raw
    opinion = _opinion(case, claimed, exact, bar)
    reason = opinion.reason
    if unconnected:
        reason = f"{case.title} returned None, which counts as 0; {reason}"
    return Entry(
        key[0],
        claimed,
        opinion.verdict,
        reason,
        symbolic=exact.derivative if exact else None,
        left=exact.left if exact else None,
        right=exact.right if exact else None,
        finite_difference=bar.value if bar and math.isfinite(bar.value) else None,
        finite_difference_bar=bar.bar if bar and math.isfinite(bar.value) else None,
        ulp=opinion.ulp,
        power=opinion.power,
        unconnected=unconnected,
        index=key[1],
        label=entry_label(*key, case.point),
        spot=opinion.spot,
    )


def _opinion(case: Case, claimed: float | None, exact: ExactEntry | None, bar: Difference | None) -> _Opinion:
    if case.exact is None or (exact is None and case.exact.status == "defined"):
        return _by_difference(claimed, bar)
    if case.exact.status == "undefined":
        return _Opinion("undefined", undefined(case.exact, claimed), spot=undefined(case.exact, None))
    if case.exact.status == "beyond" and case.exact.value is not None:
        told = f"the value does not fit {case.dtype}, nor any other: {case.exact.reason}"
        return _Opinion("out_of_range", told, spot=told)
    if case.exact.status == "beyond" or exact is None:
        return _Opinion("inconclusive", f"{case.exact.reason}, so no witness can follow")
    if too_large := _too_large(case, exact):
        return _Opinion("out_of_range", too_large, spot=too_large)
    if exact.kind == "unsettled":
        return _Opinion("inconclusive", unsettled(case.text, exact))
    if exact.kind == "baseless":
        told, spot = (baseless(case.exact.entries, case.point, exact, number) for number in (claimed, None))
        return _Opinion("not_differentiable", told, spot=spot)
    if exact.kind != "smooth" or exact.derivative is None:
        told = kink(case.dtype, exact, claimed)
        return _Opinion("not_differentiable", told, spot=kink(case.dtype, exact, None))
    if claimed is None:
        return _Opinion("inconclusive", f"{case.title} gave no gradient to compare with the exact one")
    return _smooth(case, claimed, exact, Decimal(exact.derivative))


# ---- the derivative exists


def _smooth(case: Case, claimed: float, exact: ExactEntry, truth: Decimal) -> _Opinion:
    form = FORMATS[case.dtype]
    size = abs(truth)
    bound, sensitivity = Decimal(exact.bound), Decimal(exact.sensitivity)
    if case.slack > 1:
        bound = case.slack * (bound + Decimal(form.unit) * size)
    power = float(min(SAFETY * bound / size, Decimal("Infinity"))) if size else None
    shown = short(truth)
    if not math.isfinite(claimed):
        reason = f"autodiff gives {claimed} although the derivative is {shown}: {loss(case, exact, finite=False)}"
        return _Opinion("unstable", reason, power=power)
    error = abs(Decimal(claimed) - truth)
    if not error:
        return _Opinion("verified", f"equals the exact derivative{flatness(case, exact)}", 0.0 if size else None, power)
    in_ulp = float(error / Decimal(ulp(float(truth), case.dtype))) if size and math.isfinite(float(truth)) else None
    spacing = Decimal(form.smallest)
    if size < Decimal(2) ** form.low and error <= (spacing if claimed else spacing / 2):
        return _Opinion("verified", f"the derivative {shown} rounds to {claimed:.4g} in {case.dtype}", in_ulp, power)
    if not size and error <= SAFETY * bound and is_nothing_beside_the_value(case, exact.variable, claimed):
        told = f"the derivative is 0, and the {claimed:.2g} that rounding leaves is nothing beside the value"
        return _Opinion("verified", told)
    vague = COARSE_VAGUE if form.coarse else VAGUE
    half = error <= size * Decimal(2) ** (-form.precision // 2)
    good = half or error <= SAFETY * sensitivity
    explained = error <= SAFETY * bound + Decimal(form.smallest) or 0 < vague * size < bound or exact.doubtful
    if explained and good:
        told = agreement(form, digits_right(error, size), in_ulp) if half else AS_EXACT_AS_THE_POINT
        return _Opinion("verified", told, in_ulp, power)
    if explained:
        return _Opinion(
            "unstable", lost_digits(form, error, size, claimed, shown) + loss(case, exact, finite=True), in_ulp, power
        )
    return _Opinion("wrong", unexplained(case, exact, error, size, claimed, shown, power), in_ulp, power)


def is_nothing_beside_the_value(case: Case, variable: str, claimed: float) -> bool:
    """Whether a relative move of the variable changes the value, by this gradient, in its last half of digits only."""
    if case.autodiff is None:
        return False
    value = sum(abs(number) for number in flat(case.autodiff.value))
    scale = max(abs(number) for number in flat(case.point.get(variable.rpartition(",")[2], 1.0))) or 1.0
    return abs(claimed) * scale <= value * 2.0 ** (-FORMATS[case.dtype].precision // 2)


# ---- beyond the dtype


def _too_large(case: Case, exact: ExactEntry) -> str:
    largest = FORMATS[case.dtype].largest
    for what, number in (("value", case.exact.value if case.exact else None), ("derivative", exact.derivative)):
        if number is not None and abs(Decimal(number)) > Decimal(largest):
            return (
                f"the {what} {short(Decimal(number))} does not fit {case.dtype}, whose largest number is {largest:.2g}"
            )
    return ""


# ---- without the exact walk


def _by_difference(claimed: float | None, bar: Difference | None) -> _Opinion:
    if claimed is None or bar is None:
        return _Opinion("inconclusive", "neither autodiff nor a symbolic derivative is there to compare")
    if not math.isfinite(claimed) or not math.isfinite(bar.value):
        article = "an" if bar.regime[0] in "aeiou" else "a"
        return _Opinion(
            "inconclusive", f"no symbolic derivative, and the finite difference sees {article} {bar.regime} point"
        )
    power = SAFETY * bar.bar / abs(claimed) if claimed else None
    if abs(claimed - bar.value) > bar.bar:
        return _Opinion("inconclusive", "the finite difference disagrees, and one estimator alone does not convict")
    if power is None or power > float(VAGUE):
        return _Opinion("inconclusive", "the finite difference agrees, but its error bar is too wide", power=power)
    return _Opinion("verified", f"agrees with finite differences alone, blind below {power:.1g} relative", power=power)
