"""What is told of a callable beside its entries: what it is, how it was looked at, and where else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gradtool.evidence import Slot
from gradtool.report.numbers import point_text
from gradtool.values import shape_text
from gradtool.verdict.record import CallableFacts, CheckRecord

__all__ = ["callable_lines", "place_text", "signature_lines"]

PLACES: Mapping[str, str] = {
    "given": "its own point",
    "fresh": "another point",
    "negative": "the negative of the point",
    "equal": "a point of equal entries",
    "zero": "0",
    "large": "a point 64 times as large",
    "small": "a point 64 times as small",
}
"""Where a point comes from, in words."""

LISTED = 6
"""So many inputs are listed."""


def place_text(record: CheckRecord) -> str:
    """The point of a record, in words where it is one that nobody typed."""
    point = point_text(record.point, record.dtype, record.at)
    if record.callable is None or record.callable.label == "given":
        return point
    label, _, upstream = record.callable.label.partition(", ")
    told = PLACES.get(label, label)
    with_upstream = f" with a {upstream} gradient" if upstream else ""
    return f"{told}{with_upstream}, {point}"


def signature_lines(record: CheckRecord) -> list[str]:
    """What it is, and where its inputs come from."""
    facts = record.callable
    if facts is None:
        return []
    shown = [_slot(slot) for slot in facts.inputs[:LISTED]]
    more = [f"{len(facts.inputs) - LISTED} more"] if len(facts.inputs) > LISTED else []
    where = f" at {facts.source}" if facts.source else ""
    assumed = [f"inputs {facts.assumed}"] if facts.assumed else []
    return [f"{facts.kind}{where}: {', '.join([*shown, *more])} -> {', '.join(map(_slot, facts.outputs))}", *assumed]


def callable_lines(record: CheckRecord) -> list[str]:
    """Whether there is a formula, and what was seen elsewhere."""
    facts = record.callable
    if facts is None:
        return []
    formula = []
    if facts.expression:
        own = {slot.name for slot in facts.inputs}
        held = [name for name in dict.fromkeys(re.findall(r"\bc\d+\b", facts.expression)) if name not in own]
        constants = "are constants" if len(held) > 1 else "is a constant"
        told = f", where {' and '.join(held)} {constants} that it holds" if held else ""
        formula = [f"exact derivatives of what it computes: {facts.expression}{told}"]
    elif facts.untraced:
        formula = [f"no exact derivatives: {facts.untraced}"]
    return [*formula, *_beside(facts), *(f"note: {note}" for note in facts.notes)]


def _slot(slot: Slot) -> str:
    kept = "" if slot.differentiated else ", not differentiated"
    return f"{slot.name} ({shape_text(slot.shape)} {slot.dtype}{kept})"


def _beside(facts: CallableFacts) -> list[str]:
    """The verdicts at other points, those alike together."""
    if facts.surrogate:
        return []
    groups: dict[str, list[str]] = {}
    for label, verdict in facts.beside:
        place, _, upstream = label.partition(", ")
        groups.setdefault(verdict, []).append(f"with a {upstream} gradient" if upstream else f"at {PLACES[place]}")
    return [f"also looked at: {'; '.join(f'{_joined(where)}: {verdict}' for verdict, where in groups.items())}"] * bool(
        groups
    )


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts)
