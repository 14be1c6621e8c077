"""What is told to a person when something can't be done: the problem, shown in their own text, and the exit codes."""

from __future__ import annotations

import enum
import unicodedata
from dataclasses import dataclass

__all__ = ["ExitCode", "Problem", "ProblemError"]


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
    not the command line, such as ``suite.txt:3``.
    """

    code: str
    message: str
    source: str = ""
    span: tuple[int, int] | None = None
    why: str = ""
    hint: str = ""
    origin: str = ""

    def lines(self, width: int = 80) -> list[str]:
        """The problem as lines of plain text, the source cut to a window of ``width`` cells around the caret."""
        told = [f"error: {self.origin + ': ' if self.origin else ''}{self.message}"]
        if self.source and self.span is not None:
            told += _pointed(self.source, self.span, max(width - 4, 20))
        if self.why:
            told.append(f"  why: {self.why}")
        if self.hint:
            told.append(f"  hint: {self.hint}")
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


def _cells(text: str) -> int:
    """Terminal cells that ``text`` takes: wide East Asian characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _pointed(source: str, span: tuple[int, int], width: int) -> list[str]:
    """The part of ``source`` around ``span`` and a line of carets under it."""
    clean = "".join(char if char.isprintable() else " " for char in source)
    start, stop = span
    begin = 0 if stop <= width else max(0, start - width // 2)
    end = min(len(clean), begin + width)
    before = ("..." if begin else "") + clean[begin:start]
    marked = clean[start : min(max(stop, start + 1), end)]
    after = clean[min(stop, end) : end] + ("..." if end < len(clean) else "")
    carets = "^" * max(_cells(marked), 1)
    return [f"    {before}{marked}{after}", f"    {' ' * _cells(before)}{carets}"]
