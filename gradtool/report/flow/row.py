"""One row of the table: the figures of a parameter's gradient, or of all the gradients in a module taken together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradtool.evidence import Parameter, Statistics, Weights
from gradtool.values import shape_text
from gradtool.verdict.flow.groups import paths
from gradtool.verdict.record import Finding

__all__ = ["SEVERITIES", "Places", "Row", "places", "row", "rows_together", "worst_first"]

SEVERITIES = ("error", "warning", "note", "")
"""The worst first; the last one is that of a row without findings."""

Places = Mapping[str, Sequence[Finding]]
"""The findings by the parameter or layer that they name."""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures over ``count`` numbers of the gradients of ``parameters``; None where there is no gradient at all.

    ``scale`` is the root mean square of the weights, ``squares`` the mean of the gradient's squares. ``flags`` say
    what is to be seen at this place, ``word`` is the severity of the worst finding there.
    """

    name: str
    shape: str
    parameters: int
    count: int
    norm: float | None
    largest: float | None
    zeros: int
    nan: int
    inf: int
    scale: float | None
    mean: float | None
    mean_size: float | None
    flags: tuple[str, ...]
    word: str
    findings: tuple[Finding, ...] = ()
    """Those at this place, where it is that of one parameter."""

    @property
    def rms(self) -> float | None:
        """The gradient's root mean square."""
        return None if self.norm is None or not self.count else self.norm / math.sqrt(self.count)

    @property
    def ratio(self) -> float | None:
        """The gradient's root mean square over that of the weights; None where the weights are all 0."""
        return None if self.rms is None or not self.scale else self.rms / self.scale

    @property
    def deviation(self) -> float | None:
        """The standard deviation of the gradient's numbers, where their mean is known."""
        if self.mean is None or self.rms is None:
            return None
        return math.sqrt(max(self.rms**2 - self.mean**2, 0.0))


def places(findings: Sequence[Finding]) -> Places:
    """The findings by each name that stands in their ``where``, and by the parameters that they strike."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        for name in dict.fromkeys([*finding.where.split(", "), *finding.parameters]):
            found.setdefault(name, []).append(finding)
    return found


def row(parameter: Parameter, known: Places) -> Row:
    """The row of one parameter."""
    named = dict.fromkeys([parameter.name, *filter(None, paths(parameter.layer))])  # a module stands for all in it
    there = [finding for name in named for finding in known.get(name, ())]
    findings = tuple(finding for place, finding in enumerate(there) if finding not in there[:place])
    own = parameter.gradient
    return Row(
        name=parameter.name,
        shape=shape_text(parameter.shape),
        parameters=1,
        count=own.count if own else 0,
        norm=own.norm if own else None,
        largest=own.largest if own else None,
        zeros=own.zeros if own else 0,
        nan=own.nan if own else 0,
        inf=own.inf if own else 0,
        scale=_rms(parameter.weights) if own else None,
        mean=own.mean if own else None,
        mean_size=own.mean_size if own else None,
        flags=(*dict.fromkeys(finding.code for finding in findings), *_states(parameter)),
        word=min((finding.severity for finding in findings), key=SEVERITIES.index, default=""),
        findings=findings,
    )


def _states(parameter: Parameter) -> list[str]:
    """What is peculiar about a gradient, without a judgement."""
    own = parameter.gradient
    if own is None:
        return ["none" if parameter.trainable else "frozen"]
    told = [] if parameter.trainable else ["frozen"]
    if own.count and own.zeros == own.count:
        told.append("zero")
    if parameter.all_rows:
        told.append(f"{parameter.rows:,} of {parameter.all_rows:,} rows")
    return told


def _rms(statistics: Statistics | Weights) -> float | None:
    return statistics.norm / math.sqrt(statistics.count) if statistics.count else None


def rows_together(name: str, rows: Sequence[Row]) -> Row:
    """The row of a module: figures over all numbers of its gradients, and how often each flag stands in it."""
    if len(rows) == 1:
        return rows[0]
    alive = [own for own in rows if own.norm is not None]
    count = sum(own.count for own in alive)
    flags = Counter(_kind(flag) for own in rows for flag in own.flags)
    return Row(
        name=name,
        shape=f"{len(rows):,} tensors",
        parameters=len(rows),
        count=count,
        norm=_whole([own.norm for own in alive]),
        largest=max((own.largest for own in alive if own.largest is not None), key=_size, default=None),
        zeros=sum(own.zeros for own in alive),
        nan=sum(own.nan for own in alive),
        inf=sum(own.inf for own in alive),
        scale=_mean([(own.scale and own.scale**2, own.count) for own in alive], root=True),
        mean=_mean([(own.mean, own.count) for own in alive]),
        mean_size=_mean([(own.mean_size, own.count) for own in alive]),
        flags=tuple(flag if times == len(rows) else f"{times} {flag}" for flag, times in flags.items()),
        word=min((own.word for own in rows), key=SEVERITIES.index),
    )


def _kind(flag: str) -> str:
    return "sparse" if flag.endswith(" rows") else flag


def _size(value: float) -> float:
    """NaN above everything."""
    return math.inf if math.isnan(value) else value


def _whole(norms: Sequence[float | None]) -> float | None:
    known = [norm for norm in norms if norm is not None]
    return (math.nan if any(map(math.isnan, known)) else math.hypot(*known)) if known else None


def _mean(parts: Sequence[tuple[float | None, int]], *, root: bool = False) -> float | None:
    """The mean of means, each over so many numbers; None where one is missing."""
    known = [(value, count) for value, count in parts if value is not None]
    whole = sum(count for _, count in known)
    if not whole or len(known) < len(parts):
        return None
    mean = sum(value * count for value, count in known) / whole
    return math.sqrt(mean) if root else mean


def worst_first(rows: Sequence[Row]) -> list[Row]:
    """Rows with the worst findings first, then what is no number, what is missing, and the smallest gradients."""

    def rank(own: Row) -> tuple[int, bool, bool, float]:
        broken = bool(own.nan or own.inf)
        return SEVERITIES.index(own.word), not broken, own.norm is not None, 0.0 if broken else own.rms or 0.0

    return sorted(rows, key=rank)
