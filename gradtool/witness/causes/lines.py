"""The user's line on which an operation was called, as a record."""

from __future__ import annotations

import linecache
from types import FrameType

from gradtool.evidence import CodeLine
from gradtool.witness.model.user_file import line_of, user_frame

__all__ = ["NOWHERE", "Spot", "code_line", "spot"]

Spot = tuple[str, int, str]
"""File, line number, function: what is kept of a frame while the program runs, since a frame keeps everything alive."""

NOWHERE: Spot = ("", 0, "")
"""The spot of what was not seen."""

TYPED = ("<stdin>", "<string>", "<console>", "<ipython-input")
"""Beginnings of the names of code that was typed or sent, and lies in no file."""


def spot(frame: FrameType | None) -> Spot:
    """The innermost of the user's frames on the stack that ends in ``frame``; cheap enough for every operation.

    Where there is none in a file, that of code that was typed.
    """
    own = user_frame(frame)
    if own is None:
        own = frame
        while own is not None and not own.f_code.co_filename.startswith(TYPED):
            own = own.f_back
    return NOWHERE if own is None else (own.f_code.co_filename, own.f_lineno, own.f_code.co_qualname)


def code_line(place: Spot) -> CodeLine:
    """The record of it, with the line's text where the file can be read; of typed code the function alone."""
    filename, number, function = place
    if not filename:
        return CodeLine()
    if filename.startswith(TYPED):
        return CodeLine(function="the code that was typed in" if function == "<module>" else function)
    text = linecache.getline(filename, number).strip()
    return CodeLine(line_of(filename, number), text, "" if function == "<module>" else function)
