"""Findings and failures as sentences, the same in every report on models."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from gradtool.evidence import Failure
from gradtool.report.causes import cause_lines, excerpt
from gradtool.report.flow.figures import counted
from gradtool.report.flow.groups import SHOW_ALL
from gradtool.report.flow.row import SEVERITIES
from gradtool.report.flow.section import Section, Told
from gradtool.verdict.flow.groups import called
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import RULES

__all__ = ["failed", "finding_section", "more", "tally"]

OFTEN = 5
"""So many findings of one rule are told."""


def failed(failure: Failure, *, some: bool = False) -> Told:
    """Why a witness has no evidence; or not all of it, where there is ``some``."""
    first, *rest = failure.message.splitlines() or [failure.reason]
    return Told(f"{'incomplete' if some else 'no evidence'}: {first}", "error", (*rest, *more("", failure.hint)))


def more(why: str, hint: str) -> tuple[str, ...]:
    """What is said below a sentence: the reason, and what to do."""
    return tuple(text for text in (why and f"why: {why}", hint and f"→ {hint}") if text)


def tally(findings: Sequence[Finding]) -> str:
    """``1 error, 2 notes``, or that there is nothing."""
    found = Counter(finding.severity for finding in findings)
    return ", ".join(counted(found[one], one) for one in SEVERITIES if found[one]) or "no findings"


def finding_section(findings: Sequence[Finding], *, every: bool) -> Section:
    """By severity and then by rule; of a rule that was found often only the first, unless each is wanted."""
    codes = list(dict.fromkeys(finding.code for finding in findings))
    ordered = sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), codes.index(one.code)))
    told: list[Told] = []
    for _, group in itertools.groupby(ordered, key=lambda one: (one.severity, one.code)):
        told += _of_rule(list(group), len(ordered) if every else OFTEN)
    return Section("findings", "findings" if findings else "", tuple(told))


def _of_rule(findings: Sequence[Finding], most: int) -> list[Told]:
    """Findings of one rule; a remedy that several of them share is told once, below the last."""
    shown = findings[:most]
    told = []
    for finding, after in zip(shown, (*shown[1:], None), strict=True):
        again = after is not None and after.remedy == finding.remedy
        below = (*(cause_lines(finding.cause) if finding.cause else ()), *more("", "" if again else finding.remedy))
        told.append(Told(_finding(finding), finding.severity, below, _code(finding), finding))
    if len(findings) > len(shown):
        left_out = f"and {len(findings) - len(shown)} more of {findings[0].code}: {SHOW_ALL}"
        told.append(Told(left_out, findings[0].severity))
    return told


def _finding(finding: Finding) -> str:
    name = f" {RULES[finding.code].name}" if finding.code in RULES else ""
    source = f" ({finding.source})" if finding.source and not _code(finding) else ""
    return f"{finding.severity} {finding.code}{name}, {called(finding.where)}{source}: {finding.message}"


def _code(finding: Finding) -> str:
    """The line of the program that the finding is about, where its text or its function is known."""
    line = finding.cause.line if finding.cause else None
    return excerpt(line) if line is not None and (line.text or line.function) else ""
