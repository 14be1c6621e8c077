"""What the command line names: an expression, or a suite of them from stdin or a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from gradtool.problem import Problem, ProblemError
from gradtool.settings import CheckSettings
from gradtool.target.suite import Target, Unreadable, read_suite, read_target

__all__ = ["read_targets"]

MAX_SUITE = 16 << 20
"""Bytes of a suite."""
MAX_LINES = 100_000


def read_targets(text: str, settings: CheckSettings) -> list[Target | Unreadable]:
    """The targets that the command line names: an expression, or those of stdin or a file."""
    if text == "-":
        return _suite(sys.stdin.buffer, "stdin", settings)
    if text.startswith("@"):
        path = Path(text[1:])
        try:
            with path.open("rb") as stream:
                return _suite(stream, text[1:], settings)
        except OSError as error:
            hint = "@FILE names a file of expressions, one a line"
            problem = Problem("suite", f"{path} can't be read: {error.strerror}", text, (1, len(text)), hint=hint)
            raise ProblemError(problem) from None
    return [read_target(text, settings)]


def _suite(stream: BinaryIO, origin: str, settings: CheckSettings) -> list[Target | Unreadable]:
    content = stream.read(MAX_SUITE + 1)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        hint = "save it as UTF-8, one expression a line"
        raise ProblemError(Problem("suite", f"{origin} is not UTF-8 text", hint=hint)) from None
    if len(content) > MAX_SUITE or len(lines) > MAX_LINES:
        why = f"it has more than {MAX_LINES} lines, or more than {MAX_SUITE >> 20} MiB"
        raise ProblemError(Problem("suite", f"{origin} is too large for one run", why=why, hint="split it"))
    found = read_suite(lines, origin, settings)
    if not found:
        hint = "write one expression a line, or a JSON object with the key expression"
        raise ProblemError(Problem("suite", f"there is no expression in {origin}", hint=hint))
    return found
