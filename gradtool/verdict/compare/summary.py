"""Figures over comparisons: the counts by verdict, the line that sums them up, the exit code."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from gradtool.problem import ExitCode
from gradtool.verdict import summary
from gradtool.verdict.compare.record import AGREE, DIFFER, WORDS, CompareRecord, Pair
from gradtool.verdict.health import SPOILS
from gradtool.verdict.words import EQUAL, ulps

__all__ = ["agreement", "counts", "exit_code", "remedy", "total", "untold", "untold_value"]

MOST_ALIKE = 3
"""So many derivatives by one variable with the same verdict are told one by one."""


def counts(records: Sequence[CompareRecord]) -> dict[str, int]:
    """How many derivatives have each verdict, worst first; targets that could not be read under ``unreadable``."""
    return summary.counts(records, WORDS)


def total(records: Sequence[CompareRecord]) -> str:
    """The counts as a sentence, with those of the values at fault beside gradients that are not."""
    plain = all(record.sides[0].mode == "gradient" for record in records)
    told = summary.sentence(counts(records), plain=plain) or "nothing was compared"
    values = Counter(verdict for record in records for verdict, *_ in untold_value(record))
    return told + "".join(f"; {values[word]} value{'s' * (values[word] > 1)} {word}" for word in WORDS if values[word])


def exit_code(records: Sequence[CompareRecord], *, strict: bool) -> ExitCode:
    """What the shell is told: 1 where a gradient or a value is at fault or functions differ, else as for a check."""
    code = summary.exit_code(records, strict=strict, fine=AGREE)
    found = any(record.verdict in DIFFER or record.value_differs for record in records)
    return ExitCode.FINDING if found else code


def agreement(records: Sequence[CompareRecord]) -> str:
    """That the two agree, if they do on every derivative, and how well; else nothing. The values may still differ."""
    pairs = [pair for record in records for pair in record.entries]
    titles = records[0].titles
    if not pairs or any(pair.verdict not in AGREE for pair in pairs):
        return ""
    on = " on the gradient" if any(record.value_differs for record in records) else ""
    told = f"{titles[0]} and {titles[1]} agree{on}"
    smooth = [pair for pair in pairs if pair.verdict != "same_convention"]
    if not smooth:
        return f"{told}: {pairs[0].reason}" if len(pairs) == 1 else told
    gaps = [pair.gap.ulp for pair in smooth if pair.gap.ulp is not None]
    errors = [max((e.ulp for e in own if e.ulp is not None), default=None) for own in zip(
        *(pair.sides for pair in smooth), strict=True)]  # fmt: skip
    told += f": {_apart(gaps, len(smooth))}" if gaps else ""
    return told + _errors(titles, errors, " at most" if len(smooth) > 1 else "")


def _apart(gaps: Sequence[float], number: int) -> str:
    if not max(gaps):
        return "the same number" if number == 1 else "the same numbers"
    return f"{ulps(max(gaps))} ulp apart{' at most' if number > 1 else ''}"


def _errors(titles: tuple[str, str], errors: Sequence[float | None], most: str) -> str:
    """The largest error of each side, as the end of a sentence."""
    one, two = errors
    if one is None or two is None:
        return ""
    if max(one, two) < EQUAL:
        return ", exact to the last digit"
    if one == two:
        return f", {ulps(one)} ulp off the truth{most}"
    return f"; {titles[0]} is off by {ulps(one)} ulp{most}, {titles[1]} by {ulps(two)}"


def remedy(pairs: Sequence[Pair]) -> str:
    """What to do about an infinite or NaN gradient where there is no derivative; nothing where there is none."""
    lost = [pair for pair in pairs if pair.verdict in ("convention", "same_convention")]
    claims = [side.autodiff for pair in lost for side in pair.sides if side.autodiff is not None]
    return "" if all(map(math.isfinite, claims)) else SPOILS


def untold(pairs: Sequence[Pair]) -> list[tuple[str, str, str]]:
    """A verdict, a sentence and a remedy, or none, for each derivative on which the frameworks do not simply agree.

    Of many alike by one variable the one that is farthest apart is told, with the number of the others.
    """
    alike: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        if pair.verdict not in ("same", "rounding"):
            alike.setdefault((pair.verdict, pair.variable), []).append(pair)
    found = []
    for (verdict, variable), group in alike.items():
        if len(group) <= MOST_ALIKE:
            found += [(verdict, f"{pair.label}: {pair.reason}", remedy([pair])) for pair in group]
            continue
        told = max(group, key=lambda pair: pair.distance)
        more = f"; likewise {len(group) - 1} more entries of {variable}"
        found.append((verdict, f"{told.label}: {told.reason}{more}", remedy(group)))
    return found


def untold_value(record: CompareRecord) -> list[tuple[str, str, str]]:
    """The same for the value, where it is at fault and no derivative is."""
    value = record.value if record.value_differs and record.verdict not in DIFFER else None
    return untold([value]) if value else []
