"""What PyTorch's room does for each experiment."""

from __future__ import annotations

from typing import Any

from gradtool.evidence import ModelEvidence, ModelRequest
from gradtool.witness.model.experiments import Experiments
from gradtool.witness.pytorch.causes.finders import Replay
from gradtool.witness.pytorch.model.accumulation import accumulated
from gradtool.witness.pytorch.model.clipping import clipped
from gradtool.witness.pytorch.model.descent import descent, stepped
from gradtool.witness.pytorch.model.parameters import Named
from gradtool.witness.pytorch.model.subject import Subject
from gradtool.witness.pytorch.model.training import born, trained
from gradtool.witness.pytorch.model.verification import verified

__all__ = ["room"]


def room(
    request: ModelRequest, one: Subject, rows: list[Named], optimizer: Any, evidence: ModelEvidence, replay: Replay
) -> Experiments:
    """The experiments on one model, ready to be run; ``replay`` runs a pass of it again."""
    return Experiments(
        size=sum(row.tensor.numel() for row in rows),
        clipped=lambda limit: clipped(rows, limit, evidence.norm),
        descent=lambda: descent(request.seed, one, rows, evidence),
        stepped=lambda: stepped(request.seed, one, rows, evidence),
        accumulated=lambda: accumulated(request, one, rows),
        verified=lambda: verified(request.seed, one, rows),
        trained=lambda: trained(request, one, rows, optimizer, replay),
        born=lambda step: born(step, rows, replay),
    )
