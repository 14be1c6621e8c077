"""Which derivatives a report shows: all where they are few, the worst where they are many, and what the rest is."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from gradtool.report.numbers import WRITTEN_OUT, value_text
from gradtool.values import flat, upstream_name
from gradtool.verdict.record import WORDS, CheckRecord, Entry
from gradtool.verdict.words import EQUAL, ulps

__all__ = ["chosen", "derivative_name"]

SHOWN, WORST = 24, 8
"""Up to SHOWN derivatives are shown in full; of more, the WORST."""

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def chosen(record: CheckRecord) -> tuple[Sequence[Entry], list[str]]:
    """The derivatives to be shown, and lines that sum up all of them where there are more."""
    entries = record.entries
    if len(entries) <= SHOWN:
        return entries, []
    order = list(WORDS)
    ranked = sorted(range(len(entries)), key=lambda place: (order.index(entries[place].verdict), _size(entries[place])))
    shown = [entries[place] for place in sorted(ranked[:WORST])]
    lines = [f"the worst {WORST} of {len(entries)} derivatives are shown; --format json has them all"]
    variables = dict.fromkeys(entry.variable for entry in entries)
    lines += [_summary(name, [entry for entry in entries if entry.variable == name]) for name in variables]
    return shown, lines


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
