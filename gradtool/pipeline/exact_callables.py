"""What the symbolic witness says of a callable that was traced to an expression, point by point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from gradtool.evidence import Asked, CallableEvidence, CallablePoint, Record, Request
from gradtool.settings import CheckSettings
from gradtool.values import Value, flat, shape_of
from gradtool.verdict.callable import OWN

__all__ = ["Symbolic", "exactly"]


class Symbolic(Protocol):
    """Who can be asked for exact derivatives."""

    def ask(self, name: str, requests: Iterable[Asked]) -> Iterator[list[Record]]:
        """As ``witness.host.Host`` does."""


def exactly(evidence: CallableEvidence, settings: CheckSettings, host: Symbolic) -> list[tuple[str, list[Record]]]:
    """For each point the expression and what the symbolic witness says of it; empty where there is none."""
    asked = [_request(evidence, point, settings) for point in evidence.points]
    answers = host.ask("symbolic", [request for request in asked if request is not None])
    return [("", []) if request is None else (request.expression, next(answers)) for request in asked]


def _request(evidence: CallableEvidence, point: CallablePoint, settings: CheckSettings) -> Request | None:
    if not point.expressions:
        return None
    known = {**point.point, **point.constants}
    expression, upstream = point.expressions[0], point.upstream[0]
    if len(point.expressions) > 1:  # the weighed sum of several outputs is an expression itself
        names = [_free(f"upstream_{place}", known) for place in range(len(point.expressions))]
        known |= dict(zip(names, point.upstream, strict=True))
        terms = zip(names, point.expressions, point.upstream, strict=True)
        parts = [f"sum({name}*({text}))" if shape_of(weights) else f"{name}*({text})" for name, text, weights in terms]
        return Request(0, " + ".join(parts), known, list(point.point), evidence.witness, evidence.dtype, settings.seed,
                       formula=False)  # fmt: skip
    single = upstream if shape_of(upstream) or flat(upstream)[0] != 1 else None
    return Request(0, expression, known, list(point.point), evidence.witness, evidence.dtype, settings.seed,
                   formula=point.label == OWN, upstream=single)  # fmt: skip


def _free(name: str, taken: Mapping[str, Value]) -> str:
    while name in taken:
        name += "_"
    return name
