"""What is kept of the user's own training while it is watched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gradtool.evidence import Cause, Clipped, Head, Incident, Layer, Optimizer, Parameter, Stepped, TrainingStep
from gradtool.witness.tensorflow.model.parameters import Named

__all__ = ["Observed"]


@dataclass(slots=True)
class Observed:
    """What one iteration of the user's own training left behind."""

    loss: float = 0.0
    losses: int = 0
    """Of how many losses ``loss`` is the sum."""
    source: str = ""
    backwards: int = 0
    models: dict[str, Any] = field(default_factory=dict)
    rows: list[Named] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    norm: float = 0.0
    optimizer: Optimizer | None = None
    steps: list[TrainingStep] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    head: Head | None = None
    clipped: Clipped | None = None
    notes: list[str] = field(default_factory=list)
    cut: bool = False
    """Whether tf.stop_gradient was called, or numbers left TensorFlow, while a tape recorded."""
    causes: list[Cause] = field(default_factory=list)
    mode: str = ""
    """``train`` or ``eval``, where a layer ran that behaves otherwise in training."""
    incidents: list[Incident] = field(default_factory=list)

    @property
    def stepped(self) -> Stepped | None:
        """What the script's own first step led to, where its next was seen."""
        return Stepped(self.steps[0].loss, self.steps[1].loss, same=False) if len(self.steps) > 1 else None
