"""What is tried on a model beside its one forward and backward pass, in an order in which nothing disturbs the next.

Training comes last: it is the only one that leaves the weights changed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from gradtool.evidence import (
    Accumulated,
    Cause,
    Clipped,
    Descent,
    ModelEvidence,
    ModelRequest,
    Progress,
    Record,
    Stepped,
    Survey,
    TrainingStep,
)
from gradtool.witness.model.conventions import LARGE

__all__ = ["Experiments", "experiments"]

Trained = Generator[Record, None, tuple[list[TrainingStep], TrainingStep | None]]


@dataclass(frozen=True, slots=True)
class Experiments:
    """How a framework does each; ``size`` counts the numbers in the model."""

    size: int
    clipped: Callable[[float], Clipped]
    descent: Callable[[], Descent | None]
    stepped: Callable[[], Stepped | None]
    accumulated: Callable[[], Accumulated]
    verified: Callable[[], Survey]
    trained: Callable[[], Trained]
    born: Callable[[TrainingStep], list[Cause]] = lambda _: []
    """Where the first number that is not finite was born in the last training step."""


def experiments(
    request: ModelRequest, room: Experiments, evidence: ModelEvidence
) -> Generator[Record, None, ModelEvidence]:
    """The evidence with everything that was asked for; progress on the way.

    What is known is handed on before everything that takes long, so that this costs only itself if it takes too long.
    """
    if request.clip is not None:
        evidence = replace(evidence, clipped=room.clipped(request.clip))
    if room.size <= LARGE:
        evidence = replace(evidence, descent=room.descent(), stepped=room.stepped())
    else:
        told = f"no step along -g was tried, since the model has more than {LARGE:,} numbers; --verify tests more"
        evidence = replace(evidence, notes=[*evidence.notes, told])
    if request.accumulate > 1:
        yield evidence
        yield Progress(request.key, f"{request.accumulate} micro-batches against the full batch")
        evidence = replace(evidence, accumulated=room.accumulated())
    if request.verify:
        yield evidence
        yield Progress(request.key, "integrating the gradient along random directions")
        evidence = replace(evidence, verified=room.verified())
    if request.steps:
        yield evidence
        steps, after = yield from room.trained()
        evidence = replace(evidence, steps=steps, after=after)
        if steps and steps[-1].nonfinite and not any(cause.fate in {"nan", "inf"} for cause in evidence.causes):
            evidence = replace(evidence, causes=[*evidence.causes, *room.born(steps[-1])])
    return evidence
