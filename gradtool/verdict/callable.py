"""One verdict for each entry of the gradient of a callable, of which no formula may be known. Pure functions.

Order of authority: the exact derivative of the callable's expression, where it could be traced; then a ladder of
differences and a path integral that agree; then one of them alone, which may verify, within its power, but does not
convict. Two that contradict each other are inconclusive, and both are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gradtool.evidence import Autodiff, CallableEvidence, CallablePoint, Difference, Exact, Survey, WrongEntry
from gradtool.target.dtype import FORMATS
from gradtool.target.expression import parse
from gradtool.target.tree import calls
from gradtool.values import Index, Value, flat, indices, label, number_at, shape_of
from gradtool.verdict.agreement import judge
from gradtool.verdict.case import SAFETY, Case
from gradtool.verdict.record import Entry
from gradtool.verdict.survey import judge_survey, says_enough

__all__ = ["OTHER_WAY", "OWN", "case_of", "is_of_another", "judge_point"]

OTHER_WAY = 16
"""A backward pass written by hand may compute the same derivative in another way: with so many times the rounding."""
OWN = "given"
"""The label of the callable's own point, with an upstream gradient of ones or the one that was given."""


def judge_point(evidence: CallableEvidence, point: CallablePoint, case: Case) -> list[Entry]:
    """The verdict on every entry at one point; ``case`` is that of ``case_of``."""
    if evidence.surrogate:
        return list(_declared(point))
    survey, title = point.autodiff.survey, case.title
    if case.exact is not None:
        return [_beyond(case, _without_trifles(case, one)) for one in judge(case, list(point.autodiff.gradients))]
    if not point.autodiff.differences:
        return list(judge_survey(point.autodiff, survey, point.point, title, evidence.dtype)) if survey else []
    bars = {(bar.variable, bar.index): bar for bar in point.autodiff.differences}
    confirmed = {(one.variable, one.index): one for one in point.confirmed}
    judges = _Judge(point.autodiff, survey, confirmed, evidence.dtype, title)
    return [judges.entry(name, index, bars[name, index]) for name, index in bars]


def case_of(evidence: CallableEvidence, point: CallablePoint, expression: str, exact: Exact | None, title: str) -> Case:
    """The evidence at one point; with an expression and its exact derivatives, where the callable was traced to one."""
    known = {**point.point, **point.constants}
    read = parse(expression, known) if exact else None
    return Case(
        expression if read else evidence.name,
        evidence.dtype,
        evidence.witness,
        title,
        replace(point.autodiff, survey=None) if read else point.autodiff,
        exact,
        frozenset(call.operation for call in calls(read.tree)) if read else frozenset(),
        read.variables if read else tuple(point.point),
        known,
        slack=OTHER_WAY,
    )


def is_of_another(point: CallablePoint, exact: Exact) -> bool:
    """Whether exact derivatives are those of another function than what ran, whatever a trace has recorded.

    They have no value where the callable has one, as behind a mask of minus infinity; or the callable's own ladders
    see another slope, as where a trace took a number for a constant that the callable reads anew.
    """
    value = point.autodiff.value
    if exact.status != "defined":
        return all(math.isfinite(number) for number in flat(value))
    truth = {(one.variable, one.index): one for one in exact.entries}
    for bar in point.autodiff.differences:
        one = truth.get((bar.variable, bar.index))
        if one is None or one.kind != "smooth" or one.derivative is None or bar.regime != "smooth":
            continue
        if math.isfinite(bar.value) and abs(float(one.derivative) - bar.value) > SAFETY * SAFETY * bar.bar:
            return True
    return False


def _without_trifles(case: Case, one: Entry) -> Entry:
    """An entry that is lost, and with it nothing that the value would show: a saturated softmax is no fault of it."""
    if one.verdict != "unstable" or one.symbolic is None or one.autodiff is None or not math.isfinite(one.autodiff):
        return one
    error = abs(one.autodiff - float(one.symbolic))
    scale = max(abs(number) for number in flat(case.point[one.variable])) or 1.0
    value = sum(abs(number) for number in flat(case.autodiff.value)) if case.autodiff else 0.0
    if error * scale > FORMATS[case.dtype].unit * value:
        return one
    told = f"autodiff is off by {error:.2g}, which no move of the variable could show in the last digit of the value"
    return replace(one, verdict="verified", reason=told)


def _beyond(case: Case, one: Entry) -> Entry:
    """At a kink what lies outside of both slopes is no convention: no point nearby has such a slope."""
    kinks = {(kink.variable, kink.index) for kink in case.exact.entries if kink.kind == "kink"} if case.exact else ()
    if one.verdict != "not_differentiable" or (one.variable, one.index) not in kinks:
        return one
    if one.autodiff is None or not math.isfinite(one.autodiff) or one.left is None or one.right is None:
        return one
    low, high = sorted((float(one.left), float(one.right)))
    room = OTHER_WAY * FORMATS[case.dtype].unit * max(abs(low), abs(high))
    return one if low - room <= one.autodiff <= high + room else replace(one, verdict="wrong")


def _declared(point: CallablePoint) -> list[Entry]:
    """A surrogate gradient is what it is said to be: its numbers are shown and not judged."""
    told = "declared a surrogate: not held against the derivative, only against the contract"
    found = []
    for name, value in point.autodiff.gradients.items():
        shape = shape_of(point.point[name])
        numbers: list[float | None] = [None] * math.prod(shape) if value is None else list(flat(value))
        for index, number in zip(indices(shape), numbers, strict=True):
            found.append(Entry(name, number, "verified", told, unconnected=value is None, index=index))
    return found


@dataclass(frozen=True, slots=True)
class _Opinion:
    verdict: str
    reason: str
    power: float | None = None


