"""The symbolic witness: the exact walk first, then SymPy's formula, so that a slow formula never costs the truth."""

from __future__ import annotations

from collections.abc import Iterator

from gradtool.evidence import Record, Request, SampleRequest
from gradtool.witness.symbolic.derivative import derive
from gradtool.witness.symbolic.sample import sample
from gradtool.witness.symbolic.tracing import trace

__all__ = ["answer"]


def answer(record: Record) -> Iterator[Record]:
    """Points for a SampleRequest; Exact, the trace if asked, and then Formulas for a Request."""
    if isinstance(record, SampleRequest):
        yield sample(record)
    elif isinstance(record, Request):
        yield derive(record)
        if record.steps:
            yield trace(record)
        if not record.formula:
            return
        from gradtool.witness.symbolic.formula import differentiate  # noqa: PLC0415  # SymPy after the first answer

        yield differentiate(record)
