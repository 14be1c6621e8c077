"""What comparing two models has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradtool.evidence import Failure, PairEvidence
from gradtool.problem import ExitCode
from gradtool.verdict.record import Finding

__all__ = ["ModelComparison", "exit_code"]


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Two models. Without ``evidence``, ``failures`` say why there is none.

    ``dtype`` is that of the second run, ``command`` what repeats both. ``untold`` counts the findings that --select and
    --ignore leave out. ``code`` has programs, by the name of the idiom and the framework, where they are asked for.
    """

    target: str
    evidence: PairEvidence | None
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    seed: int = 0
    seconds: float = 0.0
    dtype: str = ""
    mode: str = ""
    command: str = ""
    untold: int = 0
    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def exit_code(record: ModelComparison, *, strict: bool) -> ExitCode:
    """What the shell is told: findings before what could not be run, that before a witness that failed."""
    severities = {"error", "warning"} if strict else {"error"}
    if any(one.severity in severities for one in record.findings):
        return ExitCode.FINDING
    if any(failure.reason == "file" for failure in record.failures):
        return ExitCode.UNUSABLE
    return ExitCode.NO_VERDICT if record.failures or record.evidence is None else ExitCode.OK
