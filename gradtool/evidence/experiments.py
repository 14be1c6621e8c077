"""The records of what is tried on a model beside its one forward and backward pass."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Accumulated", "Clipped", "Descent", "Digits", "Stepped", "TrainingStep"]


@dataclass(frozen=True, slots=True)
class Descent:
    """One small step along -g, undone afterwards: the loss before and after, and what the gradient promises."""

    step: float
    before: float
    after: float
    promised: float


@dataclass(frozen=True, slots=True)
class Stepped:
    """The loss before and after one step of the optimizer: undone afterwards, and ``same`` says, on the same batch.

    In a training script it is the script's own step, and the loss after it is that of the script's next batch.
    """

    before: float
    after: float
    same: bool


@dataclass(frozen=True, slots=True)
class Clipped:
    """Clipping to a global norm: that of before and after, and the framework's own figure for after."""

    limit: float
    before: float
    after: float
    own: float


@dataclass(frozen=True, slots=True)
class Accumulated:
    """The gradient of ``parts`` micro-batches against that of the full batch, as norms over all parameters.

    ``worst`` is the parameter with the largest relative difference; ``reasons`` are what is known to make one.
    """

    parts: int
    sizes: list[int]
    full: float
    summed: float
    difference: float
    worst: str = ""
    worst_difference: float = 0.0
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One optimizer step: the loss before it, the global norm before and after clipping, the largest update ratio.

    ``ratios`` are the root mean square of the update over that of the weights, by parameter. ``dead`` is the largest
    share of dead units of any layer, ``nonfinite`` the first parameter whose gradient is not finite. Where there are
    only a few numbers, ``point`` and ``gradient`` hold them by their labels.
    """

    step: int
    loss: float
    norm: float
    clipped: float | None = None
    ratio: float | None = None
    dead: float = 0.0
    nonfinite: str = ""
    point: dict[str, float] = field(default_factory=dict)
    gradient: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Digits:
    """How many decimal digits of a gradient survive in ``dtype``, against a run in float64: by parameter."""

    dtype: str
    parameters: dict[str, float]
    whole: float
