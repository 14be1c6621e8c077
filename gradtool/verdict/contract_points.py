"""What several points, or the entries of one, show together: a constant factor, wrong only there, conventions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from gradtool.evidence import CallableEvidence, CallablePoint, Difference
from gradtool.values import Index, label, number_at, shape_of
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding
from gradtool.verdict.survey import says_enough

__all__ = ["conventions", "elsewhere", "factors", "is_right_somewhere"]

_SAME = 1e-3
"""Factors this close, relative, are the same."""

_HINTS = {
    "negative": "a square root, an absolute value or a mask that takes the inputs to be positive",
    "large": "a clip, a threshold, or an overflow on the way",
    "small": "a constant such as an epsilon that outweighs the inputs",
    "zero": "a division by the input, or a comparison that decides at 0",
    "equal": "a tie that goes to one side",
    "asymmetric": "two saved tensors swapped, or a matrix that is not transposed",
    "given": "special values at the given point",
}
"""What is often wrong where the gradient is wrong only there, by the label of the point."""


_SPECIAL = frozenset({"equal", "zero"})
"""Points at which a wrong gradient is easily right."""


# ---- a constant factor


def factors(evidence: CallableEvidence) -> Iterator[Finding]:
    """Variables of which the whole gradient is the same factor off at every point that tells; "" for all of them."""
    seen: dict[str, list[float]] = {}
    for point in evidence.points:
        for name, factor in _scaled(point).items():
            seen.setdefault(name, []).append(factor)
    for name, found in seen.items():
        if all(abs(factor - found[0]) <= _SAME * max(abs(found[0]), _SAME) for factor in found):
            told = f"the whole gradient is {found[0]:.6g} times the truth at {_points(len(found))}"
            cause = _cause(found[0], evidence, name)
            told += f": {cause}" if cause else ""
            yield finding("GT230", name or evidence.name, told, source=evidence.source)


def _scaled(point: CallablePoint) -> dict[str, float]:
    """The factors that the search has found, and those that every entry's own difference shows."""
    found = dict(point.autodiff.survey.scaled) if point.autodiff.survey else {}
    if "" in found:
        return found
    for name, gradient in point.autodiff.gradients.items():
        rows = [row for row in point.autodiff.differences if row.variable == name and row.regime == "smooth"]
        if name in found or gradient is None or len(rows) < math.prod(shape_of(gradient)):
            continue
        pairs = [(_entry(point, name, row.index), row) for row in rows]
        factor = _common(pairs)
        if factor is not None:
            found[name] = factor
    return found


def _common(pairs: Sequence[tuple[float, Difference]]) -> float | None:
    """The one factor between claims and differences, if there is one other than 1; of one entry only a telling one."""
    telling = [(claim, row) for claim, row in pairs if abs(row.value) > row.bar / _SAME]
    if not telling or any(not math.isfinite(claim) for claim, _ in pairs):
        return None
    factor = telling[0][0] / telling[0][1].value
    fits = all(abs(claim - factor * row.value) <= abs(factor) * row.bar + _SAME * abs(claim) for claim, row in pairs)
    if not fits or abs(factor - 1) <= 10 * _SAME:
        return None
    return factor if len(telling) > 1 or abs(factor) in (0.0, 0.5, 1.0, 2.0) else None


def _cause(factor: float, evidence: CallableEvidence, name: str) -> str:
    if factor == 0:
        return "a part of the backward pass is cut off, or returns zeros"
    size, words = abs(factor), []
    for count, what in _counts(evidence, name):
        if _near(size, count):
            words.append(f"a sum where a mean is meant, over {what}")
        elif _near(size, 1 / count):
            words.append(f"a mean where a sum is meant, over {what}")
    if _near(size, 2):
        words.append("a term counted twice")
    elif _near(size, 0.5):
        words.append("a forgotten 2, as of a square, or one of two equal terms left out")
    sign = ["a missing minus"] if factor < 0 else []
    return " and ".join(sign + [" or ".join(words)] * bool(words))


