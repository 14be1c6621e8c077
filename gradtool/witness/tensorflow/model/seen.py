"""What is kept of one layer over all of its calls, and the record that is made of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtool.evidence import Layer
from gradtool.witness.tensorflow.model.activations import Activation, dead_units
from gradtool.witness.tensorflow.model.statistics import Figures

__all__ = ["Seen"]


@dataclass(slots=True)
class Seen:
    """One layer, or one function called inside a layer. ``place`` is its turn among those that ran."""

    kind: str
    place: int
    inner: bool
    source: str
    layer: Any = None
    activation: Activation | None = None
    calls: int = 0
    shape: tuple[int, ...] = ()
    forward: list[Figures] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    dead: np.ndarray[Any, Any] | None = None
    saturated: float = 0.0
    samples: int = 0
    axis: int = 0
    nonfinite: int = 0

    def look(self, value: np.ndarray[Any, Any], known: Figures) -> None:
        """Take in the output of one more call, whose figures are ``known``."""
        self.calls += 1
        self.shape = value.shape
        self.samples = max(self.samples, self.shape[0] if self.shape else 1)
        self.forward.append(known)
        if not math.isfinite(known.norm):
            self.nonfinite += int(value.size - np.isfinite(value).sum())
        if self.activation is not None and value.size:
            self._judge(self.activation, value)

    def _judge(self, row: Activation, value: np.ndarray[Any, Any]) -> None:
        self.axis = value.shape[row.axis] if row.axis is not None and value.ndim else 0
        if row.flat is not None:
            low, high = row.flat
            self.saturated = max(self.saturated, float(((value <= low) | (value >= high)).mean()))
        if row.dies:
            silent = dead_units(value, self.layer)
            self.dead = silent if self.dead is None or self.dead.shape != silent.shape else self.dead & silent

    def layer_record(self, name: str) -> Layer:
        """The record, of several calls that of the strongest."""
        count = max(math.prod(self.shape), 1)
        rms = [one.norm / count**0.5 for one in self.forward]
        several = self.calls > 1
        return Layer(
            name=name or self.kind,
            kind=self.kind,
            place=self.place,
            calls=self.calls,
            shape=self.shape,
            inner=self.inner,
            rms=_largest(rms),
            least=min((one.least for one in self.forward), default=0.0),
            largest=_largest([one.largest for one in self.forward]),
            nonfinite=self.nonfinite,
            gradient=_largest(self.gradients) if self.gradients else None,
            activation=self.activation.name if self.activation else "",
            units=0 if self.dead is None else self.dead.size,
            dead=0 if self.dead is None else int(self.dead.sum()),
            samples=self.samples,
            saturated=self.saturated,
            axis=self.axis,
            source=self.source,
            first_rms=rms[0] if several and rms else None,
            last_gradient=self.gradients[-1] if several and self.gradients else None,
        )


def _largest(values: Sequence[float]) -> float:
    """The largest; NaN if one of them is."""
    return math.nan if any(map(math.isnan, values)) else max(values, default=0.0)
