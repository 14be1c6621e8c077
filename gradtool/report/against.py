"""The framework's own checker in a report: a column of its differences, and a line on what it says."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from gradtool.verdict.against import differences, largest, settings_text
from gradtool.verdict.record import CheckRecord, Entry

__all__ = ["difference_text", "heads", "lines", "outcomes_text"]

DIGITS = {"float64": 10, "float32": 6, "float16": 4, "bfloat16": 3}
"""More of a difference are noise."""


def heads(records: Sequence[CheckRecord]) -> list[str]:
    """The head of the column, ``gradcheck``; none where no record has a checker's differences."""
    known = [record.against for record in records if record.against and record.against.gradients]
    return [known[0].asked.partition(":")[0]] if known else []


def difference_text(record: CheckRecord, entry: Entry) -> str:
    """The checker's difference for one derivative, to the digits that can mean something."""
    if record.against is None:
        return "-"
    number = differences(record.against).get((entry.variable, entry.index))
    return "-" if number is None else f"{number:.{DIGITS[record.dtype]}g}"


def outcomes_text(records: Sequence[CheckRecord]) -> str:
    """What the checker says about one of several targets, in a word; of several points each word once."""
    words = {"compared": "no verdict", "not_run": "not run"}
    outcomes = [record.against.outcome for record in records if record.against]
    found = dict.fromkeys(words.get(outcome, outcome) for outcome in outcomes)
    return ", ".join(found) or "-"


def lines(records: Sequence[CheckRecord]) -> list[str]:
    """What the checker says about one target, at one point or over several."""
    known = [(record, record.against) for record in records if record.against]
    if not known:
        return []
    checked = known[0][1]
    name = f"{checked.tool} ({settings_text(checked)})" if checked.settings else checked.tool
    if len(known) == 1:
        record, checked = known[0]
        what = "" if checked.function == "the expression" else f"on {checked.function}, "
        return [f"{name}: {what}{_said(record)}"]
    found = Counter(checked.outcome for _, checked in known)
    outcomes = [f"{word.replace('_', ' ')} at {count}" for word, count in found.items()]
    misled = sum(finding.code == "GT021" for record in records for finding in record.findings)
    where = f"; it misleads at {misled}" if misled else ""
    return [f"{name}: {', '.join(outcomes)} of {len(known)} points{_gap(_largest(records))}{where}"]


def _largest(records: Sequence[CheckRecord]) -> float | None:
    """The largest difference over all points."""
    gaps = [largest(record.against, record.entries) for record in records if record.against]
    numbers = [gap for gap in gaps if gap is not None]
    return math.nan if any(map(math.isnan, numbers)) else max(numbers, default=None)


def _said(record: CheckRecord) -> str:
    checked = record.against
    if checked is None:
        return ""
    if checked.outcome == "not_run":
        return f"not run: {checked.message}"
    word = "it gives no verdict of its own" if checked.outcome == "compared" else checked.outcome
    because = f": {checked.message}" if checked.message else ""
    return f"{word}{because}{_gap(largest(checked, record.entries))}"


def _gap(gap: float | None) -> str:
    return "" if gap is None else f"; largest |autodiff - difference| {gap:.2g}"
