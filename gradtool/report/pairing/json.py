"""The comparison of two models for programs: one JSON document, or one line. The schema lies beside this file."""

from __future__ import annotations

from typing import Any

from gradtool.evidence import ComparedLayer, ComparedParameter, Distance, PairEvidence
from gradtool.report import documents
from gradtool.report.flow.json import jsonable
from gradtool.terminal import Terminal
from gradtool.verdict.pairing.parting import agree, first_apart, limit, parts
from gradtool.verdict.pairing.record import ModelComparison
from gradtool.verdict.record import Finding

__all__ = ["SCHEMA", "plain", "write", "write_line"]

SCHEMA = "gradtool.compare-models/1.0"


def write(record: ModelComparison, terminal: Terminal, *, every: bool) -> None:
    """One document, always with all there is."""
    del every
    documents.document(plain(record), terminal)


def write_line(record: ModelComparison, terminal: Terminal, *, every: bool) -> None:
    """One line."""
    del every
    documents.line(plain(record), terminal)


def plain(record: ModelComparison) -> dict[str, Any]:
    """The record as JSON's own types; numbers that are not finite become "nan", "inf" and "-inf"."""
    found = record.evidence
    first = first_apart(found) if found else None
    return {
        "schema": SCHEMA,
        "target": record.target,
        "versions": {} if found is None else {side.framework: side.version for side in (found.left, found.right)},
        "dtype": record.dtype,
        "mode": record.mode,
        "seed": record.seed,
        "agree": None if found is None else agree(found),
        "first": None if first is None else {"left": first.left, "right": first.right},
        "evidence": None if found is None else _evidence(found),
        "findings": [_finding(finding) for finding in record.findings],
        "untold": record.untold,
        "code": {name: dict(texts) for name, texts in record.code.items()} or None,
        "failures": documents.failures(record.failures),
        "seconds": round(record.seconds, 6),
        "command": record.command,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """Without what only one model's gradients have."""
    return {name: value for name, value in jsonable(finding).items() if name not in {"parameters", "cause"}}


def _evidence(evidence: PairEvidence) -> dict[str, Any]:
    """Both sides, and every comparison with the distance that it may have."""
    fields: dict[str, Any] = jsonable(evidence)
    for side in ("left", "right"):
        del fields[side]["key"], fields[side]["written"]
    return {
        **{name: fields[name] for name in ("left", "right")},
        "parameters": [_parameter(evidence, one) for one in evidence.parameters],
        "layers": [_layer(evidence, one) for one in evidence.layers],
        "loss": _distances(evidence.loss),
        "values": fields["values"],
        "notes": fields["notes"],
        "seconds": fields["seconds"],
    }


def _parameter(evidence: PairEvidence, one: ComparedParameter) -> dict[str, Any]:
    return {**jsonable(one), "gradients": _distances(one.gradients), "apart": parts(evidence, one.gradients)}


def _layer(evidence: PairEvidence, one: ComparedLayer) -> dict[str, Any]:
    found = {"outputs": _distances(one.outputs), "gradients": _distances(one.gradients)}
    alone = [dict(zip(("side", "title", "source"), row, strict=True)) for row in one.alone]
    return {**jsonable(one), **found, "alone": alone, "apart": parts(evidence, one.outputs)}


def _distances(found: list[Distance]) -> list[dict[str, Any]]:
    return [{**jsonable(one), "limit": jsonable(limit(one))} for one in found]
