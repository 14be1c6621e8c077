"""The terminal as a parameter: where the report goes, how wide it is, whether it has colour, which glyphs it can show.

The report goes to stdout and nothing else does; progress, warnings and errors go to stderr.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from gradtool.problem import printable

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Progress", "Terminal", "terminal_for"]

PIPE_WIDTH = 100
"""Columns where the output is no terminal and COLUMNS does not say."""

_ASCII = {"±": "+/-", "✓": "ok:", "✗": "not ok:", "→": "->", "∂": "d", "│": "|", "├": "|", "└": "`", "─": "-", "µ": "u"}
_COLOURS: Mapping[str, str] = {
    "wrong": "bold red",
    "unstable": "bold magenta",
    "inconclusive": "yellow",
    "undefined": "yellow",
    "out_of_range": "yellow",
    "not_differentiable": "cyan",
    "verified": "green",
    "both_wrong": "bold red",
    "one_right": "bold red",
    "mismatch": "bold red",
    "convention": "cyan",
    "same_convention": "green",
    "rounding": "green",
    "same": "green",
    "differs": "bold red",
    "agrees": "green",
    "skipped": "yellow",
    "unreadable": "red",
    "error": "bold red",
    "warning": "yellow",
    "note": "dim",
}


@dataclass(frozen=True, slots=True)
class Terminal:
    """A place to write text to: ``width`` columns, ``colour`` or not, ``unicode`` or ASCII only."""

    stream: TextIO
    width: int
    colour: bool
    unicode: bool

    def glyphs(self, text: str) -> str:
        """``text`` with control characters blanked, and what this terminal lacks replaced by ASCII."""
        text = printable(text)
        if not self.unicode:
            for glyph, plain in _ASCII.items():
                text = text.replace(glyph, plain)
        return text

    def style(self, word: str) -> str:
        """The Rich style of a verdict or a severity; empty without colour."""
        return _COLOURS.get(word, "") if self.colour else ""

    def console(self) -> Console:
        """A Rich console that writes here; text is never read as markup."""
        from rich.console import Console  # noqa: PLC0415  # Rich only where something is drawn

        class Drawing(Console):
            def on_broken_pipe(self) -> None:
                raise BrokenPipeError  # Rich would end the program with exit code 1

        return Drawing(
            file=self.stream,
            width=self.width,
            force_terminal=self.colour,
            color_system="standard" if self.colour else None,
            no_color=not self.colour,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
        )


def terminal_for(stream: TextIO, color: str = "auto", environment: Mapping[str, str] = os.environ) -> Terminal:
    """What ``stream`` can show. Colour: ``color`` (auto, always, never), NO_COLOR, FORCE_COLOR, then whether a tty."""
    tty = stream.isatty()
    if color != "auto":
        colour = color == "always"
    elif environment.get("NO_COLOR"):
        colour = False
    else:
        colour = bool(environment.get("FORCE_COLOR")) or (tty and environment.get("TERM") != "dumb")
    columns = environment.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        width = int(columns)
    else:
        width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if tty else PIPE_WIDTH
    return Terminal(stream, max(width, 20), colour, _shows(stream, "".join(_ASCII)))


def _shows(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class Progress:
    """One line on stderr that says what is going on, only where stderr is a terminal; gone when the work is done."""

    def __init__(self, total: int = 0, stream: TextIO | None = None, doing: str = "checked") -> None:
        self.stream = stream or sys.stderr
        self.total = total
        self.doing = doing
        self._shown = ""
        self._alive = self.stream.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.say("")

    def say(self, text: str) -> None:
        """Replace the line by ``text``."""
        if self._alive and text != self._shown:
            self._shown = text
            text = text[: shutil.get_terminal_size().columns - 1]  # a wrapped line could not be erased
            print(f"\r\033[K{text}", end="", file=self.stream, flush=True)

    def count(self, done: int) -> None:
        """Say how many of the targets are done."""
        if self.total > 1:
            filled = 24 * done // self.total
            self.say(f"[{'#' * filled}{'.' * (24 - filled)}] {done} of {self.total} {self.doing}")
