"""The accuracy of every operation for programs: one document, with the worst spot of each row and word.

The schema lies beside this file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from gradtool.report import documents
from gradtool.report.accuracy.cells import command
from gradtool.report.json import entry, number
from gradtool.terminal import Terminal
from gradtool.verdict.compare.accuracy import Accuracy, Spot, accuracy, causes
from gradtool.verdict.compare.record import CompareRecord
from gradtool.verdict.record import CheckRecord

__all__ = ["SCHEMA", "write"]

SCHEMA = "gradtool.accuracy/1.0"


def write(records: Iterable[CompareRecord | CheckRecord], terminal: Terminal, seconds: float) -> None:
    """The date, the versions, and one object for each operation and dtype; numbers that are not finite as texts."""
    rows = accuracy(records)
    checks = [check for row in rows if row.worst for check in row.worst.checks]
    document = {
        "schema": SCHEMA,
        "date": str(dt.datetime.now(tz=dt.UTC).date()),
        "versions": {name: version for check in checks for name, version in check.versions.items()},
        "seconds": float(f"{seconds:.1f}"),
        "operations": [_row(row) for row in rows],
    }
    documents.document(document, terminal)


def _row(row: Accuracy) -> Mapping[str, Any]:
    """An error in ulp is "inf" where a framework gives NaN or infinity for a number."""
    frameworks = [check.framework for check in row.worst.checks] if row.worst else []
    return {
        "operation": row.name,
        "expression": row.expression,
        "dtype": row.dtype,
        "points": row.points,
        "ulp": {name: number(error) for name, error in zip(frameworks, row.errors, strict=False)},
        "verdict": row.verdict,
        "counts": dict(row.counts),
        "right": dict(row.right),
        "spots": {word: _spot(spot) for word, spot in row.spots.items()},
        "failures": [{"message": m, "hint": hint, "points": count} for (m, hint), count in row.failures.items()],
        "seconds": round(row.seconds, 3),
    }


def _spot(spot: Spot) -> Mapping[str, Any]:
    return {
        "at": dict(spot.checks[0].at),
        "label": spot.label,
        "verdict": spot.verdict,
        "reason": spot.reason,
        "causes": causes(spot),
        **{check.framework: entry(one) for check, one in zip(spot.checks, spot.entries, strict=True)},
        "command": command(spot),
    }
