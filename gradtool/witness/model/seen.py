"""What is kept of one layer over all of its calls, and the record that is made of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Layer
from gradtool.witness.model.activations import Activation
from gradtool.witness.model.figures import Figures, Numbers, largest

__all__ = ["Seen", "told_apart"]


@dataclass(slots=True)
class Seen:
    """One layer, or one function called inside a layer. ``place`` is its turn among those that ran.

    A unit is an entry of the last axis; of outputs with at least ``channels_from`` axes an entry of axis 1, a channel.
    """

    kind: str
    place: int
    inner: bool
    source: str
    activation: Activation | None = None
    channels_from: float = math.inf
    graded: bool = True
    """Whether a graph was recorded; a call without one gives way to one with it, and never adds to it."""
    calls: int = 0
    shape: tuple[int, ...] = ()
    forward: list[Figures] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    """The norms that came back, in the order of the calls."""
    dead: NDArray[Any] | None = None
    saturated: float = 0.0
    samples: int = 0
    axis: int = 0
    nonfinite: int = 0

    def look(self, value: Numbers, known: Figures) -> None:
        """Take in the output of one more call, in its own shape, whose figures are ``known``."""
        self.calls += 1
        self.shape = value.shape
        # A vector has no axis of samples: each call is one.
        self.samples = max(self.samples, self.shape[0]) if len(self.shape) > 1 else self.calls
        if not value.size:
            return
        self.forward.append(known)
        if not math.isfinite(known.norm):
            self.nonfinite += int(value.size - np.isfinite(value).sum())
        if self.activation is not None:
            self._judge(self.activation, value)

    def _judge(self, row: Activation, value: Numbers) -> None:
        self.axis = value.shape[row.axis] if row.axis is not None and value.ndim else 0
        if row.flat is not None:
            low, high = row.flat
            self.saturated = max(self.saturated, float(((value <= low) | (value >= high)).mean()))
        if row.dies:
            silent = self._silent(value)
            self.dead = silent if self.dead is None or self.dead.shape != silent.shape else self.dead & silent

    def _silent(self, value: Numbers) -> NDArray[Any]:
        """Which units are 0 for every sample."""
        unit = 1 if value.ndim >= self.channels_from else value.ndim - 1
        others = tuple(axis for axis in range(value.ndim) if axis != unit)
        return np.asarray((value == 0).all(axis=others) if others else value == 0)

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
            rms=largest(rms),
            least=min((one.least for one in self.forward), default=0.0),
            largest=largest([one.largest for one in self.forward]),
            nonfinite=self.nonfinite,
            gradient=largest(self.gradients) if self.gradients else None,
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


def told_apart(rows: Iterable[tuple[str, Seen]]) -> Iterator[tuple[str, Seen]]:
    """The second of a name becomes ``relu_2``, and so on."""
    count: Counter[str] = Counter()
    for name, seen in rows:
        count[name] += 1
        yield f"{name}_{count[name]}" if count[name] > 1 else name, seen
