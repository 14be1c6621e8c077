"""What TensorFlow's room does for each experiment."""

from __future__ import annotations

from typing import Any

from gradtool.evidence import ModelEvidence, ModelRequest
from gradtool.witness.model.experiments import Experiments
from gradtool.witness.tensorflow.causes.finders import SubjectFinders
from gradtool.witness.tensorflow.model.accumulation import accumulated
from gradtool.witness.tensorflow.model.clipping import clipped
from gradtool.witness.tensorflow.model.descent import descent, stepped
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.statistics import size_of
from gradtool.witness.tensorflow.model.subject import Subject
from gradtool.witness.tensorflow.model.training import born, trained
from gradtool.witness.tensorflow.model.verification import verified

__all__ = ["room"]


def room(
    request: ModelRequest, one: Subject, rows: list[Named], optimizer: Any, evidence: ModelEvidence,
    finders: SubjectFinders,
) -> Experiments:  # fmt: skip
    """The experiments on one model, ready to be run."""
    return Experiments(
        size=sum(size_of(row.tensor) for row in rows),
        clipped=lambda limit: clipped(rows, limit, evidence.norm),
        descent=lambda: descent(one, rows, evidence),
        stepped=lambda: stepped(one, rows, evidence),
        accumulated=lambda: accumulated(request.accumulate, one, rows),
        verified=lambda: verified(request.seed, one, rows),
        trained=lambda: trained(request, one, rows, optimizer, finders),
        born=lambda step: born(step, rows, finders),
    )
