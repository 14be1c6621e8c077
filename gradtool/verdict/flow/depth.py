"""The depth profile: how the size of the gradient changes from the first layers to the last.

Sizes are l2 norms of the gradient at the outputs of modules, in the order of execution. What counts is the strongest
path near either end, so that branches which are scaled down on purpose (LayerScale, a residual branch that starts at
zero, LoRA) stay quiet. Only ratios are used: no scale of the loss changes them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradtool.evidence import Layer, ModelEvidence, Parameter
from gradtool.verdict.flow.groups import paths

__all__ = ["LEAST_POINTS", "DepthPoint", "DepthProfile", "depth_profile", "learning", "profile_of"]

LEAST_POINTS = 3
"""Fewer layers have no first and last end."""

LEAST_WINDOW, WINDOW_SHARE = 2, 6
"""The strongest of the first and of the last sixth of the points, and of two at least, is compared."""

TIE = 3
"""Steps alike to so many places of their decades are equally steep, whatever rounding says, and the first is named."""


@dataclass(frozen=True, slots=True)
class DepthPoint:
    """A layer's output: ``log_norm`` is log10 of its gradient's norm.

    ``gain`` is what the gradient is multiplied by on its way here from the next point; None at the last.
    """

    name: str
    kind: str
    place: int
    log_norm: float
    gain: float | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class DepthProfile:
    """The points in the order of execution, and how far the strongest path falls from the last of them to the first.

    ``fall`` is in decades, negative where the gradient grows; None for fewer than three points. ``steepest`` is the
    position in ``points`` of the output behind the steepest step of the strongest path, the layer that shrinks (or
    grows) the gradient most, and ``step`` what the gradient is multiplied by there. ``silent`` layers have a gradient
    of exactly zero or none, ``nonfinite`` ones NaN or infinity; neither is a point.
    """

    points: tuple[DepthPoint, ...]
    fall: float | None
    steepest: int | None
    step: float | None
    silent: tuple[str, ...] = ()
    nonfinite: tuple[str, ...] = ()

    @property
    def usual_gain(self) -> float | None:
        """The geometric mean of the gains from the last point to the first."""
        if len(self.points) < LEAST_POINTS:
            return None
        rise = self.points[0].log_norm - self.points[-1].log_norm
        return float(10.0 ** (rise / (len(self.points) - 1)))


def profile_of(evidence: ModelEvidence) -> DepthProfile:
    """The profile of the layers that a gradient has to get through."""
    return depth_profile(learning(evidence.layers, evidence.parameters))


def learning(layers: Sequence[Layer], parameters: Iterable[Parameter]) -> Sequence[Layer]:
    """The layers from the first that owns a trainable parameter with a gradient on: before it nothing learns.

    All of them where there is no such parameter. One that the model itself owns may be used anywhere, and one of a
    layer that was never called anywhere inside the nearest one around it that was.
    """
    first: dict[str, int] = {}
    for layer in layers:
        for path in paths(layer.name):
            first[path] = min(layer.place, first.get(path, layer.place))
    owners = {p.layer for p in parameters if p.trainable and p.gradient is not None}
    starts = (next((first[path] for path in reversed(paths(owner)) if path in first), 0) for owner in owners)
    start = min(starts, default=0)
    return [layer for layer in layers if layer.place >= start]


def depth_profile(layers: Iterable[Layer]) -> DepthProfile:
    """The profile of all modules but the model itself, containers included: measured so, it raised no false alarm."""
    ordered = sorted((layer for layer in layers if layer.name), key=lambda layer: layer.place)
    silent = tuple(layer.name for layer in ordered if not layer.gradient)
    nonfinite = tuple(layer.name for layer in ordered if layer.gradient and not math.isfinite(layer.gradient))
    sized = [(layer, _log(layer.gradient)) for layer in ordered]
    live = [(layer, log) for layer, log in sized if log is not None]
    logs = [log for _, log in live]
    gains: list[float | None] = [10.0 ** (here - beyond) for here, beyond in itertools.pairwise(logs)]
    points = tuple(
        DepthPoint(layer.name, layer.kind, layer.place, log, gain, layer.source)
        for (layer, log), gain in zip(live, [*gains, None], strict=False)
    )
    fall = _fall(logs)
    steepest, step = (None, None) if fall is None else _steepest(logs, fall)
    return DepthProfile(points, fall, steepest, step, silent, nonfinite)


def _log(gradient: float | None) -> float | None:
    """Its decimal logarithm, where it is a size."""
    return math.log10(gradient) if gradient and math.isfinite(gradient) else None


def _fall(logs: list[float]) -> float | None:
    if len(logs) < LEAST_POINTS:
        return None
    window = max(LEAST_WINDOW, len(logs) // WINDOW_SHARE)
    return max(logs[-window:]) - max(logs[:window])


def _steepest(logs: list[float], fall: float) -> tuple[int, float]:
    """Where the strongest path changes most, seen in the direction of the fall, and by which factor on the way back.

    Of a vanishing gradient the strongest so far, from the first point on, only rises towards the output, so the dip of
    a weak branch is no step of it; of an exploding one the same holds from the last point on.
    """
    strongest = logs[:]
    if fall > 0:
        for i in range(1, len(logs)):
            strongest[i] = max(strongest[i - 1], logs[i])
    else:
        for i in range(len(logs) - 2, -1, -1):
            strongest[i] = max(strongest[i + 1], logs[i])
    most = max(range(1, len(logs)), key=lambda i: round(abs(strongest[i] - strongest[i - 1]), TIE))
    on_path = next(i for i in range(most, len(logs)) if logs[i] >= strongest[most])
    return on_path, 10.0 ** (strongest[most - 1] - strongest[most])