def _counts(evidence: CallableEvidence, name: str) -> list[tuple[int, str]]:
    """Numbers that a mean may have divided by, and what they count; each once."""
    inputs = [slot for slot in evidence.inputs if slot.differentiated and name in ("", slot.name)]
    found: dict[int, str] = {}
    for slot in inputs:
        if slot.shape:
            found.setdefault(slot.shape[0], f"the {slot.shape[0]} rows of {slot.name}")
        found.setdefault(math.prod(slot.shape), f"the {math.prod(slot.shape)} entries of {slot.name}")
    for slot in evidence.outputs:
        found.setdefault(math.prod(slot.shape), f"the {math.prod(slot.shape)} entries of {slot.name}")
    return [(count, what) for count, what in found.items() if count > 1]


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * abs(other)


# ---- right here, wrong there


def elsewhere(evidence: CallableEvidence, verdicts: Sequence[str] = ()) -> Iterator[Finding]:
    """A gradient that is right at some points and wrong at others."""
    words = list(verdicts) or [_word(point, evidence.dtype) for point in evidence.points]
    labels = [point.label.partition(", ")[0] for point in evidence.points]  # behind it stands the upstream gradient
    right = list(dict.fromkeys(name for name, word in zip(labels, words, strict=True) if word == "verified"))
    wrong = list(dict.fromkeys(name for name, word in zip(labels, words, strict=True) if word == "wrong"))
    if wrong and "given" in right and "given" not in wrong:
        told = f"right at the {_places(right)}, and wrong at the {_places(wrong)}"
        hints = [_HINTS[name] for name in wrong if name in _HINTS and name not in right]
        told += f"; look for {hints[0]}" if hints and len(wrong) == 1 else ""
        yield finding("GT231", evidence.name, told, source=evidence.source)


def is_right_somewhere(evidence: CallableEvidence, verdicts: Sequence[str] = ()) -> bool:
    """Whether it is right at a point that is nothing special, so that no factor is the fault."""
    words = list(verdicts) or [_word(point, evidence.dtype) for point in evidence.points]
    rows = zip(evidence.points, words, strict=True)
    return any(word == "verified" and point.label not in _SPECIAL for point, word in rows)


def _word(point: CallablePoint, dtype: str) -> str:
    survey = point.autodiff.survey
    if point.confirmed or (survey and (survey.wrong or survey.scaled)):
        return "wrong"
    return "verified" if survey and survey.agree and survey.power <= says_enough(dtype) else "inconclusive"


def _places(labels: Sequence[str]) -> str:
    listed = " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))
    return f"{listed} {'point' if len(labels) == 1 else 'points'}"


def _points(count: int) -> str:
    return "one point" if count == 1 else f"all {count} points that tell"


# ---- conventions


def conventions(evidence: CallableEvidence, title: str) -> Iterator[Finding]:
    """What autodiff gives at kinks, by variable: the left slope, the right one, a number between, or none of these."""
    for name in dict.fromkeys(slot.name for slot in evidence.inputs):
        taken: Counter[str] = Counter()
        told: dict[str, str] = {}
        for point in evidence.points:
            for row in point.autodiff.differences:
                if row.variable == name and row.regime == "kink" and point.autodiff.gradients.get(name) is not None:
                    claim = _entry(point, name, row.index)
                    which = _taken(claim, row)
                    taken[which] += 1
                    sides = f"slope {row.left + 0.0:.4g} on the left and {row.right + 0.0:.4g} on the right"
                    here = f"{label(name, row.index)} of the {point.label} point stands at a kink, {sides}"
                    told.setdefault(which, f"{here}, and {title} gives {claim:.4g}, {which}")
        for which, count in taken.items():
            more = f" (and so at {count - 1} more)" if count > 1 else ""
            severity = "warning" if which == _OUTSIDE else "note"
            yield finding("GT233", name, told[which] + more, severity=severity, source=evidence.source)


_OUTSIDE = "which is neither of them nor between them"


def _taken(claim: float, row: Difference) -> str:
    left, right = (abs(claim - side) <= bar for side, bar in ((row.left, row.left_bar), (row.right, row.right_bar)))
    if left or right:
        return f"the one on the {'left' if left else 'right'}"
    return "between them" if min(row.left, row.right) < claim < max(row.left, row.right) else _OUTSIDE


def _entry(point: CallablePoint, name: str, index: Index) -> float:
    """The claim of one entry."""
    gradient = point.autodiff.gradients[name]
    if gradient is None:
        return 0.0
    return number_at(gradient, index)
