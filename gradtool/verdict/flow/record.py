"""What ``gradtool flow`` has found on one model: everything that a report tells."""

from __future__ import annotations

from dataclasses import dataclass

from gradtool.evidence import Failure, ModelEvidence
from gradtool.problem import ExitCode, Problem
from gradtool.verdict.record import Finding

__all__ = ["STATES", "FlowRecord", "Item", "exit_code"]

STATES = ("failed", "warned", "passed", "unknown")
"""What an item of the checklist may be, the worst first; ``unknown`` items were not looked at."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist: ``detail`` says what was measured, or what would be needed to know."""

    title: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """One model. Without ``evidence``, ``failures`` or ``problems`` say why there is none.

    ``target`` is what was asked for, ``title`` the framework's name for people, ``command`` what repeats the run.
    """

    target: str
    framework: str
    title: str
    seed: int
    evidence: ModelEvidence | None = None
    findings: tuple[Finding, ...] = ()
    checklist: tuple[Item, ...] = ()
    failures: tuple[Failure, ...] = ()
    problems: tuple[Problem, ...] = ()
    command: str = ""
    seconds: float = 0.0


def exit_code(record: FlowRecord, *, strict: bool) -> ExitCode:
    """What the shell is told: findings before what could not be run, that before a witness that failed."""
    severities = {"error", "warning"} if strict else {"error"}
    if any(finding.severity in severities for finding in record.findings):
        return ExitCode.FINDING
    if record.problems or any(failure.reason == "file" for failure in record.failures):
        return ExitCode.UNUSABLE
    return ExitCode.NO_VERDICT if record.failures or record.evidence is None else ExitCode.OK
