"""What is kept of the user's own training while it is watched."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from gradtool.evidence import Cause, Clipped, Head, Incident, Layer, Optimizer, Parameter, Stepped, TrainingStep
from gradtool.witness.pytorch.model.parameters import Named

__all__ = ["Observed"]


@dataclass(slots=True)
class Observed:
    """What one iteration of the user's own training left behind."""

    loss: float = 0.0
    source: str = ""
    backwards: int = 0
    models: dict[str, nn.Module] = field(default_factory=dict)
    rows: list[Named] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    norm: float = 0.0
    nonfinite: str = ""
    batch: int = 0
    optimizer: Optimizer | None = None
    steps: list[TrainingStep] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    head: Head | None = None
    clipped: Clipped | None = None
    notes: list[str] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    cut: bool = False
    """Whether something that autograd had lost on the way came back into what it follows."""
    causes: list[Cause] = field(default_factory=list)
    next_loss: float | None = None
    """That of the second step, where its backward pass was seen to begin."""
    zeroed: bool | None = None
    """Whether the gradients were cleared before the next backward pass; None where there was none."""

    @property
    def stepped(self) -> Stepped | None:
        """What the script's own first step led to."""
        after = self.steps[1].loss if len(self.steps) > 1 else self.next_loss
        return None if after is None or not self.steps else Stepped(self.steps[0].loss, after, same=False)
