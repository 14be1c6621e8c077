"""Figures over entries and over records: the gradient's norm, the counts by verdict, the exit code."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from gradtool.evidence import Difference
from gradtool.problem import ExitCode
from gradtool.verdict.record import FINE, WORDS, CheckRecord, Entry, Judged

__all__ = ["along_directions", "asymmetry", "counts", "exit_code", "gradient_norm", "is_direction", "sentence", "total"]


def gradient_norm(values: Sequence[float | None]) -> tuple[float | None, int, int]:
    """(l2 norm of the finite values, number of NaN, number of Inf); the norm is None where there is no gradient."""
    known = [value for value in values if value is not None]
    nan = sum(map(math.isnan, known))
    inf = sum(map(math.isinf, known))
    finite = [value for value in known if math.isfinite(value)]
    return (math.hypot(*finite) if finite else None), nan, inf


def asymmetry(entries: Sequence[Entry]) -> float | None:
    """The largest difference between mirrored entries of a Hessian; None where a number is missing."""
    known = {entry.label: entry.autodiff for entry in entries}
    largest = 0.0
    for label, value in known.items():
        mirrored = known.get(", ".join(reversed(label.split(", "))))
        if value is None or mirrored is None:
            return None
        largest = max(largest, abs(value - mirrored)) if math.isfinite(value - mirrored) else math.nan
    return largest


def is_direction(bar: Difference) -> bool:
    """Whether the difference was taken along a random direction, not along a coordinate."""
    return bar.variable.startswith("direction ")


def along_directions(record: CheckRecord) -> str:
    """What the finite differences along random directions say, as a sentence; empty if there are none."""
    known = [bar for bar in record.directions if math.isfinite(bar.value) and math.isfinite(bar.bar)]
    if not known:
        return "finite differences along random directions say nothing here" if record.directions else ""
    far = max(known, key=lambda bar: abs(bar.value - bar.claim) / bar.bar if bar.bar else 0.0)
    verb = "agree" if abs(far.value - far.claim) <= far.bar else "disagree"
    ways = f"{len(known)} random direction{'s' if len(known) > 1 else ''}"
    return f"finite differences along {ways} {verb}: {far.claim:.6g} against {far.value:.6g} ± {far.bar:.0e}"


def counts(records: Iterable[Judged], words: Iterable[str] = tuple(WORDS)) -> dict[str, int]:
    """How many gradient entries have each of ``words``, worst first; unreadable targets under ``unreadable``."""
    found: Counter[str] = Counter()
    for record in records:
        if record.problems:
            found["unreadable"] += 1
        for entry in record.entries:
            found[entry.verdict] += entry.count
    return {word: found[word] for word in (*words, "unreadable") if found[word]}


def total(records: Sequence[CheckRecord]) -> str:
    """The counts as a sentence."""
    declared = [record for record in records if record.callable and record.callable.surrogate]
    if declared and len(declared) == len(records):
        number = sum(entry.count for record in records for entry in record.entries)
        return f"{number} gradient {'entry' if number == 1 else 'entries'}, declared a surrogate: not judged"
    found = counts(records)
    plain = all(record.mode == "gradient" for record in records)
    entries = sum(number for word, number in found.items() if word != "unreadable")
    told = sentence(found, plain=plain)
    unjudged = sum(record.verdict == "wrong" and not record.entries for record in records)
    if not told:
        return "no gradient that could be judged" if unjudged else "nothing was checked"
    without = f", {unjudged} without a gradient that could be judged" if unjudged else ""
    return f"{told}{_as_a_whole(records, entries)}{without}"


def sentence(found: Mapping[str, int], *, plain: bool) -> str:
    """Counts as words: ``2 gradient entries: 2 verified``, of other than plain gradients ``2 derivatives``."""
    entries = sum(number for word, number in found.items() if word != "unreadable")
    singular, plural = ("gradient entry", "gradient entries") if plain else ("derivative", "derivatives")
    parts = ", ".join(f"{number} {word}" for word, number in found.items())
    return f"{entries} {singular if entries == 1 else plural}: {parts}" if parts else ""


def _as_a_whole(records: Sequence[CheckRecord], entries: int) -> str:
    """How many of the ``entries`` were not looked at one by one, as the end of a sentence."""
    number = sum(entry.count for record in records for entry in record.entries if entry.whole)
    if not number:
        return ""
    return f", {'' if number == entries else f'{number} of them '}as a whole: no single entry was looked at"


def exit_code(records: Iterable[Judged], *, strict: bool, fine: Container[str] = FINE) -> ExitCode:
    """What the shell is told: 1 before 2 before 3 before 0, for one record or for many; 0 for verdicts in ``fine``."""
    severities = {"error", "warning"} if strict else {"error"}
    found = set()
    for record in records:
        if any(finding.severity in severities for finding in record.findings):
            found.add(ExitCode.FINDING)
        if record.problems:
            found.add(ExitCode.UNUSABLE)
        elif record.verdict not in fine or record.failures:
            found.add(ExitCode.NO_VERDICT)
    return min(found - {ExitCode.NO_VERDICT}, default=ExitCode.NO_VERDICT) if found else ExitCode.OK
