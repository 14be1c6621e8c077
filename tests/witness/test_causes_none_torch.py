"""Every planted cause of a missing gradient is told with its kind and its very line; the healthy twins give none."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from causes_program import Marks, functions_used, marks_of, run_file, twin_of
from corpus.causes_none_torch import AWAY, CASES, QUIET, SHARED, Case

torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
    pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad"),
]

from gradtool.evidence import Cause  # noqa: E402
from gradtool.witness.causes.replay import Wanted  # noqa: E402
from gradtool.witness.pytorch.causes.missing import MissingFinder  # noqa: E402
from gradtool.witness.pytorch.model.parameters import named  # noqa: E402


def told(folder: Path, text: str, *, script: bool = False) -> tuple[list[Cause], list[str], MissingFinder]:
    """What the finder says, and the names of all parameters."""
    file = folder / "case.py"
    file.write_text(SHARED + text)
    (folder / "away.py").write_text(AWAY)
    finder = MissingFinder()
    names = {} if script else run_file(file)
    with finder:
        names = names or run_file(file)
        loss = names["run"]()
        finder.before([loss])
        if loss.requires_grad:
            loss.backward()
    rows = named({"": names["model"]})
    none = [row.name for row in rows if row.tensor.grad is None]
    return finder.told(rows, loss, Wanted(none, cut=True)), [row.name for row in rows], finder


def found(causes: list[Cause]) -> Marks:
    return {(one.fate, one.kind, one.line.source.rpartition("/")[2], tuple(one.parameters)) for one in causes}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_planted_cause_is_told(case: Case, tmp_path: Path) -> None:
    causes, names, finder = told(tmp_path, case.text, script=case.script)
    away = functions_used(AWAY, case.text)
    assert found(causes) == marks_of(SHARED + case.text, "case.py", names) | marks_of(away, "away.py", names)
    if "torch.compile(" in case.text:
        assert "torch.compile was switched off" in finder.notes[0]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_healthy_twin_gives_none(case: Case, tmp_path: Path) -> None:
    causes, _, _ = told(tmp_path, twin_of(case.text, case.twin), script=case.script)
    assert causes == []


@pytest.mark.parametrize("name", QUIET)
def test_what_loses_no_gradient_is_not_told(name: str, tmp_path: Path) -> None:
    causes, _, _ = told(tmp_path, QUIET[name])
    assert causes == []
