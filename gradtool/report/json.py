"""The report for programs: check records as JSON, one document or one line each. The schema lies beside this file."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from gradtool.evidence import Checked
from gradtool.report import documents
from gradtool.report.flow.json import jsonable
from gradtool.report.numbers import exact, value_text
from gradtool.terminal import Terminal
from gradtool.values import Array, Shape, Value
from gradtool.verdict.against import differences, largest
from gradtool.verdict.record import CallableFacts, CheckRecord, Entry, Finding, Numbers, Step, StepPath

__all__ = ["SCHEMA", "command", "entry", "finding", "number", "plain", "value", "write", "write_lines"]

SCHEMA = "gradtool.check/1.0"


def write(records: Iterable[CheckRecord], terminal: Terminal, seconds: float) -> None:
    """One document: the record itself where there is one, an array of records otherwise."""
    del seconds  # each record has its own
    found = [plain(record) for record in records]
    documents.document(found[0] if len(found) == 1 else found, terminal)


def write_lines(records: Iterable[CheckRecord], terminal: Terminal, seconds: float) -> None:
    """One record a line, as they come."""
    del seconds
    for record in records:
        documents.line(plain(record), terminal)


def plain(record: CheckRecord) -> dict[str, Any]:
    """The record as JSON's own types; numbers that are not finite become "nan", "inf" and "-inf"."""
    return {
        "schema": SCHEMA,
        "name": record.name,
        "target": record.target,
        "framework": record.framework,
        "versions": dict(record.versions),
        "dtype": record.dtype,
        "seed": record.seed,
        "point": {name: value(one) for name, one in record.point.items()},
        "mode": record.mode,
        "upstream": value(record.upstream),
        "value": value(record.value),
        "verdict": None if record.problems else record.verdict,
        "gradients": [entry(one) for one in record.entries],
        "formulas": dict(record.formulas),
        "norm": number(record.norm),
        "asymmetry": number(record.asymmetry),
        "nan": record.nan,
        "inf": record.inf,
        "directions": [
            {"claim": number(d.claim), "finite_difference": number(d.value), "bar": number(d.bar)}
            for d in record.directions
        ],
        "steps": [_step(step) for step in record.steps],
        "findings": [finding(one) for one in record.findings],
        "failures": documents.failures(record.failures),
        "callable": None if record.callable is None else _callable(record.callable),
        "against": None if record.against is None else _against(record.against, record),
        "problems": [
            {"code": p.code, "message": p.message, "span": list(p.span) if p.span else None, "hint": p.hint}
            for p in record.problems
        ],
        "seconds": round(record.seconds, 6),
        "command": command(record, "check"),
    }


def _callable(facts: CallableFacts) -> Mapping[str, Any]:
    """What a callable is, and how it was looked at."""
    slots = {
        what: [
            {"name": slot.name, "shape": list(slot.shape), "dtype": slot.dtype, "differentiated": slot.differentiated}
            for slot in found
        ]
        for what, found in (("inputs", facts.inputs), ("outputs", facts.outputs))
    }
    return {
        "name": facts.name,
        "kind": facts.kind,
        "source": facts.source,
        "where": facts.label,
        **slots,
        "assumed": facts.assumed,
        "elsewhere": [{"where": where, "verdict": verdict} for where, verdict in facts.beside],
        "evaluations": facts.evaluations,
        "expression": facts.expression or None,
        "untraced": facts.untraced or None,
        "surrogate": facts.surrogate,
        "notes": list(facts.notes),
    }


def finding(one: Finding) -> Mapping[str, Any]:
    """Something noticed; with the cause, where one was found."""
    told: dict[str, Any] = {
        "code": one.code,
        "severity": one.severity,
        "where": one.where,
        "message": one.message,
        "remedy": one.remedy,
    }
    return told if one.cause is None else told | {"cause": jsonable(one.cause)}


def entry(one: Entry) -> Mapping[str, Any]:
    """One derivative."""
    return {
        "variable": one.variable,
        "index": list(one.index),
        "label": one.label,
        "count": one.count,
        "whole": one.whole,
        "autodiff": number(one.autodiff),
        "unconnected": one.unconnected,
        "symbolic": None if one.symbolic is None else exact(one.symbolic, 30),
        "left": None if one.left is None else exact(one.left, 30),
        "right": None if one.right is None else exact(one.right, 30),
        "finite_difference": number(one.finite_difference),
        "finite_difference_bar": number(one.finite_difference_bar),
        "ulp": number(one.ulp),
        "power": number(one.power),
        "verdict": one.verdict,
        "reason": one.reason,
    }


