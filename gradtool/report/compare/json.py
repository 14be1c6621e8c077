"""The comparison for programs: records as JSON, one document or one line each. The schema lies beside this file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from gradtool.evidence import Spread
from gradtool.report import documents
from gradtool.report import json as check
from gradtool.terminal import Terminal
from gradtool.verdict.compare.record import CompareRecord, JudgedMode, Measured, Pair

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
    documents.document(found[0] if len(found) == 1 else found, terminal)


def write_lines(records: Iterable[CompareRecord], terminal: Terminal, seconds: float) -> None:
    """One record a line, as they come."""
    del seconds
    for record in records:
        documents.line(plain(record), terminal)


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
        "sides": {
            name: {**{key: side[key] for key in OF_EACH}, "findings": side["findings"] + _found(record, name)}
            for name, side in sides.items()
        },
        "failures": documents.failures(record.failures),
        "code": dict(record.code) or None,
        "modes": {name: _modes(found) for name, found in record.measured.items() if found.modes} or None,
        "timing": {name: _times(found) for name, found in record.measured.items() if found.times} or None,
        "seconds": round(record.seconds, 6),
        "command": _command(record),
    }


def _command(record: CompareRecord) -> str:
    asked = {
        "--code": record.code,
        "--modes": any(found.modes for found in record.measured.values()),
        "--timing": any(found.times for found in record.measured.values()),
    }
    return " ".join([check.command(record.sides[0], "compare"), *(name for name, wanted in asked.items() if wanted)])


def _found(record: CompareRecord, name: str) -> list[Mapping[str, str]]:
    """What was found in a framework's modes."""
    return [check.finding(one) for one in record.measured.get(name, Measured()).findings]


def _modes(found: Measured) -> list[Mapping[str, Any]]:
    return [
        {
            "mode": one.row.mode,
            "title": one.row.title,
            "points": one.row.points,
            "verdict": one.verdict,
            "reason": one.reason,
            "value": check.value(one.row.value),
            "gradients": {name: check.value(value) for name, value in one.row.gradients.items()},
            "ulp": check.number(one.row.ulp),
            "ulp_of_largest": check.number(one.row.ulp_of_largest),
            "product": _product(one),
            "time": _spread(one.row.time),
            "peak": one.row.peak,
            "kept": one.row.kept,
            "memory": one.row.memory,
            "note": one.row.note,
        }
        for one in found.modes
    ]


def _product(one: JudgedMode) -> Mapping[str, Any] | None:
    """The dot-product test of forward mode."""
    if one.row.left is None:
        return None
    sides = {"forward": one.row.left, "reverse": one.row.right, "scale": one.row.scale}
    return {**{name: check.number(side) for name, side in sides.items()}, "verdict": one.product or None}


def _times(found: Measured) -> list[Mapping[str, Any]]:
    return [
        {
            "work": row.work,
            "how": row.how,
            "title": row.title,
            "time": _spread(row.time),
            "ulp": check.number(row.ulp),
            "skipped": row.skipped,
        }
        for row in found.times
    ]


def _spread(time: Spread | None) -> Mapping[str, float] | None:
    return None if time is None else dataclasses.asdict(time)


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
