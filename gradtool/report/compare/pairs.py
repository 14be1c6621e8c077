"""The cells and the lines that every report on a comparison is made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from gradtool.report.columns import Remark
from gradtool.report.entries import autodiff_text, norm_text, symbolic_text, worst_of
from gradtool.report.numbers import short
from gradtool.verdict.compare.record import WORDS, CompareRecord, Pair
from gradtool.verdict.record import Entry
from gradtool.verdict.words import ulps

__all__ = ["cells", "chosen", "heads", "norms", "remarks", "versions"]

TOLD = frozenset({"GT003", "GT004", "GT005", "GT006"})
"""Findings of a check that say in its words what the sentence on the pair says of both sides."""


def heads(record: CompareRecord) -> list[str]:
    """The heads of the table: each framework's number and its error, the exact one, how far the two are apart."""
    first, second = record.titles
    return ["by", first, "off, ulp", second, "off, ulp", "symbolic", "apart", "relative", "in ulp", "verdict"]


def cells(pair: Pair, dtype: str) -> list[str]:
    """The cells of a pair under ``heads``."""
    first, second = pair.sides
    exact = min(pair.sides, key=lambda side: (not _knows(side), math.inf if side.ulp is None else side.ulp))
    return [
        pair.label, autodiff_text(first, dtype), ulps(first.ulp), autodiff_text(second, dtype), ulps(second.ulp),
        symbolic_text(exact, dtype), _gap(pair.gap.absolute), _gap(pair.gap.relative),
        ulps(pair.gap.ulp), pair.verdict,
    ]  # fmt: skip


def _knows(side: Entry) -> bool:
    return bool(side.symbolic or side.left or side.right)


def _gap(number: float | None) -> str:
    return "0" if number == 0 else short(number)


def chosen(record: CompareRecord) -> tuple[Sequence[Pair], list[str]]:
    """The pairs to be shown, and lines that sum up all of them where there are more."""
    shown, lines = worst_of(record.entries, tuple(WORDS), lambda pair: -pair.distance)
    if not lines:
        return shown, []
    variables = dict.fromkeys(pair.variable for pair in record.entries)
    return shown, lines + [_summary(record, name) for name in variables]


def _summary(record: CompareRecord, variable: str) -> str:
    """One variable: the norms, the largest errors and distance, and how many derivatives got which verdict."""
    pairs = [pair for pair in record.entries if pair.variable == variable]
    parts = []
    for place, title in enumerate(record.titles):
        own = [pair.sides[place] for pair in pairs]
        finite = [entry.autodiff for entry in own if entry.autodiff is not None and math.isfinite(entry.autodiff)]
        error = max((entry.ulp for entry in own if entry.ulp is not None), default=None)
        parts.append(f"{title} norm {math.hypot(*finite):.6g}, largest error {ulps(error)} ulp")
    apart = max((pair.ulp for pair in pairs if pair.ulp is not None), default=None)
    found = Counter(pair.verdict for pair in pairs)
    verdicts = ", ".join(f"{found[word]} {word}" for word in WORDS if found[word])
    return f"{variable}: {'; '.join(parts)}; at most {ulps(apart)} ulp apart; {verdicts}"


def norms(record: CompareRecord) -> list[str]:
    """The norm, NaN and Inf of each side that gave something, in one line where they are the same as shown."""
    lines = {side.title: norm_text(side) for side in record.sides if side.value is not None}
    if len(set(lines.values())) < len(lines):
        return [f"{line}, by both" for line in list(lines.values())[:1]]
    return [f"{title}: {line}" for title, line in lines.items()]


def versions(record: CompareRecord) -> str:
    """Both frameworks with their versions."""
    named = (f"{side.title} {side.versions.get(side.framework, '')}".strip() for side in record.sides)
    return " and ".join(named)


def remarks(record: CompareRecord, at: str = "") -> Iterator[Remark]:
    """What was noticed beside the verdicts, with the framework's name where only one side has it; then failures."""
    sides = [dict.fromkeys((f.code, f.where, f.message, f) for f in side.findings) for side in record.sides]
    messages = [{key[:3] for key in side} for side in sides]
    for place, side in enumerate(sides):
        for code, where, message, finding in side:
            both = (code, where, message) in messages[1 - place]
            if code not in TOLD and not (both and place):
                whose = "" if both else f", {record.titles[place]}"
                yield finding.severity, f"{finding.severity} {code} {where}{whose}{at}: {message}", finding.remedy
    for failure in record.failures:
        yield "error", f"no evidence: {failure.message}", failure.hint
