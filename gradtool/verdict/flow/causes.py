"""What a cause of a gradient that is None, zero or not finite means: the sentence, the remedy, and its finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from gradtool.evidence import Cause, ModelEvidence, Parameter
from gradtool.verdict.flow.groups import group_of, trainable
from gradtool.verdict.flow.kinds.births import BIRTHS
from gradtool.verdict.flow.kinds.cuts import CUTS
from gradtool.verdict.flow.kinds.kind import EPSILONS, Kind
from gradtool.verdict.flow.kinds.zeros import ZEROS
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["KINDS", "NONFINITE", "because", "caused", "causes_of", "remedy", "struck"]

NONFINITE = ("nan", "inf")
"""The fates of numbers that are not finite."""

_ROWS = {"none": CUTS, "cut": CUTS, "zero": ZEROS, "nan": BIRTHS, "inf": BIRTHS}

KINDS: Mapping[tuple[str, str], Kind] = MappingProxyType(
    {(fate, row.kind): row for fate, rows in _ROWS.items() for row in rows}
)
"""Every kind by the fate of the gradient and its word."""

FLOAT = "float32"
"""The dtype whose epsilon is named where that of the operands is not a known one."""


def causes_of(evidence: ModelEvidence, *fates: str, late: bool = False) -> list[Cause]:
    """The causes of these fates in the first pass, or ``late``, in a later step; those of one line and kind as one."""
    first = evidence.steps[0].step if evidence.steps else 0
    found: dict[tuple[object, ...], Cause] = {}
    for cause in evidence.causes:
        if cause.fate in fates and (cause.step > first) == late:
            fate = "nonfinite" if cause.fate in NONFINITE else cause.fate
            key = (fate, cause.kind, cause.operation, cause.line, cause.phase, cause.told, cause.step)
            known = found.get(key)
            if known is not None:
                names = list(dict.fromkeys([*known.parameters, *cause.parameters]))
                further = list(dict.fromkeys([*known.further, *cause.further]))
                found[key] = replace(known if known.way else cause, parameters=names, further=further)
            else:
                found[key] = cause
    return list(found.values())


def because(cause: Cause) -> str:
    """The clause that says what happened."""
    told = _filled(KINDS[cause.fate, cause.kind].told, cause)
    if cause.fate in NONFINITE and cause.phase == "backward":
        told += ", on the way back"
    return f"{told} ({cause.told})" if cause.told else told


def remedy(cause: Cause, framework: str) -> str:
    """What to do about it, in the framework's own names."""
    row = KINDS[cause.fate, cause.kind]
    return _filled((row.tensorflow if framework == "tensorflow" else "") or row.torch, cause)


def _filled(text: str, cause: Cause) -> str:
    dtype = next((operand.dtype for operand in cause.operands if operand.dtype in EPSILONS), FLOAT)
    return text.format(operation=cause.operation or "an operation", epsilon=EPSILONS[dtype])


def struck(cause: Cause, parameters: Iterable[Parameter]) -> list[Parameter]:
    """Those of the parameters that the cause names."""
    names = frozenset(cause.parameters)
    return [parameter for parameter in parameters if parameter.name in names]


def caused(
    code: str,
    told: str,
    cause: Cause,
    evidence: ModelEvidence,
    members: Sequence[Parameter],
    *,
    where: str = "",
    severity: str = "",
) -> Finding:
    """The finding of rule ``code``: ``told``, in which ``{}`` stands for the parameters it strikes, and its cause.

    ``where`` is its place, if that is not the parameters': the loss where it strikes none.
    """
    place, named = group_of(members, trainable(evidence)) if members else ("loss", "")
    return finding(
        code,
        where or place,
        f"{told.replace('{}', named, 1)}: {because(cause)}",
        remedy(cause, evidence.framework),
        severity=severity,
        source=cause.line.source,
        parameters=[member.name for member in members],
        cause=cause,
    )
