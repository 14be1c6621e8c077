"""Every callable of the corpus through gradtool.check: faults are found and placed, their right twins are not accused.

Each case has its framework in the process; faults with a note are those that no test could see.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import gradtool
from gradtool.verdict.contract import CODES

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
UNSEEN = 4
"""Faults of each framework with a note."""
EVERY = 2
"""Every other case is also held against exact derivatives."""
SHARE = {"torch": 2, "tensorflow": 4} if not os.environ.get("GRADTOOL_WHOLE_CORPUS") else {}
"""One case of so many is tried; all of them, in ten minutes, where the environment asks for the whole corpus."""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def cases(framework: str) -> list[Any]:
    sys.path.insert(0, str(CORPUS))
    try:
        return list(importlib.import_module(f"callables_{framework}").CASES.values())
    finally:
        sys.path.remove(str(CORPUS))


def checked(case: Any, place: int) -> gradtool.CheckResult:
    function, inputs = case.build()
    arguments = inputs if isinstance(inputs, dict) else list(inputs)
    return gradtool.check(function, arguments, order=case.order, exact=place % EVERY == 0)


def told(case: Any, result: gradtool.CheckResult) -> bool:
    """Whether it is false, or the duty that is broken is told: chance and a dtype that is converted are no errors."""
    codes = {finding.code for finding in result.findings}
    return not result or CODES.get(case.where) in codes or (case.where == "nondeterministic" and "GT212" in codes)


def placed(case: Any, result: gradtool.CheckResult) -> bool:
    """Whether the duty, the entry or the input that the case names is told."""
    codes = {finding.code for finding in result.findings}
    if case.where in CODES or case.where == "nondeterministic":
        return CODES.get(case.where) in codes or bool(codes & {"GT208", "GT209", "GT210", "GT212", "GT216", "GT217"})
    wrong = {entry.label for entry in result.entries if entry.verdict in ("wrong", "unstable")}
    wrong |= {entry.variable for entry in result.entries if entry.verdict in ("wrong", "unstable")}
    named = wrong | {finding.where for finding in result.findings}
    return not case.where or case.where in named or case.where.partition("[")[0] in named


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_faults_are_found_and_right_ones_are_not_accused(framework: str) -> None:
    pytest.importorskip(framework)
    missed, accused, lost, unseen, seen = [], [], [], 0, 0
    share = SHARE.get(framework, 1)
    for place, case in enumerate(cases(framework)[::share]):
        result = checked(case, place)
        if case.fault and case.note:
            unseen += 1
        elif case.fault:
            seen += 1
            missed += [] if told(case, result) else [case.name]
            lost += [] if placed(case, result) else [(case.name, case.where)]
        elif result.accused:
            accused.append((case.name, result.verdict, [f.message for f in result.findings if f.severity == "error"]))
    assert not missed
    assert not accused
    assert not lost
    assert unseen <= UNSEEN
    assert seen > 90 // share
