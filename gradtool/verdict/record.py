"""What a check has found: the words of the verdict, one entry for each derivative, findings, and the whole record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradtool.evidence import Failure
from gradtool.problem import Problem

__all__ = ["WORDS", "CheckRecord", "Entry", "Finding", "worst"]

WORDS: Mapping[str, str] = {
    "wrong": "autodiff differs from the true derivative by more than rounding explains",
    "unstable": "the formula is right, but its floating-point evaluation loses more than half the digits, or breaks",
    "inconclusive": "the witnesses cannot tell",
    "undefined": "the function has no value at this point",
    "out_of_range": "the true value or derivative does not fit the dtype",
    "not_differentiable": "a kink, a jump or a vertical tangent: left and right derivatives differ",
    "verified": "autodiff agrees with independent witnesses, within what rounding explains",
}
"""The seven verdicts, worst first, and what each means."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed beside the verdict: ``code`` names the rule, ``message`` carries the measured figure."""

    code: str
    severity: str
    where: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the gradient. ``symbolic``, ``left`` and ``right`` are exact decimal texts of up to 40 digits.

    ``ulp`` is the error of ``autodiff`` in units in the last place, None where the truth is 0 or unknown; ``power``
    the smallest relative error that would have been found; ``unconnected`` that the framework returned None.
    """

    variable: str
    autodiff: float | None
    verdict: str
    reason: str
    symbolic: str | None = None
    left: str | None = None
    right: str | None = None
    finite_difference: float | None = None
    finite_difference_bar: float | None = None
    ulp: float | None = None
    power: float | None = None
    unconnected: bool = False
    index: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """One target at one point, by the ``framework`` whose name for people is ``title``.

    With ``problems`` the target could not be read, and nothing else is filled in.
    """

    name: str
    target: str
    framework: str
    title: str
    dtype: str
    seed: int
    point: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    exact_value: str | None = None
    verdict: str = "inconclusive"
    entries: tuple[Entry, ...] = ()
    formulas: Mapping[str, str] = field(default_factory=dict)
    formula_note: str = ""
    norm: float | None = None
    nan: int = 0
    inf: int = 0
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0
    drawn: bool = False
    """Whether the point was drawn from the seed, not given."""


def worst(words: list[str]) -> str:
    """The worst of some verdicts; ``inconclusive`` for none."""
    order = list(WORDS)
    return min(words, key=order.index, default="inconclusive")
