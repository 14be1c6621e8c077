"""The corpus of callables through gradtool.check: which faults are told, and which right ones are accused.

Each case has its framework in the process. Faults with a note are those that no test could see.
"""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cases import CORPUS, WHOLE

import gradtool
from gradtool.verdict.contract import CODES

__all__ = ["Score", "scored", "shared"]

EVERY = 2
"""Every other case is also held against exact derivatives."""
SEVERAL = {
    "nondeterministic": {"GT209", "GT210", "GT212"},
    "state": {"GT209", "GT210", "GT216", "GT217"},
    "shape": {"GT206", "GT208"},
}
"""Of some duties the corpus does not say by which pass they are broken, whether the state moves on with every call,
which shows as runs that differ, or whether the framework refuses the shape."""


@dataclass
class Score:
    """What was found on some cases: the names of those that went wrong, with what was told of them."""

    missed: list[Any] = field(default_factory=list)
    accused: list[Any] = field(default_factory=list)
    unseen: int = 0
    seen: int = 0


def shared(framework: str, share: int) -> list[Any]:
    """One case of ``share``, spread evenly over the functions and duties; of the faulty ones and of the right ones."""
    sys.path.insert(0, str(CORPUS))
    try:
        cases = list(importlib.import_module(f"callables_{framework}").CASES.values())
    finally:
        sys.path.remove(str(CORPUS))
    if WHOLE:
        return cases
    cases.sort(key=_kind)
    return [*[case for case in cases if case.fault][::share], *[case for case in cases if not case.fault][::share]]


def _kind(case: Any) -> str:
    """The duty that is broken, or the function."""
    duty = case.where in CODES or case.where in SEVERAL
    return str(case.where if duty else case.name.replace(",", " ").split()[0])


def scored(cases: Sequence[Any]) -> Score:
    """What gradtool.check says of each case, in this process."""
    score = Score()
    for case, exact in zip(cases, itertools.cycle(place == 0 for place in range(EVERY)), strict=False):
        function, inputs = case.build()
        arguments = inputs if isinstance(inputs, dict) else list(inputs)
        result = gradtool.check(function, arguments, order=case.order, exact=exact)
        told = (case.name, case.where, result.verdict, [(one.code, one.where, one.message) for one in result.findings])
        if case.fault and case.note:
            score.unseen += 1
        elif case.fault:
            score.seen += 1
            score.missed += [] if placed(case, result) else [told]
        else:
            score.accused += [told] if result.accused else []
    return score


def placed(case: Any, result: gradtool.CheckResult) -> bool:
    """Whether the duty is told that is broken, or the gradient is false at the entry or the input that the case names.

    Chance, and a dtype that is converted, are told and are no errors.
    """
    codes = {finding.code for finding in result.findings}
    if case.where in CODES or case.where in SEVERAL:
        return bool(codes & SEVERAL.get(case.where, {CODES.get(case.where)}))
    wrong = [entry for entry in result.entries if entry.verdict in ("wrong", "unstable")]
    named = {entry.label for entry in wrong} | {entry.variable for entry in wrong}
    named |= {finding.where for finding in result.findings if finding.severity == "error"}
    return not result and not {case.where, case.where.partition("[")[0]}.isdisjoint(named)
