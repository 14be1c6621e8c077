"""A panel of a picture in the terminal: lines and signs in places between 0 and 1, as rows of characters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from plotille import Canvas

from gradtool.report.picture.scale import Scale
from gradtool.terminal import Terminal

__all__ = ["Mark", "Panel", "Spot", "cell", "painted"]

Spot = tuple[float, float]
Mark = tuple[float, float, str]
"""A place across, a place up, and a sign."""

LINE = "yellow"
SIGNS = {"o": "cyan", "<": "green", ">": "green", "x": "bold red", "^": "bold red", "v": "bold red"}
"""The signs that stand for numbers, and their styles."""
CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "magenta": "35", "cyan": "36"}


def painted(text: str, style: str, terminal: Terminal) -> str:
    """``text`` in a style such as ``bold red``, where the terminal has colour."""
    codes = ";".join(CODES[word] for word in style.split() if word in CODES)
    return f"\x1b[{codes}m{text}\x1b[0m" if terminal.colour and codes and text.strip() else text


def cell(place: float, count: int) -> int:
    """Which of ``count`` cells a place falls in."""
    return min(max(int(place * count), 0), count - 1)


@dataclass(frozen=True, slots=True)
class Panel:
    """What a panel shows. Signs cover lines, later signs cover earlier ones."""

    name: str
    level: Scale
    lines: Sequence[Sequence[Spot]]
    marks: Sequence[Mark]

    def labels(self, height: int) -> list[str]:
        """The text beside each row, the top one first."""
        rows = [""] * height
        for place, text in self.level.ticks(max(height // 2, 2)):
            rows[height - 1 - cell(place, height)] = text
        return rows

    def rows(self, width: int, height: int, terminal: Terminal) -> list[str]:
        """The panel in ``height`` rows of at most ``width`` characters, the top one first."""
        canvas = Canvas(width, height)
        for x, y in itertools.chain.from_iterable(_dense(line, width, height) for line in self.lines):
            canvas.point(_within(x), _within(y), marker=None if terminal.unicode else ".")
        for x, y, sign in self.marks:
            canvas.point(_within(x), _within(y), marker=sign)
        plain = str(canvas.plot("\n")).replace("\N{BRAILLE PATTERN BLANK}", " ").split("\n")
        return [_coloured(row.rstrip(), terminal) for row in plain]


def _dense(line: Sequence[Spot], width: int, height: int) -> list[Spot]:
    """A line as dots, at least one for each half column and each quarter of a row."""
    dots = list(line[:1])
    for (x, y), (end, top) in itertools.pairwise(line):
        steps = max(math.ceil(max(abs(end - x) * width * 2, abs(top - y) * height * 4)), 1)
        dots += [(x + (end - x) * step / steps, y + (top - y) * step / steps) for step in range(1, steps + 1)]
    return dots


def _within(place: float) -> float:
    """Inside the canvas, whose last dot stands short of 1."""
    return min(max(place, 0.0), 0.99)


def _coloured(row: str, terminal: Terminal) -> str:
    """Each run of the same kind in its colour."""
    runs = itertools.groupby(row, key=lambda char: SIGNS.get(char, LINE))
    return "".join(painted("".join(run), style, terminal) for style, run in runs)
