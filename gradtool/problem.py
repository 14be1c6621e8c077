"""What is told to a person when something can't be done: the problem, shown in their own text, and the exit codes."""

from __future__ import annotations

import enum
import textwrap
import unicodedata
from dataclasses import dataclass

__all__ = ["ExitCode", "Problem", "ProblemError", "printable"]


class ExitCode(enum.IntEnum):
    """What the shell is told. A suite exits with 1 before 2 before 3."""

    OK = 0
    FINDING = 1
    UNUSABLE = 2
    NO_VERDICT = 3
    BUG = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: ``message`` says what, ``span`` where in ``source``, ``why`` and ``hint`` the rest.

    ``span`` counts characters of ``source``, end exclusive. ``origin`` names the place the text came from when it was
    not the command line, such as ``suite.txt:3``. ``detail`` is the traceback of what the user's own code raised.
    """

    code: str
    message: str
    source: str = ""
    span: tuple[int, int] | None = None
    why: str = ""
    hint: str = ""
    origin: str = ""
    detail: str = ""

    def lines(self, width: int = 80) -> list[str]:
        """The problem as plain text of at most ``width`` cells a line, the source cut to a window around the caret."""
        origin = f"{self.origin}: " if self.origin else ""
        told = _wrapped(f"error: {origin}{self.message}", width, "  ")
        if self.source and self.span is not None:
            told += _pointed(self.source, self.span, max(width - 10, 10))
        if self.why:
            told += _wrapped(f"  why: {self.why}", width, "    ")
        if self.hint:
            told += _wrapped(f"  hint: {self.hint}", width, "    ")
        return told

    def summary(self) -> str:
        """The problem in one line, for a cell of a table or a field of a record."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ProblemError(Exception):
    """Raised where work can't go on; carries every problem found so far and the exit code that follows."""

    def __init__(self, *problems: Problem, exit_code: ExitCode = ExitCode.UNUSABLE) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems
        self.exit_code = exit_code


def printable(text: str) -> str:
    """``text`` with every control character a blank, so that none reaches a terminal and places stay."""
    return "".join(char if char.isprintable() else " " for char in text)


def _cells(text: str) -> int:
    """Terminal cells that ``text`` takes: wide East Asian characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    clean = printable(text)
    return textwrap.wrap(
        clean, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _pointed(source: str, span: tuple[int, int], width: int) -> list[str]:
    """The part of ``source`` around ``span``, at most ``width`` cells and two ellipses, and carets under it."""
    clean = printable(source)
    start, stop = span[0], max(span[1], span[0] + 1)
    begin, end = start, min(stop, len(clean))
    while _cells(clean[begin:end]) > width and end > start + 1:
        end -= 1
    while _cells(clean[begin:end]) < width - 1 and (begin > 0 or end < len(clean)):
        if end < len(clean) and (begin == 0 or end - stop <= start - begin):
            end += 1
        else:
            begin -= 1
    before = ("..." if begin else "") + clean[begin:start]
    shown = before + clean[start:end] + ("..." if end < len(clean) else "")
    return [f"    {shown}".rstrip(), f"    {' ' * _cells(before)}{'^' * max(_cells(clean[start : min(stop, end)]), 1)}"]
