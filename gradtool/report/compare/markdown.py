"""The comparison as Markdown, for an issue, a pull request or a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from gradtool.report.compare.pairs import cells, chosen, heads, norms, remarks, versions
from gradtool.report.entries import derivative_name
from gradtool.report.markup import cell, code, plain
from gradtool.report.numbers import point_text
from gradtool.terminal import Terminal
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.compare.summary import agreement, total, untold, untold_value

__all__ = ["write"]


def write(records: Iterable[CompareRecord], terminal: Terminal, seconds: float) -> None:
    """A heading, a table and the sentences for each target, and the totals."""
    done = list(records)
    lines: list[str] = []
    for _, group in groupby(done, key=lambda record: (record.name, record.target)):
        lines += _section(list(group))
    if done and done[0].measured:
        from gradtool.report.compare.measured import markdown_lines  # noqa: PLC0415  # few runs need it

        lines += markdown_lines(done[0])
    lines.append(f"{total(done)} ({seconds:.1f} s)")
    terminal.stream.write("\n".join(terminal.glyphs(line) for line in lines) + "\n")
    if len(done) == 1 and done[0].code:
        from gradtool.report.programs.pair import markdown as programs  # noqa: PLC0415  # only with --code

        terminal.stream.write("\n" + programs(done[0].code))


def _section(records: Sequence[CompareRecord]) -> list[str]:
    first = records[0]
    lines = [f"## {code(first.name)}", ""]
    if first.problems:
        return lines + [f"- error: {plain(problem.summary())}" for problem in first.problems] + [""]
    lines += [f"{versions(first)}, {first.dtype}", ""]
    titles = ["at", *heads(first)]
    lines += [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    rest: list[str] = []
    for record in records:
        at = point_text(record.point, record.dtype, record.sides[0].at).replace("|", "\\|")
        listed, more = chosen(record)
        for pair in (*([record.value] if record.value else []), *listed):
            label, *numbers, verdict = cells(pair, record.dtype)
            exact = [text.replace(" | ", " / ") for text in numbers]
            lines.append(f"| {' | '.join([at, cell(label), *exact, f'**{verdict}**'])} |")
        rest += more
    lines += [part for text in rest for part in ("", text)]
    lines.append("")
    lines += [
        f"- {code(derivative_name(name).replace('∂', 'd'))} = {code(formula)}"
        for name, formula in first.sides[0].formulas.items()
    ]
    told = agreement(records)
    lines += [f"- {plain(text)}" for text in (*(norms(first) if len(records) == 1 else []), told) if text]
    for record in records:
        if not told or len(record.entries) > 1:
            lines += [f"- {verdict}: {plain(text)}" for verdict, text, _ in untold(record.entries)]
        lines += [f"- {verdict}: {plain(text)}" for verdict, text, _ in untold_value(record)]
        lines += [f"- {plain(head)}" for _, head, _ in remarks(record)]
    return [*lines, ""]
