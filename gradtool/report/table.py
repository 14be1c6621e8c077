"""The report for people: a table where it fits the width, the same figures stacked where it does not.

No number is ever broken or cut: columns are as wide as their widest number, and words wrap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.text import Text

from gradtool.report.against import difference_text, heads, outcomes_text
from gradtool.report.against import lines as checker_lines
from gradtool.report.callables import callable_lines, place_text, signature_lines
from gradtool.report.causes import below
from gradtool.report.columns import Arrangement, Cell, Remark, Row, Sheet, unfolded
from gradtool.report.entries import (
    LISTED,
    LISTED_POINTS,
    MOST_REMEDIES,
    autodiff_text,
    chosen,
    formula_lines,
    norm_text,
    power_line,
    symbolic_text,
    verdict_word,
)
from gradtool.report.numbers import (
    WRITTEN_OUT,
    value_text,
    with_bar,
)
from gradtool.report.steps import step_lines
from gradtool.report.sweep import Line, lines_for
from gradtool.terminal import Terminal
from gradtool.values import flat, shape_text
from gradtool.verdict.record import CheckRecord, Entry, worst
from gradtool.verdict.stretches import remedies
from gradtool.verdict.summary import along_directions, counts, total
from gradtool.verdict.words import ulps

__all__ = ["write"]


def write(records: Iterable[CheckRecord], terminal: Terminal, seconds: float) -> None:
    """Write the report of one target (at one or several points) or the summary of a suite."""
    done = list(records)
    page = _Page(terminal)
    groups = [list(group) for _, group in groupby(done, key=lambda record: (record.name, record.target))]
    if len(groups) == 1:
        page.target(groups[0])
    else:
        page.suite(groups)
    page.last_line(done, seconds)


class _Page:
    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.sheet = Sheet(terminal)
        self.line = self.sheet.line

    # ---- one target

    def target(self, records: Sequence[CheckRecord]) -> None:
        """The full report of one target."""
        first = records[0]
        self.sheet.heading(first.target)
        if first.problems:
            self.sheet.problems(first.problems)
            return
        if first.failures and not first.versions:  # the witness was lost before it said anything
            self.remarks(records)
            self.line("")
            return
        for text in (*signature_lines(first), _heading(records)):
            self.line(text, indent=2)
        if not first.entries:
            self.remarks(records)
            return
        self.line("")
        swept = lines_for(records) if len(records) > LISTED_POINTS and not first.drawn else []
        if swept:
            self.stretches(records, swept)
        else:
            self.figures(records)
        self.line("")
        for text in (*formula_lines(first), *_sums(records), *callable_lines(first), *checker_lines(records)):
            self.line(text, indent=2)
        if not swept:
            self.remarks(records)
        self.steps(first)

    def stretches(self, records: Sequence[CheckRecord], lines: Sequence[Line]) -> None:
        """A sweep in sentences, and what to do about its faults."""
        for text, verdict in lines:
            self.line(text, self.terminal.style(verdict), indent=2)
        for remedy in remedies(records)[:MOST_REMEDIES]:
            self.line(f"→ {remedy}", indent=4)

    def steps(self, record: CheckRecord) -> None:
        """The chain rule node by node, if it was asked for."""
        if record.steps:
            self.line("")
            for before, text, style in step_lines(record, self.terminal):
                self.sheet.console.print(Text(before).append(text, style=style), soft_wrap=True)
            self.line("")

    def figures(self, records: Sequence[CheckRecord]) -> None:
        """The entries of the gradient; with several points, under a line for each."""
        rows, more = [], []
        asked = heads(records)
        for record in records:
            head = f"at {_point(record)}: {norm_text(record)}" if len(records) > 1 else ""
            listed, rest = chosen(record)
            for place, entry in enumerate(listed):
                cells = self._cells(record, entry)
                if asked:
                    cells.insert(4, (difference_text(record, entry), ""))
                rows.append(Row("" if place else head, cells))
            more += rest
        self.sheet.table(["by", "autodiff", "symbolic", "finite difference", *asked, "ulp", "verdict"], rows, FORMS)
        for text in more:
            self.line(text, indent=2)
        for entry in (entry for record in records for entry in record.entries if entry.whole):
            self.line(f"{entry.label}: {entry.reason}", indent=2)

    def _cells(self, record: CheckRecord, entry: Entry) -> list[Cell]:
        return [
            (self.terminal.glyphs(entry.label), ""),
            (autodiff_text(entry, record.dtype), ""),
            (symbolic_text(entry, record.dtype), ""),
            (self.terminal.glyphs(with_bar(entry.finite_difference, entry.finite_difference_bar)), ""),
            (ulps(entry.ulp), ""),
            _verdict(record, entry, self.terminal),
        ]

    def remarks(self, records: Sequence[CheckRecord]) -> None:
        """Reasons of what is not verified, warnings, and witnesses that failed; the same sentence only once."""
        said: list[Remark] = []
        for record in records:
            at = f" at {_point(record)}" if len(records) > 1 else ""
            for finding in record.findings:
                head = f"{finding.severity} {finding.code} {finding.where}{at}: {finding.message}"
                said.append((finding.severity, "\n".join([head, *below(finding)]), finding.remedy))
            said += [("error", f"no evidence: {failure.message}", failure.hint) for failure in record.failures]
        if power := power_line(entry for record in records for entry in record.entries):
            said.append(("", power, ""))
        self.sheet.remarks(said)

    # ---- a suite

    def suite(self, groups: Sequence[list[CheckRecord]]) -> None:
        """One line for each target, then what is to be said about those that are not verified."""
        listed = groups if len(groups) <= LISTED else [group for group in groups if not _fine(group)]
        if listed:
            asked = heads([record for group in groups for record in group])
            rows = [Row("", self._row(group, asked)) for group in listed]
            self.sheet.table(["target", "entries", "worst ulp", *asked, "verdict"], rows, FORMS)
            self.line("")
        if len(listed) < len(groups):
            self.line(f"{len(groups) - len(listed)} targets are verified and not listed; --format jsonl has them all.")
        for group in groups:
            if not _fine(group):
                self.line("")
                self.sheet.heading(group[0].name)
                self.sheet.problems(group[0].problems)
                self.remarks(group)
        self.line("")

    def _row(self, group: Sequence[CheckRecord], asked: Sequence[str]) -> list[Cell]:
        errors = [entry.ulp for record in group for entry in record.entries if entry.ulp is not None]
        found = counts(group)
        words = next(iter(found), worst([record.verdict for record in group]))
        codes = [code for record in group for code in _errors(record)] if words == "verified" else []
        words = verdict_word(group[0], words)
        name = self.terminal.glyphs(group[0].name)
        return [
            (name if cell_len(name) <= 60 else name[:57] + "...", ""),  # a name, not a figure
            (str(sum(entry.count for record in group for entry in record.entries)), ""),
            (ulps(max(errors, default=None)), ""),
            *((outcomes_text(group), "") for _ in asked),
            (", ".join([words, *codes]), self.terminal.style("error" if codes else words)),
        ]

    # ---- the end

    def last_line(self, records: Sequence[CheckRecord], seconds: float) -> None:
        """The counts and the time."""
        found = counts(records)
        good = (
            set(found) <= {"verified"}
            and not any(map(_errors, records))
            and not any(record.failures for record in records)
        )
        mark = self.terminal.glyphs("✓" if good else "✗")
        style = self.terminal.style("verified" if good else next(iter(found), "error"))
        failed = sum(len(record.failures) for record in records)
        without = f", {failed} without all the evidence" if failed else ""
        self.line(f"{mark} {total(records)}{without} ({seconds:.1f} s)", style)


def _folded(cells: Sequence[Cell]) -> list[list[Cell]]:
    return [[(part, style) for part in _fold(text)] for text, style in cells]


def _stacked(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The second and the third cell, autodiff and the exact number, one above the other: digit under digit."""
    first, autodiff, symbolic, *rest = _folded(cells)
    return [first, autodiff + symbolic, *rest]


