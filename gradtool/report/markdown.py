"""The report as Markdown, for an issue, a pull request or a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from gradtool.report.against import difference_text, heads
from gradtool.report.against import lines as checker_lines
from gradtool.report.callables import callable_lines, place_text, signature_lines
from gradtool.report.causes import below
from gradtool.report.entries import chosen, derivative_name, upstream_line, verdict_word
from gradtool.report.graph import mermaid
from gradtool.report.markup import cell, code, plain
from gradtool.report.numbers import DIGITS, exact, float_text, with_bar
from gradtool.terminal import Terminal
from gradtool.verdict.record import CheckRecord, Finding
from gradtool.verdict.summary import total
from gradtool.verdict.words import ulps

__all__ = ["write"]


def write(records: Iterable[CheckRecord], terminal: Terminal, seconds: float) -> None:
    """A heading and a table for each target, its findings as a list, and the totals."""
    done = list(records)
    lines: list[str] = []
    for _, group in groupby(done, key=lambda record: (record.name, record.target)):
        lines += _section(list(group))
    lines.append(f"{total(done)} ({seconds:.1f} s)")
    terminal.stream.write("\n".join(terminal.glyphs(line) for line in lines) + "\n")


def _section(records: Sequence[CheckRecord]) -> list[str]:
    first = records[0]
    version = first.versions.get(first.framework, "")
    lines = [f"## {code(first.name)}", ""]
    if first.problems:
        return lines + [f"- error: {plain(problem.summary())}" for problem in first.problems] + [""]
    lines += [f"{first.title} {version}, {first.dtype}".replace(" ,", ","), ""]
    lines += [part for text in (*signature_lines(first), *callable_lines(first)) for part in (plain(text), "")]
    asked = heads(records)
    titles = ["at", "variable", "autodiff", "symbolic", "finite difference", *asked, "ulp", "verdict"]
    lines += [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for record in records:
        at = place_text(record).replace("|", "\\|")
        listed, rest = chosen(record)
        for entry in listed:
            digits = DIGITS[record.dtype]
            sides = f"{exact(entry.left, digits)} / {exact(entry.right, digits)}"
            symbolic = exact(entry.symbolic, digits) if entry.symbolic or not (entry.left or entry.right) else sides
            cells = [
                at,
                cell(entry.label),
                "-" if entry.autodiff is None else float_text(entry.autodiff, record.dtype),
                symbolic,
                with_bar(entry.finite_difference, entry.finite_difference_bar),
                *([difference_text(record, entry)] if asked else []),
                ulps(entry.ulp),
                f"**{verdict_word(record, entry.verdict)}**",
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines += [part for text in rest for part in ("", text)]
    lines.append("")
    lines += [
        f"- {code(derivative_name(name).replace('∂', 'd'))} = {code(formula)}"
        for name, formula in first.formulas.items()
    ]
    lines += [f"- {plain(text)}" for text in (upstream_line(first), *checker_lines(records)) if text]
    for record in records:
        lines += [line for finding in record.findings for line in _finding(finding)]
        lines += [f"- error: {plain(failure.message)}. {plain(failure.hint)}" for failure in record.failures]
    if first.steps:
        lines += ["", "```mermaid", *mermaid(first).splitlines(), "```"]
    return [*lines, ""]


def _finding(finding: Finding) -> list[str]:
    """With the line of the program that it is about."""
    head = f"- {finding.severity} {finding.code} {code(finding.where)}: {plain(finding.message)}"
    return [head, *(f"  - {code(text)}" for text in below(finding))]
