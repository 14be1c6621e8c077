"""Wraps a line to a width between words and after operators, never inside a number or a name."""

from __future__ import annotations

import re

from rich.cells import cell_len

__all__ = ["wrapped"]

_PIECE = re.compile(r"[^\s*/(),]*(?:\*\*|[*/(),])+\s*|\S[^\s*/(),]*\s*|\s+")


def wrapped(text: str, width: int) -> list[str]:
    """``text`` as lines of at most ``width`` cells; a piece that is longer than that stays whole."""
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        if line and cell_len(line) + cell_len(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]
