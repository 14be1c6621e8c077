"""Faults of training loops, each told with its line and its remedy; loops that look alike and are right stay quiet."""

from __future__ import annotations

import importlib
import importlib.resources
import json
from pathlib import Path
from typing import Any

import pytest
from corpus.loop_case import LoopCase
from user_file import File

from gradtool.evidence import ModelEvidence
from gradtool.verdict.flow.judgement import judge
from gradtool.verdict.record import Finding

LOOPS = [
    pytest.param(framework, case, id=f"{framework}-{case.name}")
    for framework in ("torch", "tensorflow")
    for case in importlib.import_module(f"corpus.loop_faults_{framework}").CASES
]
TWINS = [
    pytest.param(framework, case.code, case.start + twin, id=f"{framework}-{case.name}-{place}")
    for framework in ("torch", "tensorflow")
    for case in importlib.import_module(f"corpus.loop_faults_{framework}").CASES
    for place, twin in enumerate(case.healthy, 1)
]

SCHEMA = json.loads(
    importlib.resources.files("gradtool.report").joinpath("flow/flow-1.0.schema.json").read_text("utf-8")
)
EVIDENCE = SCHEMA["properties"]["evidence"]["oneOf"][0]["properties"]
INCIDENTS = set(EVIDENCE["incidents"]["items"]["properties"]["what"]["enum"])


def findings(request: Any, framework: str, folder: Path, text: str) -> list[Finding]:
    models = request.getfixturevalue(f"{framework}_models")
    evidence = File(framework, models, folder).evidence(text, script=True)
    assert isinstance(evidence, ModelEvidence)
    assert {one.what for one in evidence.incidents} <= INCIDENTS
    return list(judge(evidence)[0])


@pytest.mark.parametrize(("framework", "case"), LOOPS)
def test_a_fault_of_a_loop_is_told_with_its_line(request: Any, tmp_path: Path, framework: str, case: LoopCase) -> None:
    found = findings(request, framework, tmp_path, case.start + case.faulty)
    own = [one for one in found if one.code == case.code]
    assert len(own) == 1, found
    assert own[0].severity == case.severity
    assert case.words in own[0].message
    assert case.remedy in own[0].remedy
    assert case.line() in {own[0].source, ""}
    others = {one.code for one in found if one.severity == "error"}
    assert others <= {case.code, *case.beside}


@pytest.mark.parametrize(("framework", "code", "text"), TWINS)
def test_a_loop_that_looks_alike_and_is_right_is_quiet(
    request: Any, tmp_path: Path, framework: str, code: str, text: str
) -> None:
    found = findings(request, framework, tmp_path, text)
    assert [one for one in found if one.severity != "note" or one.code == code] == []