@dataclass(frozen=True, slots=True)
class _Judge:
    """What is known at one point, where every entry has a ladder."""

    autodiff: Autodiff
    survey: Survey | None
    confirmed: dict[tuple[str, Index], WrongEntry]
    dtype: str
    title: str

    def entry(self, name: str, index: Index, bar: Difference) -> Entry:
        """The verdict on one entry."""
        value = self.autodiff.gradients[name]
        claim = 0.0 if value is None else number_at(value, index)
        found = self.opinion(name, index, claim, bar)
        reason = found.reason if value is not None else f"{self.title} returned None, which counts as 0; {found.reason}"
        told = bar.regime == "kink"
        return Entry(
            name,
            claim,
            found.verdict,
            reason,
            left=repr(bar.left) if told else None,
            right=repr(bar.right) if told else None,
            finite_difference=bar.value if math.isfinite(bar.value) else None,
            finite_difference_bar=bar.bar if math.isfinite(bar.value) else None,
            power=found.power,
            unconnected=value is None,
            index=index,
            label=label(name, index),
        )

    def opinion(self, name: str, index: Index, claim: float, bar: Difference) -> _Opinion:
        """What the ladder says, and whether the path integral says the same."""
        if bar.regime == "kink":
            return _kink(claim, bar)
        if bar.regime in ("jump", "steep", "one_sided"):
            return _Opinion("not_differentiable", f"{_SPOTS[bar.regime]}, and autodiff returns {claim:.6g} there")
        if not math.isfinite(bar.value):
            return self.whole(name, "finite differences say nothing here")
        found = f"{bar.value:.6g} +/- {bar.bar:.1g}"
        if not math.isfinite(claim):
            return _Opinion("unstable", f"autodiff gives {claim} where differences of the function find {found}")
        power = SAFETY * bar.bar / self.size(name, claim)
        if abs(claim - bar.value) > bar.bar:
            return self.contradicted(name, index, claim, found, power)
        if power > says_enough(self.dtype):
            return self.whole(name, f"finite differences agree, but no closer than {bar.bar:.1g}")
        if self.accused(name, index, claim):
            return self.whole(name, "finite differences agree")
        also = " and with the path integral of the whole" if self.survey and self.survey.agree else ""
        return _Opinion("verified", f"agrees with finite differences{also}, blind below {power:.1g} relative", power)

    def contradicted(self, name: str, index: Index, claim: float, found: str, power: float) -> _Opinion:
        """The ladder disagrees: with the path integral of the entry alone on its side it is believed."""
        told = f"autodiff gives {claim!r}, differences of the function {found}"
        if (name, index) in self.confirmed:
            factor = self.survey.scaled.get(name, self.survey.scaled.get("")) if self.survey else None
            times = f"; the whole gradient is {factor:.6g} times what the function says" if factor is not None else ""
            return _Opinion("wrong", f"{told}, and the path integral along this entry agrees with them{times}", power)
        return _Opinion("inconclusive", f"{told}, but the path integral along this entry agrees with autodiff", power)

    def whole(self, name: str, but: str) -> _Opinion:
        """The verdict of the path integral on the variable as a whole, where the entry's ladder does not suffice."""
        survey = self.survey
        if survey is None:
            return _Opinion("inconclusive", but)
        if survey.agree and survey.power <= says_enough(self.dtype):
            told = "the path integral of the whole gradient agrees with autodiff"
            return _Opinion("verified", f"{but}; {told}, blind below {survey.power:.1g} relative", survey.power)
        if self.accused(name):
            factor = survey.scaled.get(name, survey.scaled.get(""))
            what = "names a wrong entry of it" if factor is None else f"finds the whole {factor:.6g} times too large"
            return _Opinion("inconclusive", f"{but}, and the path integral {what}")
        return _Opinion("inconclusive", f"{but}, and the path integral says too little")

    def accused(self, name: str, index: Index | None = None, claim: float = 1.0) -> bool:
        """Whether the search behind the path integral names this variable, or this entry of it."""
        survey = self.survey
        if survey is None:
            return False
        scaled = not {name, ""}.isdisjoint(survey.scaled) and claim != 0
        return scaled or any(one.variable == name and index in (None, one.index) for one in survey.wrong)

    def size(self, name: str, claim: float) -> float:
        """What an error is relative to: the entry; where that is 0 the largest of its variable, of all, or of f."""
        value = self.autodiff.gradients[name]
        sizes = [abs(claim), *_largest([value]), *_largest(list(self.autodiff.gradients.values()))]
        sizes += [max(map(abs, flat(self.autodiff.value)), default=0.0), 1.0]
        return next(size for size in sizes if size and math.isfinite(size))


_SPOTS = {
    "jump": "the function jumps here",
    "steep": "the function has a vertical tangent or a cusp here",
    "one_sided": "the function has values on one side only",
}


def _kink(claim: float, bar: Difference) -> _Opinion:
    """A claim between the slopes of both sides is a convention; one outside of both is wrong."""
    low, high = sorted([(bar.left, bar.left_bar), (bar.right, bar.right_bar)])
    sides = f"{bar.left:.6g} from the left and {bar.right:.6g} from the right"
    if math.isfinite(claim) and low[0] - low[1] <= claim <= high[0] + high[1]:
        told = "a convention" if claim in (0.0, 1.0) or not math.isclose(low[0], high[0]) else "either"
        return _Opinion(
            "not_differentiable", f"the function has a kink here, with slopes {sides}; {claim:.6g} is {told}"
        )
    return _Opinion("wrong", f"autodiff gives {claim:.6g} at a kink with slopes {sides}: it lies between neither")


def _largest(values: list[Value | None]) -> list[float]:
    found = [abs(number) for value in values if value is not None for number in flat(value) if math.isfinite(number)]
    return [max(found)] if found else []
