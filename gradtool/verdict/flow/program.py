"""Findings on what a training script does around its gradients."""

from __future__ import annotations

from collections.abc import Iterator

from gradtool.evidence import Incident, ModelEvidence
from gradtool.verdict.flow.groups import WHOLE
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["cleared_gradients", "never_stepped", "program_raised"]


def cleared_gradients(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT145: an optimizer stepped on gradients that had been cleared; each optimizer once."""
    for who, incident in {one.who: one for one in reversed(_those(evidence, "cleared"))}.items():
        told = f"{who} steps although every gradient it holds was cleared since the last backward pass"
        remedy = ""
        if incident.told == "early":
            told, remedy = f"{told}: its step() stands before backward()", "Put step() behind backward()."
        yield finding("GT145", WHOLE, told, remedy, source=incident.source)


def program_raised(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT146: the program ended in an exception behind the gradients that are shown."""
    for incident in _those(evidence, "raised"):
        what = f"{incident.who}: {incident.told}" if incident.who and incident.told else incident.who or incident.told
        told = f"behind the gradients shown here the program raised {what}"
        remedy = f"{incident.hint[:1].upper()}{incident.hint[1:]}." if incident.hint else ""
        yield finding("GT146", "program", told, remedy, source=incident.source)


def never_stepped(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT147: there is an optimizer, and it never steps; a single backward pass may have been meant to be looked at."""
    for incident in _those(evidence, "unstepped"):
        passes = "the only backward pass" if incident.count == 1 else f"{incident.count} backward passes"
        told = f"{incident.who} did not step once: {passes} moved no weight"
        severity = "warning" if incident.count == 1 else ""
        yield finding("GT147", WHOLE, told, severity=severity, source=evidence.loss.source)


def _those(evidence: ModelEvidence, what: str) -> list[Incident]:
    return [incident for incident in evidence.incidents if incident.what == what]