def _against(checked: Checked, record: CheckRecord) -> Mapping[str, Any]:
    """What the framework's own checker says; ``passed`` is null where it gives no verdict or was not run."""
    known = differences(checked)
    compared = [(entry, known[key]) for entry in record.entries if (key := (entry.variable, entry.index)) in known]
    return {
        "tool": checked.tool,
        "version": checked.version,
        "settings": dict(checked.settings),
        "function": checked.function,
        "outcome": checked.outcome,
        "passed": {"passed": True, "failed": False}.get(checked.outcome),
        "message": checked.message,
        "largest_difference": number(largest(checked, record.entries)),
        "entries": [
            {"variable": e.variable, "index": list(e.index), "label": e.label, "difference": number(difference)}
            for e, difference in compared
        ],
        "seconds": round(checked.seconds, 6),
    }


def _step(step: Step) -> Mapping[str, Any]:
    return {
        "id": step.id,
        "kind": step.kind,
        "operation": step.operation,
        "text": step.text,
        "span": list(step.span),
        "arguments": list(step.arguments),
        "value": value(step.value),
        "exact": _decimals(step.exact, step.shape),
        "adjoint": _decimals(step.adjoint, step.shape),
        "framework_node": step.framework_node,
        "retained": value(step.retained),
        "ulp": number(step.ulp),
        "verdict": step.verdict or None,
        "reason": step.reason,
        "note": step.note,
        "paths": [_path(path, step.shape) for path in step.paths],
    }


def _path(path: StepPath, shape: Shape) -> Mapping[str, Any]:
    return {
        "parent": path.parent,
        "argument": path.place,
        "formula": path.formula,
        "rule": path.rule,
        "local": _decimals(path.local, path.local_shape),
        "contribution": _decimals(path.contribution, shape),
    }


def _decimals(numbers: Numbers, shape: Shape) -> Any:
    """Exact numbers as texts, in nested lists; None for unknown ones."""
    return _nested([None if text is None else exact(text, 30) for text in numbers], shape) if numbers else None


def value(found: Value | None) -> Any:
    """A number, or nested lists of numbers."""
    if not isinstance(found, Array):
        return number(found)
    return _nested([number(one) for one in found.data], found.shape)


def _nested(rows: list[Any], shape: Shape) -> Any:
    for length in reversed(shape[1:]):
        rows = [rows[start : start + length] for start in range(0, len(rows), length)]
    return rows if shape else rows[0]


def number(value: float | None) -> float | str | None:
    """A number, or what stands for one that is not finite."""
    if value is None or math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def command(record: CheckRecord, name: str) -> str:
    """The command line that repeats this record, by the command ``name``."""
    if record.callable:
        return _callable_command(record, record.callable)
    words = ["gradtool", name, record.target]
    if record.point:
        words += ["--at", ",".join(f"{n}={_typed(v, record.at.get(n, ''))}" for n, v in record.point.items())]
    names = list(dict.fromkeys(part for entry in record.entries for part in entry.variable.split(",")))
    if names and set(names) != set(record.point):
        words += ["--wrt", ",".join(names)]
    words += {"jacobian": ["--jacobian"], "hessian": ["--hessian"], "orders": ["--order", str(record.order)]}.get(
        record.mode, []
    )
    if record.upstream is not None:
        words += ["--upstream", _typed(record.upstream, "")]
    if record.against is not None and record.against.settings:
        words += ["--against", record.against.asked]
    words += ["--steps"] * bool(record.steps)
    words += ["--framework", record.framework] if name == "check" else ["--frameworks", "both"]
    words += ["--dtype", record.dtype, "--seed", str(record.seed)]
    return shlex.join(words)


def _callable_command(record: CheckRecord, facts: CallableFacts) -> str:
    """The same for a callable: its file says most of it."""
    words = ["gradtool", "check", record.target]
    if record.at:
        words += ["--at", ",".join(f"{name}={text}" for name, text in record.at.items())]
    learning = [slot.name for slot in facts.inputs if slot.differentiated]
    if facts.chosen:
        words += ["--wrt", ",".join(learning)]
    if record.upstream is not None:
        words += ["--upstream", _typed(record.upstream, "")]
    words += ["--order", str(record.order)] * (record.order > 1) + ["--surrogate"] * facts.surrogate
    words += ["--against", record.against.asked] if record.against is not None else []
    words += ["--framework", record.framework]
    words += ["--dtype", record.dtype] * facts.cast
    return shlex.join([*words, "--seed", str(record.seed)])


def _typed(value: Value, text: str) -> str:
    """What ``--at`` takes for the value: for an array what was typed, unless that was the list itself."""
    if isinstance(value, Array) and text and not text.lstrip().startswith(("[", "(")):
        return text
    return value_text(value, "float64").replace(" ", "") if isinstance(value, Array) else repr(value)
