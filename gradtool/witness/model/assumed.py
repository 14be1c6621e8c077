"""What was found and what was inferred, gathered on the way, so that nothing is assumed in silence."""

from __future__ import annotations

from gradtool.evidence import Assumed

__all__ = ["Assumptions"]


class Assumptions:
    """The lines of the ``assumed`` block, in the order in which they were settled; a later line replaces its like."""

    def __init__(self) -> None:
        self._rows: dict[str, Assumed] = {}

    def add(self, what: str, value: str, why: str, flag: str = "") -> None:
        """Say that ``what`` is ``value``, and ``why``; ``flag`` is what would change it."""
        self._rows[what] = Assumed(what, value, why, flag)

    def rows(self) -> list[Assumed]:
        """Everything said so far."""
        return list(self._rows.values())
