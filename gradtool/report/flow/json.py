"""The report on a model for programs: one JSON document, or the same on one line. The schema lies beside this file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from gradtool.evidence import ModelEvidence
from gradtool.report import documents
from gradtool.settings import FlowView
from gradtool.terminal import Terminal
from gradtool.verdict.flow.record import FlowRecord

__all__ = ["SCHEMA", "jsonable", "plain", "write", "write_line"]

SCHEMA = "gradtool.flow/1.0"

TOLD_ABOVE = ("key", "framework", "version", "seed")
"""Fields of the evidence that stand in the record itself."""


def write(record: FlowRecord, terminal: Terminal, view: FlowView) -> None:
    """One document, always with all there is."""
    del view
    documents.document(plain(record), terminal)


def write_line(record: FlowRecord, terminal: Terminal, view: FlowView) -> None:
    """One line."""
    del view
    documents.line(plain(record), terminal)


def plain(record: FlowRecord) -> dict[str, Any]:
    """The record as JSON's own types; numbers that are not finite become "nan", "inf" and "-inf"."""
    found = record.evidence
    return {
        "schema": SCHEMA,
        "target": record.target,
        "framework": record.framework,
        "versions": {} if found is None else {found.framework: found.version},
        "seed": record.seed,
        "evidence": None if found is None else _evidence(found),
        "findings": [jsonable(finding) for finding in record.findings],
        "checklist": [jsonable(item) for item in record.checklist],
        "failures": documents.failures(record.failures),
        "problems": [
            {"code": p.code, "message": p.message, "span": list(p.span) if p.span else None, "hint": p.hint}
            for p in record.problems
        ],
        "seconds": round(record.seconds, 6),
        "command": record.command,
    }


def _evidence(evidence: ModelEvidence) -> dict[str, Any]:
    fields: dict[str, Any] = jsonable(evidence)
    return {name: value for name, value in fields.items() if name not in TOLD_ABOVE}


def jsonable(value: Any) -> Any:
    """A record as an object with its fields, sequences as arrays, numbers that are not finite as words."""
    if dataclasses.is_dataclass(value):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: jsonable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
