"""One row of the catalogue of findings."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: ``severity`` is error, warning or note, the worst that the rule finds; a note changes no exit code."""

    code: str
    name: str
    severity: str
    title: str
    why: str
    remedy: str
