"""The comparison for programs: records as JSON, one document or one line each. The schema lies beside this file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gradtool.report import json as check
from gradtool.terminal import Terminal
from gradtool.verdict.compare.record import CompareRecord, Pair

__all__ = ["SCHEMA", "plain", "write", "write_lines"]

SCHEMA = "gradtool.compare/1.0"

OF_BOTH = ("name", "target", "dtype", "seed", "point", "mode", "upstream", "formulas", "problems")
"""What the check of either side says, and is told once; the first one knows the formulas."""

OF_EACH = ("value", "norm", "asymmetry", "nan", "inf", "directions", "findings")
"""What is told of each side."""

EXACT = ("symbolic", "left", "right")
OF_ENTRY = (
    "autodiff", "unconnected", "finite_difference", "finite_difference_bar", "ulp", "power", "verdict", "reason",
)  # fmt: skip
"""What is told of each side of a derivative."""


def write(records: Iterable[CompareRecord], terminal: Terminal, seconds: float) -> None:
    """One document: the record itself where there is one, an array of records otherwise."""
    del seconds  # each record has its own
    found = [plain(record) for record in records]
    document = found[0] if len(found) == 1 else found
    terminal.stream.write(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=not terminal.unicode) + "\n")


def write_lines(records: Iterable[CompareRecord], terminal: Terminal, seconds: float) -> None:
    """One record a line, as they come."""
    del seconds
    for record in records:
        line = json.dumps(plain(record), allow_nan=False, ensure_ascii=not terminal.unicode)
        terminal.stream.write(line + "\n")
        terminal.stream.flush()


def plain(record: CompareRecord) -> dict[str, Any]:
    """The record as JSON's own types; numbers that are not finite become "nan", "inf" and "-inf"."""
    sides = {side.framework: check.plain(side) for side in record.sides}
    first = sides[record.sides[0].framework]
    versions = {name: version for side in sides.values() for name, version in side["versions"].items()}
    return {
        "schema": SCHEMA,
        **{key: first[key] for key in OF_BOTH},
        "versions": versions,
        "verdict": None if record.problems else record.verdict,
        "value": None if record.value is None else _pair(record.value, list(sides)),
        "gradients": [_pair(pair, list(sides)) for pair in record.entries],
        "sides": {name: {key: side[key] for key in OF_EACH} for name, side in sides.items()},
        "failures": [
            {"witness": f.witness, "reason": f.reason, "message": f.message, "hint": f.hint} for f in record.failures
        ],
        "seconds": round(record.seconds, 6),
        "command": check.command(record.sides[0], "compare"),
    }


def _pair(pair: Pair, names: list[str]) -> Mapping[str, Any]:
    sides = {name: check.entry(entry) for name, entry in zip(names, pair.sides, strict=True)}
    known = {key: next((side[key] for side in sides.values() if side[key] is not None), None) for key in EXACT}
    first = sides[names[0]]
    return {
        **{key: first[key] for key in ("variable", "index", "label", "count", "whole")},
        **{name: {key: side[key] for key in OF_ENTRY} for name, side in sides.items()},
        **known,
        "absolute": check.number(pair.gap.absolute),
        "relative": check.number(pair.gap.relative),
        "ulp": check.number(pair.gap.ulp),
        "verdict": pair.verdict,
        "reason": pair.reason,
    }
