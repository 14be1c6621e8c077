"""Findings on a callable with the line of the cause: why autodiff gives None, no number, or only a part."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from gradtool.evidence import Cause
from gradtool.verdict.flow.causes import NONFINITE, because, remedy
from gradtool.verdict.health import SPOILS
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import RULES

__all__ = ["with_causes"]

FATES: Mapping[str, tuple[str, ...]] = {
    "GT203": ("none",),
    "GT204": ("none",),
    "GT010": ("none",),
    "GT001": ("none", "cut"),
    "GT230": ("none", "cut"),
    "GT002": NONFINITE,
    "GT003": NONFINITE,
    "GT004": NONFINITE,
    "GT005": NONFINITE,
    "GT018": NONFINITE,
}
"""The fates of a gradient that a rule is about; of several findings the rule that stands first here shows the cause."""

GUESSED = ("GT010", "GT203", "GT204", "GT230")
"""Rules whose remedies list what it may be: what it is takes their place."""


def with_causes(
    found: Sequence[Finding], causes: Sequence[Cause], inputs: Collection[str], framework: str, guess: str = ""
) -> list[Finding]:
    """The findings, with each cause and its remedy at one of those that it explains; the others lead there.

    A remedy that was made for the case, such as a rewrite that was tried, is kept; ``guess`` is one that was not.
    """
    told, codes = list(found), list(FATES)
    for cause in causes:
        places = [place for place, one in enumerate(told) if one.cause is None and _explains(cause, one, inputs)]
        if not places:
            continue
        first = min(places, key=lambda place: codes.index(told[place].code))
        for place in places:
            one = told[place]
            own = cause.kind == "nondifferentiable"  # an operation written by hand may be all there is
            vague = (one.code in GUESSED and not own) or one.remedy in (guess, SPOILS, RULES[one.code].remedy)
            if place == first:
                source = cause.line.source or one.source
                one = replace(one, message=f"{one.message}; {because(cause)}", source=source, cause=cause)
            if vague:
                elsewhere = f"See {found[first].code} on {found[first].where}."
                one = replace(one, remedy=remedy(cause, framework) if place == first else elsewhere)
            told[place] = one
    return told


def _explains(cause: Cause, finding: Finding, inputs: Collection[str]) -> bool:
    """Whether a cause is one of what the finding is about, by its input, or as a whole."""
    if cause.fate not in FATES.get(finding.code, ()):
        return False
    variable = finding.where.partition("[")[0]
    return variable in cause.parameters or variable not in inputs or not cause.parameters
