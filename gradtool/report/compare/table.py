"""The comparison for people: both numbers and the exact one, digit under digit, and the sentence that matters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.cells import cell_len

from gradtool.report.columns import Cell, Remark, Row, Sheet, unfolded
from gradtool.report.compare.pairs import cells, chosen, heads, norms, remarks, versions
from gradtool.report.compare.sweep import lines_for
from gradtool.report.entries import LISTED, LISTED_POINTS, MOST_REMEDIES, formula_lines, power_line
from gradtool.report.numbers import point_text
from gradtool.terminal import Terminal
from gradtool.values import shape_text
from gradtool.verdict.compare.record import AGREE, CompareRecord, Pair
from gradtool.verdict.compare.summary import agreement, counts, remedy, total, untold, untold_value
from gradtool.verdict.stretches import remedies
from gradtool.verdict.words import ulps

__all__ = ["write"]


def write(records: Iterable[CompareRecord], terminal: Terminal, seconds: float) -> None:
    """Write the report of one target (at one or several points) or the summary of a suite."""
    done = list(records)
    page = _Page(terminal)
    groups = [list(group) for _, group in groupby(done, key=lambda record: (record.name, record.target))]
    if len(groups) == 1:
        page.target(groups[0])
        if groups[0][0].measured:
            from gradtool.report.compare.measured_table import write_measured  # noqa: PLC0415  # few runs need it

            write_measured(groups[0][0], page.sheet)
    else:
        page.suite(groups)
    page.last_line(done, seconds)
    if len(done) == 1 and done[0].code:
        from gradtool.report.programs.pair import write as write_programs  # noqa: PLC0415  # only with --code

        terminal.stream.write("\n")
        write_programs(done[0].code, terminal)


class _Page:
    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.sheet = Sheet(terminal)
        self.line = self.sheet.line

    def target(self, records: Sequence[CompareRecord]) -> None:
        """The full report of one target."""
        first = records[0]
        self.sheet.heading(first.target)
        if first.problems:
            self.sheet.problems(first.problems)
            return
        self.line(_heading(records), indent=2)
        self.line("")
        swept = lines_for(records) if len(records) > LISTED_POINTS and not first.sides[0].drawn else []
        if swept:
            for text, verdict in swept:
                self.line(text, self.terminal.style(verdict), indent=2)
            for remedy in remedies(records)[:MOST_REMEDIES]:
                self.line(f"→ {remedy}", indent=4)
        else:
            self.figures(records)
        self.line("")
        for text in (*formula_lines(first.sides[0]), *(norms(first) if len(records) == 1 else [])):
            self.line(text, indent=2)
        if not swept:
            self.remarks(records)

    def figures(self, records: Sequence[CompareRecord]) -> None:
        """The value and the entries of the gradient; with several points, under a line for each."""
        rows, more = [], []
        for record in records:
            head = f"at {_point(record)}" if len(records) > 1 else ""
            listed, rest = chosen(record)
            for pair in (*([record.value] if record.value else []), *listed):
                rows.append(Row(head, self._cells(pair, record.dtype)))
                head = ""
            more += rest
        self.sheet.table(heads(records[0]), rows, (unfolded, _stacked))
        for text in more:
            self.line(text, indent=2)

    def _cells(self, pair: Pair, dtype: str) -> list[Cell]:
        *numbers, word = cells(pair, dtype)
        return [*((self.terminal.glyphs(text), "") for text in numbers), (word, self.terminal.style(word))]

    def remarks(self, records: Sequence[CompareRecord]) -> None:
        """The sentence that matters, what was noticed on either side, and witnesses that failed."""
        said: list[Remark] = []
        if told := agreement(records):
            said.append(("verified", told, remedy([pair for record in records for pair in record.entries])))
        for record in records:
            at = f" at {_point(record)}" if len(records) > 1 else ""
            if len(record.entries) > 1 or not told:
                said += [(verdict, f"{text}{at}", cure) for verdict, text, cure in untold(record.entries)]
            said += [(verdict, f"{text}{at}", cure) for verdict, text, cure in untold_value(record)]
            said += remarks(record, at)
        agreed = (pair for record in records for pair in record.entries if pair.verdict in AGREE)
        if power := power_line(entry for pair in agreed for entry in pair.sides):
            said.append(("", power, ""))
        self.sheet.remarks(said)

    # ---- a suite

    def suite(self, groups: Sequence[list[CompareRecord]]) -> None:
        """One line for each target, then what is to be said about those on which the frameworks do not agree."""
        listed = groups if len(groups) <= LISTED else [group for group in groups if not _fine(group)]
        if listed:
            first, second = groups[0][0].titles
            titles = ["target", "entries", f"{first}, ulp", f"{second}, ulp", "apart, ulp", "verdict"]
            self.sheet.table(titles, [Row("", self._row(group)) for group in listed], (unfolded, _headed))
            self.line("")
        if len(listed) < len(groups):
            self.line(f"{len(groups) - len(listed)} targets agree and are not listed; --format jsonl has them all.")
        for group in groups:
            if not _fine(group):
                self.line("")
                self.sheet.heading(group[0].name)
                self.sheet.problems(group[0].problems)
                self.remarks(group)
        self.line("")

    def _row(self, group: Sequence[CompareRecord]) -> list[Cell]:
        pairs = [pair for record in group for pair in record.entries]
        errors = [[pair.sides[place].ulp for pair in pairs] for place in (0, 1)]
        word = next(iter(counts(group)), "inconclusive")
        name = self.terminal.glyphs(group[0].name)
        largest = [ulps(max((e for e in own if e is not None), default=None)) for own in (
            *errors, [pair.ulp for pair in pairs])]  # fmt: skip
        return [
            (name if cell_len(name) <= 60 else name[:57] + "...", ""),  # a name, not a figure
            (str(sum(pair.count for pair in pairs)), ""),
            *((text, "") for text in largest),
            (word, self.terminal.style(word)),
        ]

    def last_line(self, records: Sequence[CompareRecord], seconds: float) -> None:
        """The counts and the time."""
        found = counts(records)
        faulty = any(finding.severity == "error" for record in records for finding in record.findings)
        good = all(map(_agrees, records)) and not faulty and not any(record.failures for record in records)
        mark = self.terminal.glyphs("✓" if good else "✗")
        style = self.terminal.style("verified" if good else next(iter(found), "error"))
        failed = sum(bool(record.failures) for record in records)
        without = f", {failed} without all the evidence" if failed else ""
        self.line(f"{mark} {total(records)}{without} ({seconds:.1f} s)", style)


def _stacked(row: Sequence[Cell]) -> list[list[Cell]]:
    """Both numbers and the exact one, digit under digit; their errors beside them, and the three distances."""
    by, one, off_one, two, off_two, exact, *gaps, verdict = row
    return [[by], [one, two, exact], [off_one, off_two], gaps, [verdict]]


def _headed(row: Sequence[Cell]) -> list[list[Cell]]:
    """A head of two words on two lines."""
    return [[(part, style) for part in text.split(", ")] if text.endswith(", ulp") else [(text, style)]
            for text, style in row]  # fmt: skip


def _heading(records: Sequence[CompareRecord]) -> str:
    first = records[0]
    parts = [versions(first), first.dtype]
    if len(records) > 1:
        drawn = f" drawn from seed {first.sides[0].seed}" if first.sides[0].drawn else ""
        return ", ".join([f"at {len(records)} points{drawn}", *parts])
    if first.value is None and first.sides[0].shape:
        parts.insert(0, f"f of shape {shape_text(first.sides[0].shape)}")
    return ", ".join([f"at {_point(first)}", *parts])


def _point(record: CompareRecord) -> str:
    return point_text(record.point, record.dtype, record.sides[0].at)


def _fine(group: Sequence[CompareRecord]) -> bool:
    return all(_agrees(record) and not record.failures for record in group)


def _agrees(record: CompareRecord) -> bool:
    return record.verdict in AGREE and not record.value_differs and not record.problems