def _fold(text: str) -> list[str]:
    """A head of two words, or a number and its bar, on two lines."""
    for gap in (" ± ", " +/- "):
        if gap in text:
            value, _, bar = text.partition(gap)
            return [value, f"{gap.strip()} {bar}"]
    return text.split(" ", 1) if text == "finite difference" else [text]


FORMS: Sequence[Arrangement] = (unfolded, _folded, _stacked)
"""A table is tried as it is, then with bars and long heads folded, then with exact numbers on lines of their own."""


def _heading(records: Sequence[CheckRecord]) -> str:
    first = records[0]
    version = first.versions.get(first.framework, "")
    parts = [f"{first.title} {version}".strip(), first.dtype]
    if first.callable:
        parts[:0] = [f"at {_point(first)}"] * bool(first.point)
    elif len(records) == 1:
        parts.insert(0, f"at {_point(first)}")
        if first.value is not None:
            parts.insert(1, _value(first))
    else:
        drawn = f" drawn from seed {first.seed}" if first.drawn else ""
        parts.insert(0, f"at {len(records)} points{drawn}")
    return ", ".join(parts)


def _point(record: CheckRecord) -> str:
    return place_text(record)


def _value(record: CheckRecord) -> str:
    """The value, or where it is a large array its shape."""
    if record.value is None or len(flat(record.value)) > WRITTEN_OUT:
        return f"f of shape {shape_text(record.shape)}"
    return f"f = {value_text(record.value, record.dtype)}"


def _sums(records: Sequence[CheckRecord]) -> list[str]:
    """Figures over all entries of a single point."""
    if len(records) > 1:
        return []
    return [text for text in (norm_text(records[0]), along_directions(records[0])) if text]


def _fine(group: Sequence[CheckRecord]) -> bool:
    return all(
        record.verdict == "verified" and not record.problems and not record.failures and not _errors(record)
        for record in group
    )


def _verdict(record: CheckRecord, entry: Entry, terminal: Terminal) -> Cell:
    """The word, in its colour."""
    word = verdict_word(record, entry.verdict)
    return word, terminal.style(word)


def _errors(record: CheckRecord) -> list[str]:
    """The codes of what is amiss."""
    return list(dict.fromkeys(finding.code for finding in record.findings if finding.severity == "error"))
