"""What at a callable's own point asks for a cause: a gradient that is None or not finite, or that lacks a part."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gradtool.evidence import CallablePoint, Cause
from gradtool.values import Value, flat
from gradtool.witness.callable.subject import Floats
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.testimony import array_of

__all__ = ["Finder", "Sought", "asked_at", "sought"]


@dataclass(frozen=True, slots=True)
class Sought:
    """The causes that were found, and notes about what could not be looked at."""

    causes: list[Cause] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


Finder = Callable[[Any, Sequence[Floats], Wanted], Sought]
"""Runs a room's subject once more at its own point, with weights for its outputs, and looks for what is wanted."""


def asked_at(point: CallablePoint) -> Wanted:
    """What the gradient at the point leaves unexplained; ``cut`` where numbers of it contradict the function's own."""
    gradients = point.autodiff.gradients
    survey = point.autodiff.survey
    return Wanted(
        [name for name, gradient in gradients.items() if gradient is None],
        nonfinite=[name for name, gradient in gradients.items() if gradient is not None and not _is_finite(gradient)],
        loss=not _is_finite(point.autodiff.value),
        cut=bool(point.confirmed) or (survey is not None and bool(survey.wrong or survey.scaled)),
    )


def _is_finite(value: Value) -> bool:
    return all(map(math.isfinite, flat(value)))


def sought(subject: Any, point: CallablePoint, finder: Finder) -> tuple[CallablePoint, list[str]]:
    """The point with its causes, and notes. Cost: one gradient under the finders, and nothing where all is in order."""
    asked = asked_at(point)
    if not asked.fates():
        return point, []
    try:
        found = finder(subject, [array_of(weights) for weights in point.upstream], asked)
    except Exception as error:  # noqa: BLE001  # a finder that fails costs itself alone
        return point, [f"the causes could not be looked for: {type(error).__name__}: {error}"]
    return replace(point, causes=found.causes), found.notes
