"""What a comparison has found: its words, one pair for each derivative, and the whole record."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gradtool.evidence import Failure, Mode, Timed
from gradtool.problem import Problem
from gradtool.values import Index, Value
from gradtool.verdict.record import CheckRecord, Entry, Finding

__all__ = ["AGREE", "DIFFER", "MODE_WORDS", "WORDS", "CompareRecord", "Gap", "JudgedMode", "Measured", "Pair", "worst"]

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "both_wrong": "neither gradient is right: each is wrong or unstable",
        "one_right": "one gradient is right, the other is wrong or unstable",
        "mismatch": "each gradient is right for the function that its own framework computes, and the functions differ",
        "inconclusive": "a gradient is missing, or nothing tells which one is right",
        "undefined": "the function has no value at this point",
        "out_of_range": "the true value or derivative does not fit the dtype",
        "convention": "there is no derivative here, and the frameworks put different numbers, or NaN, in its place",
        "same_convention": "there is no derivative here, and the frameworks put the same number in its place",
        "rounding": "both gradients are right, and rounding sets them apart",
        "same": "both gradients are right, and the same number",
    }
)
"""The verdicts of a comparison, worst first, and what each means."""

DIFFER = frozenset({"both_wrong", "one_right", "mismatch"})
"""The verdicts that find a fault."""

AGREE = frozenset({"same_convention", "rounding", "same"})
"""The verdicts by which the frameworks agree."""

MODE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "differs": "rounding does not explain how far the mode is from reverse mode",
        "convention": "there is no derivative here, and the mode puts another number in its place than reverse mode",
        "inconclusive": "reverse mode gave nothing to compare with",
        "skipped": "the mode is not to be had here",
        "agrees": "the gradient of reverse mode, within rounding",
        "reference": "reverse mode itself",
    }
)
"""The verdicts on a mode of a framework, worst first, and what each means."""


@dataclass(frozen=True, slots=True)
class Gap:
    """How far two numbers are apart: absolutely, as part of the larger one, and in units in the last place.

    The unit is that of the exact number, so that it compares with the errors; where there is none, of the larger one.

    Of whole arrays the norm of the difference, beside the larger norm, and no ulp. None where a number is missing or
    not finite; two numbers that are the same infinity, or both NaN, are 0 apart. There is no ulp where there is no
    derivative.
    """

    absolute: float | None = None
    relative: float | None = None
    ulp: float | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One derivative by both frameworks, each with the verdict of a check, and what to think of the two."""

    first: Entry
    second: Entry
    gap: Gap
    verdict: str
    reason: str

    @property
    def sides(self) -> tuple[Entry, Entry]:
        """Both sides."""
        return self.first, self.second

    @property
    def variable(self) -> str:
        """The variable, as in ``Entry``."""
        return self.first.variable

    @property
    def index(self) -> Index:
        """The index, as in ``Entry``."""
        return self.first.index

    @property
    def label(self) -> str:
        """What the derivative is called."""
        return self.first.label

    @property
    def ulp(self) -> float | None:
        """How far the two numbers are apart."""
        return self.gap.ulp

    @property
    def distance(self) -> float:
        """How far they are apart, for the order: infinitely where one is no finite number, -1 where that is unknown."""
        if any(side.autodiff is not None and not math.isfinite(side.autodiff) for side in self.sides):
            return math.inf
        return -1.0 if self.ulp is None else self.ulp

    @property
    def count(self) -> int:
        """How many derivatives this stands for."""
        return self.first.count


@dataclass(frozen=True, slots=True)
class JudgedMode:
    """A mode with its verdict; ``code`` names the finding where it differs, ``reason`` says why it does not agree.

    ``product`` is ``passes`` or ``fails`` where the dot-product test of forward mode could be judged.
    """

    row: Mode
    verdict: str
    reason: str = ""
    code: str = ""
    product: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one framework has given beside the comparison: its modes, its times, and what was found in them."""

    modes: tuple[JudgedMode, ...] = ()
    times: tuple[Timed, ...] = ()
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class CompareRecord:
    """One target at one point: the check of each framework, and a pair for each derivative.

    ``value`` is the pair of the function's values, None where they are arrays or missing. A target that could not be
    read has ``problems`` and no pairs. ``code`` is a program for each framework, ``measured`` its modes and times,
    where they were asked for.
    """

    sides: tuple[CheckRecord, CheckRecord]
    entries: tuple[Pair, ...] = ()
    value: Pair | None = None
    verdict: str = "inconclusive"
    seconds: float = 0.0
    code: Mapping[str, str] = field(default_factory=dict)
    measured: Mapping[str, Measured] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The expression."""
        return self.sides[0].target

    @property
    def name(self) -> str:
        """What the target is called."""
        return self.sides[0].name

    @property
    def dtype(self) -> str:
        """The arithmetic that both frameworks use."""
        return self.sides[0].dtype

    @property
    def point(self) -> Mapping[str, Value]:
        """Where it was looked at."""
        return self.sides[0].point

    @property
    def value_differs(self) -> bool:
        """Whether the function's value by one of the two is at fault."""
        return self.value is not None and self.value.verdict in DIFFER

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the target could not be read."""
        return self.sides[0].problems

    @property
    def titles(self) -> tuple[str, str]:
        """The frameworks' names for people."""
        return self.sides[0].title, self.sides[1].title

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The witnesses that gave no evidence; the symbolic one is asked for either framework, and told once."""
        told = [*(side.failures for side in self.sides), *(one.failures for one in self.measured.values())]
        found: dict[tuple[str, ...], Failure] = {}
        for one in (failure for failures in told for failure in failures):
            found.setdefault((one.witness, one.reason, "" if one.witness == "symbolic" else one.message), one)
        return tuple(found.values())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed on either side, and in its modes."""
        told = [*(side.findings for side in self.sides), *(one.findings for one in self.measured.values())]
        return tuple(finding for findings in told for finding in findings)


def worst(words: Iterable[str]) -> str:
    """The worst of some verdicts; ``inconclusive`` for none."""
    order = list(WORDS)
    return min(words, key=order.index, default="inconclusive")
