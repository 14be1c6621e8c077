"""Verdicts on a gradient of too many entries to be followed one by one: a verdict for each variable, and wrong entries.

A survey knows no exact derivative. It verifies within its power, and it convicts only where the search has confirmed
an entry by a difference of its own, or found the one factor by which a whole gradient is off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from gradtool.evidence import Autodiff, Survey
from gradtool.target.dtype import FORMATS
from gradtool.values import Value, label, shape_of
from gradtool.verdict.record import Entry

__all__ = ["judge_survey", "says_enough"]

SAYS_ENOUGH, SAYS_ENOUGH_COARSE = 1e-2, 0.25
"""A path integral that would miss larger relative errors verifies nothing; in 16 bits a factor of 2 is still found."""


def says_enough(dtype: str) -> float:
    """The largest relative error that may go unseen by what verifies a gradient in ``dtype``."""
    return SAYS_ENOUGH_COARSE if FORMATS[dtype].coarse else SAYS_ENOUGH


def judge_survey(
    autodiff: Autodiff, survey: Survey, point: Mapping[str, Value], title: str, dtype: str
) -> Iterator[Entry]:
    """One entry for each variable, and one for each entry that was found wrong."""
    enough = says_enough(dtype)
    for name, value in autodiff.gradients.items():
        shape = shape_of(point[name])
        count = math.prod(shape)
        verdict, reason = _whole(survey, name, enough)
        if value is None:
            reason = f"{title} returned None, which counts as 0; {reason}"
        wrong = [entry for entry in survey.wrong if entry.variable == name]
        yield Entry(
            name,
            None,
            verdict,
            reason,
            power=survey.power if math.isfinite(survey.power) else None,
            unconnected=value is None,
            label=f"{name} ({count} {'entry' if count == 1 else 'entries'})",
            count=count - len(wrong),
            whole=True,
        )
        for entry in wrong:
            told = f"autodiff gives {entry.claimed!r}, and its own difference {entry.estimated:.6g} +/- {entry.bar:.1g}"
            yield Entry(
                name,
                entry.claimed,
                "wrong",
                told,
                finite_difference=entry.estimated,
                finite_difference_bar=entry.bar,
                index=entry.index,
                label=label(name, entry.index),
            )


def _whole(survey: Survey, name: str, enough: float) -> tuple[str, str]:
    """The verdict on a variable as a whole, and its reason."""
    count = len(survey.segments)
    directions = f"{count} random direction{'s' if count > 1 else ''}"
    factor = survey.scaled.get(name, survey.scaled.get(""))
    if factor is not None:
        return "wrong", f"the whole gradient is {factor:.6g} times what the function says along {directions}"
    if survey.agree and survey.power <= enough:
        told = f"agrees with the path integral of the framework's own function along {directions}"
        any_one = f"an absolute one of {survey.entries.get(name, math.nan):.1g} in any one entry"
        seen = f"a relative error of {survey.power:.1g} of the whole, or {any_one}, would have been found"
        return "verified", f"{told}; {seen}; no single entry was looked at"
    if survey.agree and _stands_still(survey):
        any_one = f"an absolute one of {survey.entries.get(name, math.nan):.1g} in any one entry"
        return "verified", f"the gradient is 0, and the function stands still along {directions}: {any_one} would show"
    if survey.agree:
        return "inconclusive", f"the path integral along {directions} agrees, but it would miss errors of this size"
    if any(entry.variable == name for entry in survey.wrong) and survey.complete:
        return "verified", "with the wrong entries set right, nothing else disagrees along random directions"
    if survey.complete and survey.wrong:
        return "verified", "what disagrees along random directions is explained by the wrong entries of others"
    return "inconclusive", f"the path integral along {directions} disagrees, and no search has told where"


def _stands_still(survey: Survey) -> bool:
    """Whether neither the function nor its gradient moves at all."""
    return bool(survey.segments) and all(
        not integral and not difference and math.isfinite(bar) for difference, integral, bar in survey.segments
    )
