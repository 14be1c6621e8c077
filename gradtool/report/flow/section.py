"""What a report on a model is made of, before any format: sections of sentences, tables and curves."""

from __future__ import annotations

from dataclasses import dataclass

from gradtool.verdict.record import Finding

__all__ = ["Cell", "Curve", "Grid", "Report", "Section", "Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence, the severity in whose colour it is shown (or none), and what is said below it.

    ``code`` is a line of the user's program, which stands first below it; ``about`` the finding that is told.
    """

    text: str
    word: str = ""
    more: tuple[str, ...] = ()
    code: str = ""
    about: Finding | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a table: its text, a severity or none, or the length of a bar from 0 to 1 instead of a text.

    ``about`` are the findings whose codes stand in the text.
    """

    text: str
    word: str = ""
    bar: float | None = None
    about: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. Where it is narrow, the columns ``lead`` may stand on a line of their own above the others."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    lead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure that changes from step to step; NaN and infinity are told as such."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report: ``key`` names it for programs, ``title`` may be empty; told in that order."""

    key: str
    title: str = ""
    told: tuple[Told, ...] = ()
    curves: tuple[Curve, ...] = ()
    grid: Grid | None = None
    after: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All of it: what was looked at, in one line (``heading``), the sections, and the ``last`` line."""

    target: str
    heading: str
    sections: tuple[Section, ...]
    last: Told
