"""One fault of a training loop: a program whose guilty line carries the comment ``# <- here``, and healthy twins."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HERE", "LoopCase"]

HERE = "# <- here"


@dataclass(frozen=True)
class LoopCase:
    """``faulty`` and each of ``healthy`` stand behind ``start``; the finding is ``code`` with ``words`` in its text.

    ``severity`` is that of the finding, ``remedy`` a part of what to do.
    """

    name: str
    code: str
    words: str
    remedy: str
    faulty: str
    healthy: tuple[str, ...]
    severity: str = "error"
    start: str = ""
    beside: tuple[str, ...] = ()
    """Codes of errors that follow from the fault."""

    def line(self) -> str:
        """Where the finding points; empty where the fault has no line of its own."""
        lines = f"{self.start}{self.faulty}".splitlines()
        return next((f"model.py:{number}" for number, text in enumerate(lines, 1) if HERE in text), "")
