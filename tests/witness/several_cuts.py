"""The programs of tests/corpus/several_cuts_*: what they say of themselves, and what a cause tells of its lines."""

from __future__ import annotations

import re
from pathlib import Path

from gradtool.evidence import Cause

__all__ = ["healed", "lines_of", "marked"]

MARK = re.compile(r"^( *)\S.*?  # <- (first|behind|beside): (\w+) \| (.*)$", re.MULTILINE)

Line = tuple[str, str, str]
"""Where it stands, its kind, and the file with the line's number."""


def marked(text: str, file: str) -> list[Line]:
    """What the marks of the file's text say."""
    found = [(MARK.match(line), number) for number, line in enumerate(text.splitlines(), 1)]
    return [(mark[2], mark[3], f"{file}:{number}") for mark, number in found if mark]


def lines_of(cause: Cause) -> set[Line]:
    """What a cause tells, as the marks would."""
    further = {("behind" if cut.behind else "beside", cut.kind, Path(cut.line.source).name) for cut in cause.further}
    return {("first", cause.kind, Path(cause.line.source).name), *further}


def healed(text: str, most: int = 0) -> str:
    """The program with the first ``most`` marked lines mended, or all of them."""
    return MARK.sub(r"\1\4", text, count=most)
