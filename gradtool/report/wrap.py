"""Wraps a line to a width between words, in formulas also after operators, never inside a number or a name."""

from __future__ import annotations

import re

from rich.cells import cell_len

__all__ = ["wrapped"]

_WORD = re.compile(r"\S+\s*|\s+")
_PIECE = re.compile(r"[^\s*/(),]*(?:\*\*|[*/(),])+\s*|\S[^\s*/(),]*\s*|\s+")


def wrapped(text: str, width: int, *, formulas: bool = True) -> list[str]:
    """``text`` as lines of at most ``width`` cells; a piece that is longer than that stays whole.

    Without ``formulas`` there is no break after an operator, so that paths and calls stay whole.
    """
    lines, line = [], ""
    for piece in (_PIECE if formulas else _WORD).findall(text):
        if line and cell_len(line) + cell_len(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]
