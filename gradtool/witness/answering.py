"""What a framework's room answers to one request about an expression, whichever framework it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradtool.evidence import Record, Request
from gradtool.witness.checked import Tool, checked
from gradtool.witness.testimony import testify
from gradtool.witness.tracing import Tracer, trace

__all__ = ["answers"]


def answers(framework: Tracer, record: Record, checkers: Mapping[str, Tool]) -> Iterator[Record]:
    """The value and the derivatives of the expression in a Request, with finite differences.

    Then, if they are asked for, what the framework's own checker says, and the expression node by node.
    """
    if not isinstance(record, Request):
        return
    yield testify(framework, record)
    if record.against:
        yield checked(framework, record, checkers[record.against])
    if record.steps:
        yield trace(framework, record)
