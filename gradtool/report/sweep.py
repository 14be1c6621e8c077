"""A sweep in words: how many points, the worst of them, and every stretch that is not verified."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from gradtool.problem import printable
from gradtool.report.entries import derivative_name
from gradtool.report.numbers import point_text
from gradtool.values import Value
from gradtool.verdict.record import FINE, WORDS, CheckRecord, Entry, Judged
from gradtool.verdict.stretches import Place, Stretch, along, coordinate, stretches, swept, why
from gradtool.verdict.words import EQUAL, ulps

__all__ = [
    "CHECKED", "Line", "Vocabulary", "counted", "distinct", "headings", "largest", "lines_for", "sentences",
    "shortened",
]  # fmt: skip

LISTED = 30
"""So many stretches are listed."""

CONSTANTS = 4
"""So many variables that stay the same are named under a title."""

Line = tuple[str, str]
"""A sentence, and the verdict in whose colour it is written."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A command's verdicts, worst first, and those with which nothing is amiss."""

    words: Sequence[str]
    fine: Container[str]
    amiss: str
    """What the other stretches are said to do."""
    error: str
    """What an ulp of theirs is one of."""


CHECKED = Vocabulary(tuple(WORDS), FINE, "are not verified", "ulp")


def lines_for(records: Sequence[CheckRecord]) -> list[Line]:
    """What there is to say about one expression, checked at many points (``sentences``)."""
    return sentences(records, CHECKED, largest)


def sentences(records: Sequence[Place], words: Vocabulary, best: Callable[[Sequence[Place]], list[Line]]) -> list[Line]:
    """What there is to say about one target at many points, one sentence a line, as text that may be wrapped.

    The first line counts the points, then come those of ``best`` on what is fine, then one for each stretch (one swept
    variable) or for each verdict (several) that is not. Nothing for fewer than two points.
    """
    names = swept(records)
    if not names:
        return []
    placed = along(records, names[0])
    worst = min((record.verdict for record in placed), key=words.words.index)
    lines: list[Line] = [(_first(placed, names, words), worst), *best(placed)]
    if len(names) == 1:
        found = stretches(placed, names[0], words.fine)
        texts = distinct([coordinate(record, names[0]) for record in placed])
        lines += [(_told(stretch, names[0], texts, words), stretch.verdict) for stretch in found[:LISTED]]
        if len(found) > LISTED:
            more = f"and {len(found) - LISTED} more stretches that {words.amiss}; --format jsonl has every point"
            lines.append((more, ""))
    else:
        lines += _kinds(placed, names, words)
    return lines


def counted(records: Sequence[Judged], words: Sequence[str] = tuple(WORDS)) -> str:
    """How many points, and how many of them have each verdict, worst first: ``41 points: 6 unstable, 35 verified``."""
    found = Counter(record.verdict for record in records)
    parts = ", ".join(f"{found[word]} {word}" for word in words if found[word])
    return f"{len(records)} points: {parts}"


def headings(records: Sequence[CheckRecord], told: str = "") -> tuple[str, str]:
    """The title of a picture, the target's text, and what stands under it: ``told``, else the framework and counts."""
    names = swept(records)
    known = [record for record in records if record.point]
    first = known[0]
    version = first.versions.get(first.framework, "")
    told = told or f"{first.title} {version}".strip() + f", {first.dtype}, {counted(known)}"
    rest = {name: value for name, value in known[0].point.items() if name not in names}
    few = [_constant(name, value, first) for name, value in itertools.islice(rest.items(), CONSTANTS)]
    more = [f"{len(rest) - len(few)} more variables"] if len(few) < len(rest) else []
    return printable(first.target), printable("; ".join([told, ", ".join([*few, *more])]) if rest else told)


def _constant(name: str, value: Value, record: CheckRecord) -> str:
    """What a variable is throughout; an array by what was typed, or by its shape."""
    short = shortened(name, 24)
    return point_text({short: value}, record.dtype, {short: record.at.get(name, "")})


def shortened(text: str, width: int, ellipsis: str = "…") -> str:
    """A name in at most ``width`` cells, without control characters."""
    text = printable(text)
    if cell_len(text) <= width:
        return text
    while cell_len(text) > width - len(ellipsis):
        text = text[: min(len(text) - 1, width)]
    return text + ellipsis


def distinct(values: Sequence[float]) -> dict[float, str]:
    """Each number in the fewest digits, six or more, that tell them all apart."""
    different = set(values)
    for digits in range(6, 18):
        texts = {value: _plain(f"{value:.{digits}g}") for value in different}
        if len(set(texts.values())) == len(different):
            break
    return texts


def _plain(text: str) -> str:
    """``1e-05`` as ``1e-5``, ``-0`` as ``0``."""
    mantissa, letter, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if letter else "0" if text == "-0" else text


def _span(start: float, stop: float, texts: dict[float, str]) -> str:
    """``in [-1, 2]``, or ``= 2`` for a single place; the numbers as ``texts`` has them."""
    return f"= {texts[start]}" if start == stop else f"in [{texts[start]}, {texts[stop]}]"


def _first(records: Sequence[Judged], names: Sequence[str], words: Vocabulary) -> str:
    spans = []
    for name in names:
        values = [coordinate(record, name) for record in records]
        spans.append(f"{name} {_span(min(values), max(values), distinct(values))}")
    number, _, verdicts = counted(records, words.words).partition(": ")
    return f"{number}, {', '.join(spans)}: {verdicts}"


def largest(records: Sequence[CheckRecord], whose: str = "") -> list[Line]:
    """The largest error among what is verified, and where it is; ``whose`` stands before it."""
    names = swept(records)
    known: list[tuple[float, CheckRecord, Entry]] = [
        (entry.ulp, record, entry)
        for record in records
        for entry in record.entries
        if entry.verdict == "verified" and entry.ulp is not None
    ]
    if not known:
        return []
    ulp, record, entry = max(known, key=lambda item: item[0])
    if ulp < EQUAL:
        return [(f"{whose}every verified derivative is exact to the last digit", "verified")]
    by = f" of {derivative_name(entry.label)}" if len(record.entries) > 1 else ""
    return [(f"{whose}largest verified error{by}: {ulps(ulp)} ulp at {_place(record, names)}", "verified")]


def _place(record: Judged, names: Sequence[str]) -> str:
    return point_text({name: record.point[name] for name in names}, record.dtype)


def _told(stretch: Stretch, name: str, texts: dict[float, str], words: Vocabulary) -> str:
    points = f", {stretch.points} points" if stretch.points > 1 else ""
    error = f", up to {ulps(stretch.worst_ulp)} {words.error}" if stretch.worst_ulp and stretch.points > 1 else ""
    reason = f": {stretch.reason}" if stretch.reason else ""
    return f"{name} {_span(stretch.start, stretch.stop, texts)} {stretch.verdict}{points}{error}{reason}"


def _kinds(records: Sequence[Judged], names: Sequence[str], words: Vocabulary) -> list[Line]:
    """For each verdict how many points have it, and one of them."""
    lines = []
    for word in words.words:
        own = [record for record in records if record.verdict == word]
        if own and word not in words.fine:
            points = f"at {len(own)} points, such as {_place(own[0], names)}" if len(own) > 1 else _place(own[0], names)
            lines.append((f"{word} {points}: {why(own[0])}", word))
    return lines
