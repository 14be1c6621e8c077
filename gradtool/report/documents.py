"""What every JSON report is written by: plain types as a document, or on one line."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gradtool.evidence import Failure
from gradtool.terminal import Terminal

__all__ = ["document", "failures", "line"]


def document(told: object, terminal: Terminal) -> None:
    """Indented, and in ASCII where the terminal's encoding has no more. Raises ValueError at NaN and infinities."""
    terminal.stream.write(json.dumps(told, indent=2, allow_nan=False, ensure_ascii=not terminal.unicode) + "\n")


def line(told: object, terminal: Terminal) -> None:
    """The same on one line, which is there at once."""
    terminal.stream.write(json.dumps(told, allow_nan=False, ensure_ascii=not terminal.unicode) + "\n")
    terminal.stream.flush()


def failures(found: Iterable[Failure]) -> list[dict[str, str]]:
    """Why a witness has no evidence, without what it printed."""
    return [{"witness": f.witness, "reason": f.reason, "message": f.message, "hint": f.hint} for f in found]
