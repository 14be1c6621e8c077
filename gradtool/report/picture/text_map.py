"""The verdicts of a sweep as letters: on a line under the curves of one variable, or as a map of two."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence

from rich.cells import cell_len

from gradtool.report.picture.text_panel import painted
from gradtool.report.sweep import distinct, shortened
from gradtool.report.wrap import wrapped
from gradtool.terminal import Terminal
from gradtool.verdict.record import WORDS, CheckRecord
from gradtool.verdict.stretches import coordinate

__all__ = ["joined", "letters", "map_lines", "meanings"]

LETTERS: Mapping[str, str] = {
    "wrong": "W",
    "unstable": "U",
    "inconclusive": "?",
    "undefined": "-",
    "out_of_range": "R",
    "not_differentiable": "K",
    "verified": ".",
    "both_wrong": "W",
    "one_right": "1",
    "mismatch": "M",
    "convention": "C",
    "same_convention": "K",
    "rounding": ".",
    "same": ".",
}
"""One letter for each verdict of a check or a comparison: a K is a kink, a jump or a vertical tangent."""
ROWS = 24
"""So many lines at most for a map."""


def letters(
    words: Mapping[int, Sequence[str]],
    width: int,
    terminal: Terminal,
    blank: Container[str] = (),
    order: Sequence[str] = tuple(WORDS),
) -> str:
    """A line of ``width`` cells with the letter of the first verdict of ``order`` in each; ``blank`` are not shown."""
    found = [min(words[place], key=order.index) if words.get(place) else "" for place in range(width)]
    line = "".join(
        painted(LETTERS[word], terminal.style(word), terminal) if word and word not in blank else " " for word in found
    )
    return line.rstrip()


def meanings(verdicts: Collection[str], order: Sequence[str] = tuple(WORDS)) -> list[str]:
    """What the letters of these verdicts stand for, worst first."""
    return [f"{LETTERS[word]} {word}" for word in order if word in verdicts]


def joined(parts: Sequence[str], width: int) -> list[str]:
    """Short texts side by side, as many on a line as fit."""
    lines = [""]
    for part in parts:
        if lines[-1] and cell_len(lines[-1]) + 3 + cell_len(part) > width:
            lines.append("")
        lines[-1] += f"   {part}" if lines[-1] else part
    return [row for line in lines for row in wrapped(line, width)]


def map_lines(records: Sequence[CheckRecord], names: tuple[str, str], terminal: Terminal) -> list[str]:
    """A map of the verdicts, the first variable across and the second up, with axes and the letters' meanings."""
    placed = [record for record in records if names[0] in record.point]
    columns, rows = (sorted({coordinate(record, name) for record in placed}) for name in names)
    texts = distinct(rows)
    left = max(len(texts[rows[0]]), len(texts[rows[-1]]))
    room = max(terminal.width - left - 2, 8)
    width, height = min(room, len(columns) * max(min(room // len(columns), 2), 1)), min(ROWS, len(rows))
    grid: list[dict[int, list[str]]] = [{} for _ in range(height)]
    for record in placed:
        line = grid[rows.index(coordinate(record, names[1])) * height // len(rows)]
        first, stop = ((columns.index(coordinate(record, names[0])) + more) * width // len(columns) for more in (0, 1))
        for place in range(first, max(stop, first + 1)):
            line.setdefault(min(place, width - 1), []).append(record.verdict)
    edge = "│" if terminal.unicode else "|"
    labels = {0: texts[rows[0]], height - 1: texts[rows[-1]]}
    lines = [f"{' ' * left} {shortened(names[1], room, '..')}"]
    lines += [f"{labels.get(place, ''):>{left}} {edge}{letters(grid[place], width, terminal)}" for place in
              reversed(range(height))]  # fmt: skip
    ends = distinct(columns)
    low, high = ends[columns[0]], ends[columns[-1]]
    gap = " " * max(width - len(low) - len(high), 1)
    lines += [f"{' ' * (left + 2)}{low}{gap}{high}", f"{' ' * (left + 2)}{shortened(names[0], room, '..')}", ""]
    return lines + joined(meanings([record.verdict for record in placed]), terminal.width)
