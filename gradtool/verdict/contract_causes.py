"""Findings on a callable with the line of the cause: why autodiff gives None, no number, or only a part."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from gradtool.evidence import Cause
from gradtool.verdict.flow.causes import NONFINITE, because, remedy
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import RULES

__all__ = ["with_causes"]

FATES: Mapping[str, tuple[str, ...]] = {
    "GT001": ("cut",),
    "GT002": NONFINITE,
    "GT003": NONFINITE,
    "GT004": NONFINITE,
    "GT005": NONFINITE,
    "GT010": ("none",),
    "GT018": NONFINITE,
    "GT203": ("none",),
    "GT204": ("none",),
    "GT230": ("cut",),
}
"""The fates of a gradient that a rule is about."""

GUESSED = ("GT001", "GT010", "GT204")
"""Rules whose remedies list what it may be: what it is takes their place."""


def with_causes(
    found: Sequence[Finding], causes: Sequence[Cause], inputs: Collection[str], framework: str
) -> list[Finding]:
    """The findings, the first that each cause explains with its line and its remedy; a cause is told once.

    A remedy that was made for the case, such as a rewrite that was tried, is kept.
    """
    left, told = list(causes), []
    for finding in found:
        cause = next((one for one in left if _explains(one, finding, inputs)), None)
        if cause is None:
            told.append(finding)
            continue
        left.remove(cause)
        plain = finding.remedy == RULES[finding.code].remedy or finding.code in GUESSED
        told.append(
            replace(
                finding,
                message=f"{finding.message}; {because(cause)}",
                remedy=remedy(cause, framework) if plain else finding.remedy,
                source=cause.line.source or finding.source,
                cause=cause,
            )
        )
    return told


def _explains(cause: Cause, finding: Finding, inputs: Collection[str]) -> bool:
    """Whether a cause is one of what the finding is about, by its input, or as a whole."""
    if cause.fate not in FATES.get(finding.code, ()):
        return False
    variable = finding.where.partition("[")[0]
    return variable in cause.parameters or variable not in inputs or not cause.parameters
