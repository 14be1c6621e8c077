"""A sweep by both frameworks as numbers that can be drawn."""

from __future__ import annotations

from collections.abc import Sequence

from gradtool.report.picture.series import Sample, derived, drawable, samples
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.stretches import along, coordinate

__all__ = ["largest_errors", "of_each", "swept_one", "verdicts"]


def swept_one(records: Sequence[CompareRecord]) -> tuple[str, str]:
    """The one variable that is swept, and the label of the derivative to draw. Raises ProblemError at two of them."""
    first = [record.sides[0] for record in records]
    (name,) = drawable(first, most=1)
    return name, derived(first, name)[0]


def of_each(records: Sequence[CompareRecord], variable: str) -> tuple[list[Sample], list[Sample]]:
    """The points of the sweep as each framework has them, lowest first."""
    one, two = (samples([record.sides[place] for record in records], variable) for place in (0, 1))
    return one, two


def largest_errors(sweep: Sequence[Sample]) -> list[tuple[float, float]]:
    """The largest error at each point, by whichever variable; infinite where a derivative is no number."""
    return [(sample.x, max(sample.errors.values())) for sample in sweep if sample.errors]


def verdicts(records: Sequence[CompareRecord], variable: str) -> list[tuple[float, str]]:
    """The verdict of the comparison at each point, lowest first."""
    return [(coordinate(record, variable), record.verdict) for record in along(records, variable)]
