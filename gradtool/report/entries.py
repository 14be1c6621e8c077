"""Which derivatives a report shows: all where they are few, the worst where they are many, and what the rest is."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from gradtool.report.numbers import DIGITS, WRITTEN_OUT, exact, float_text, value_text
from gradtool.values import flat, upstream_name
from gradtool.verdict.record import WORDS, CheckRecord, Entry, JudgedEntry
from gradtool.verdict.words import EQUAL, ulps

__all__ = [
    "LISTED", "LISTED_POINTS", "MOST_REMEDIES", "autodiff_text", "chosen", "derivative_name", "formula_lines",
    "norm_text", "power_line", "symbolic_text", "verdict_word", "worst_of",
]  # fmt: skip

SHOWN, WORST = 24, 8
"""Up to SHOWN derivatives are shown in full; of more, the WORST."""

LISTED = 40
"""A suite of up to so many targets is listed in full; of a longer one only what is not verified."""

LISTED_POINTS = 5
"""A sweep of more points is told in stretches."""

MOST_REMEDIES = 3
"""So many different remedies are given for a sweep."""

LONGEST_FORMULA, LONGEST_OF_MANY = 600, 160
"""Characters of a formula that is shown, alone or among others."""

NOT_JUDGED = "not judged"
"""What stands for the verdict on a declared surrogate."""

Told = TypeVar("Told", bound=JudgedEntry)
"""A derivative, checked or compared."""

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def chosen(record: CheckRecord) -> tuple[Sequence[Entry], list[str]]:
    """The derivatives to be shown, and lines that sum up all of them where there are more."""
    entries = record.entries
    shown, lines = worst_of(entries, tuple(WORDS), _size)
    if not lines:
        return shown, []
    variables = dict.fromkeys(entry.variable for entry in entries)
    lines += [_summary(name, [entry for entry in entries if entry.variable == name]) for name in variables]
    return shown, lines


def worst_of(
    entries: Sequence[Told], words: Sequence[str], size: Callable[[Told], float]
) -> tuple[Sequence[Told], list[str]]:
    """All entries where they are few; else those with the first of ``words`` and the least ``size``, and a line."""
    if len(entries) <= SHOWN:
        return entries, []
    ranked = sorted(range(len(entries)), key=lambda place: (words.index(entries[place].verdict), size(entries[place])))
    shown = [entries[place] for place in sorted(ranked[:WORST])]
    return shown, [f"the worst {WORST} of {len(entries)} derivatives are shown; --format json has them all"]


def _size(entry: Entry) -> float:
    """What is no number first, then larger errors; where the truth is 0 there is none."""
    if entry.autodiff is not None and not math.isfinite(entry.autodiff):
        return -math.inf
    return -entry.ulp if entry.ulp is not None else 0.0


def _summary(variable: str, entries: Sequence[Entry]) -> str:
    """One variable: how many derivatives, their norm, the largest error, and how many got which verdict."""
    finite = [entry.autodiff for entry in entries if entry.autodiff is not None and math.isfinite(entry.autodiff)]
    worst = max((entry.ulp for entry in entries if entry.ulp is not None), default=None)
    found = Counter(entry.verdict for entry in entries)
    verdicts = ", ".join(f"{found[word]} {word}" for word in WORDS if found[word])
    parts = [f"{variable}: norm {math.hypot(*finite):.6g}"]
    if worst is not None:  # else every truth is 0, or unknown
        parts.append("exact to the last digit" if worst < EQUAL else f"largest error {ulps(worst)} ulp")
    return f"{', '.join(parts)}; {verdicts}"


def autodiff_text(entry: Entry, dtype: str) -> str:
    """The framework's number, and whether it returned None."""
    told = "-" if entry.autodiff is None else float_text(entry.autodiff, dtype)
    return f"{told} (None)" if entry.unconnected else told


def symbolic_text(entry: Entry, dtype: str) -> str:
    """The exact derivative, or the slopes on both sides; where autodiff is exact, in autodiff's digits."""
    digits = DIGITS[dtype]
    if entry.symbolic is None and (entry.left or entry.right):
        return f"{exact(entry.left, digits)} | {exact(entry.right, digits)}"
    if entry.autodiff is not None and entry.ulp is not None and entry.ulp < EQUAL:
        return float_text(entry.autodiff, dtype)
    return exact(entry.symbolic, digits)


def norm_text(record: CheckRecord) -> str:
    """The norm of all derivatives, and how many are no numbers."""
    norm = "-" if record.norm is None else f"{record.norm:.6g}"
    what = {"jacobian": "Jacobian norm", "hessian": "Hessian norm", "orders": "norm of all"}.get(record.mode)
    told = f"{what or 'gradient norm'} {norm}, {record.nan} NaN, {record.inf} Inf"
    if record.asymmetry is not None:
        told += f", mirrored entries differ by {float_text(record.asymmetry, 'float64')} at most"
    return told


def power_line(entries: Iterable[Entry]) -> str:
    """What the verified entries among these could have been off without being caught; empty where none are known."""
    verified = [entry for entry in entries if entry.verdict == "verified" and not entry.whole]
    powers = [entry.power for entry in verified if entry.power is not None]
    return _power(max(powers)) if powers else ""


def _power(power: float) -> str:
    """What the check could have seen, as a sentence."""
    if not power:
        return "Any error at all would have been found."
    if power >= 1:
        return "Rounding could explain any error here: a fault could hide."
    return f"Errors of {power:.1g} relative and more would have been found."


def formula_lines(record: CheckRecord) -> list[str]:
    """The formulas that a person can read, and how long those are that are left out."""
    limit = LONGEST_FORMULA if len(record.formulas) == 1 else LONGEST_OF_MANY
    lines = [f"{derivative_name(label)} = {text}" for label, text in record.formulas.items() if len(text) <= limit]
    if left_out := [len(text) for text in record.formulas.values() if len(text) > limit]:
        what = "a formula" if len(left_out) == 1 else f"{len(left_out)} formulas"
        lines.append(f"{what} of up to {max(left_out)} characters: --format json")
    lines += filter(None, [upstream_line(record)])
    return [*lines, f"no formula: {record.formula_note}"] if record.formula_note else lines


def upstream_line(record: CheckRecord) -> str:
    """What the formulas call the upstream gradient, where they name it; else nothing."""
    if record.upstream is None:
        return ""
    name = upstream_name(record.point)
    if not any(re.search(rf"(?<!\w){name}(?!\w)", text) for text in record.formulas.values()):
        return ""
    many = len(flat(record.upstream)) > WRITTEN_OUT
    told = "" if many else f" {value_text(record.upstream, record.dtype)}"
    return f"where {name} is the upstream gradient{told}"


def derivative_name(label: str) -> str:
    """A label as a derivative: ``x[0]`` is ∂f/∂x[0], ``f[1] by x`` ∂f[1]/∂x, and ``x, y`` ∂²f/∂x∂y."""
    output, _, by = label.rpartition(" by ")
    names = by.split(", ")
    order = str(len(names)).translate(_SUPERSCRIPTS) if len(names) > 1 else ""
    if len(set(names)) == 1 and len(names) > 1:
        return f"∂{order}f/∂{names[0]}{order}"
    return f"∂{order}{output or 'f'}/{''.join(f'∂{name}' for name in names)}"


def verdict_word(record: CheckRecord, verdict: str) -> str:
    """The verdict, as it is told: the numbers of a declared surrogate are called neither right nor wrong."""
    surrogate = record.callable is not None and record.callable.surrogate
    return NOT_JUDGED if surrogate and verdict == "verified" else verdict
