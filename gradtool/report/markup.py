"""Text as Markdown that reads as it was written, whatever signs it holds."""

from __future__ import annotations

import re

from gradtool.problem import printable

__all__ = ["cell", "code", "plain"]


def code(text: str) -> str:
    """Text as a code span, whatever backticks it holds."""
    clean = printable(text)
    longest = max((len(run) for run in re.findall("`+", clean)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{clean}{pad}{fence}"


def cell(text: str) -> str:
    """A code span in a table, where a bar would end the cell."""
    return code(text).replace("|", "\\|")


def plain(text: str) -> str:
    """Text in which Markdown sees no markup."""
    return re.sub(r"([\\*_`|<>\[\]#])", r"\\\1", printable(text))
