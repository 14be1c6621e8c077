"""The cells and the lines of --modes and --timing, for every report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gradtool.evidence import Mode, Spread, Timed
from gradtool.report.markup import plain
from gradtool.report.numbers import short
from gradtool.verdict.compare.record import CompareRecord, JudgedMode, Measured
from gradtool.verdict.words import ulps

__all__ = [
    "MODE_HEADS", "TIME_HEADS", "bytes_text", "duration", "markdown_lines", "mode_cells", "mode_lines", "time_lines",
    "time_rows",
]  # fmt: skip

MODE_HEADS = ("mode", "by", "off, ulp", "of largest", "verdict", "peak", "median", "first run")
TIME_HEADS = ("what", "how", "median", "quartiles", "ratio", "first run", "runs")

_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
_SIZES = (("MB", 1e6), ("kB", 1e3), ("B", 1.0))


def mode_cells(one: JudgedMode) -> list[str]:
    """The cells of a mode under ``MODE_HEADS``; the time with half of what lies between the quartiles."""
    row, time = one.row, one.row.time
    name = f"{row.mode}, {row.points} points" if row.points > 1 else row.mode
    return [
        name, row.title, ulps(row.ulp), ulps(row.ulp_of_largest), one.verdict, bytes_text(row.peak),
        "-" if time is None else f"{duration(time.median)} ± {duration((time.high - time.low) / 2)}",
        "-" if time is None else duration(time.first),
    ]  # fmt: skip


def mode_lines(measured: Measured) -> Iterator[tuple[str, str, str]]:
    """A severity, a sentence and a remedy for each thing that the table of modes leaves open."""
    found = {finding.where: finding for finding in measured.findings}
    for one in measured.modes:
        if (finding := found.get(one.row.mode)) and one.code:
            yield finding.severity, f"{finding.severity} {finding.code} {one.row.mode}: {one.reason}", finding.remedy
        elif one.reason:
            yield one.verdict, f"{one.row.mode}: {one.reason}", ""
        if one.row.note:
            yield "note", f"{one.row.mode}: {one.row.note}", ""
        if one.product == "passes":
            yield "note", _product(one.row), ""
    for told in dict.fromkeys(one.row.memory for one in measured.modes if one.row.memory):
        yield "note", f"peak memory {'is' if told.startswith('not ') else 'by'} {told}", ""


def _product(row: Mode) -> str:
    left, right = short(row.left), short(row.right)
    same = left if left == right else f"{left} and {right}"
    return f"{row.mode}: passes the dot-product test, <w, J v> = <J^T w, v> = {same} for random v and w"


def time_rows(times: Sequence[Timed]) -> list[list[str]]:
    """The cells of each time under ``TIME_HEADS``; the ratio is to the value, eager."""
    eager = next((row for row in times if (row.work, row.how) == ("value", "eager")), None)
    return [_time_cells(row, eager) for row in times]


def _time_cells(row: Timed, eager: Timed | None) -> list[str]:
    if row.time is None:
        return [row.work, row.how, "-", "-", "-", "-", "-"]
    time, ratio = row.time, "-"
    if eager is not None and eager.time is not None:
        ratio = f"{time.median / eager.time.median:.2f}"
    quartiles = f"{duration(time.low)} to {duration(time.high)}"
    return [row.work, row.how, duration(time.median), quartiles, ratio, duration(time.first), str(time.runs)]


def time_lines(times: Sequence[Timed]) -> Iterator[str]:
    """What each way is called, what autodiff costs beside the formula, and what is missing."""
    titles = {row.how: row.title for row in times if row.how != "eager"}
    yield "; ".join([
        "gradient: by autodiff, with the value", "formula: the derivative written out",
        *(f"{how}: {title}" for how, title in titles.items()),
    ])  # fmt: skip
    for how in dict.fromkeys(row.how for row in times):
        known = {row.work: row.time for row in times if row.how == how and row.time}
        if (gradient := known.get("gradient")) and (formula := known.get("formula")):
            yield f"{how}: {_cost(gradient, formula)}"
    for reason in dict.fromkeys(row.skipped for row in times if row.skipped):
        rows = ", ".join(f"{row.work} {row.how}" for row in times if row.skipped == reason)
        yield f"{rows}: not timed, {reason}"


def _cost(gradient: Spread, formula: Spread) -> str:
    told = f"autodiff takes {duration(gradient.median)}, the derivative written by hand {duration(formula.median)}"
    return f"{told}: {gradient.median / formula.median:.1f} times as much"


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), _UNITS[-1])
    number = seconds / size
    return f"{number:.{max(0, 2 - (number >= 10) - (number >= 100))}f} {unit}"


def bytes_text(count: int | None) -> str:
    """Bytes with a unit of thousands; ``-`` for None."""
    if count is None:
        return "-"
    unit, size = next(((unit, size) for unit, size in _SIZES if count >= size), _SIZES[-1])
    return f"{count / size:.3g} {unit}"


# ---- Markdown


def markdown_lines(record: CompareRecord) -> list[str]:
    """The modes and the times of each framework."""
    lines = []
    for side in record.sides:
        found = record.measured.get(side.framework, Measured())
        if found.modes:
            lines += [f"### The gradient by every mode of {side.title}", ""]
            lines += _table(MODE_HEADS, map(mode_cells, found.modes))
            lines += ["", *(f"- {plain(text)}" for _, text, _ in mode_lines(found)), ""]
        if found.times:
            lines += [f"### Times of {side.title}", "", *_table(TIME_HEADS, time_rows(found.times))]
            lines += ["", *(f"- {plain(text)}" for text in time_lines(found.times)), ""]
    return lines


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
