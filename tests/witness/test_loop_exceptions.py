"""Exceptions of automatic differentiation are told with the user's line and with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from corpus.loop_exceptions import EXCEPTIONS, Raising
from user_file import File

from gradtool.evidence import Failure
from gradtool.verdict.flow.judgement import judge

CASES = [pytest.param(case, id=f"{case.framework}-{case.name}") for case in EXCEPTIONS]


def told(request: Any, folder: Path, case: Raising, *, faulty: bool) -> Any:
    models = request.getfixturevalue(f"{case.framework}_models")
    return File(case.framework, models, folder).answer(case.text(faulty=faulty), script=True)


@pytest.mark.parametrize("case", CASES)
def test_an_exception_is_told_with_its_line_and_its_remedy(request: Any, tmp_path: Path, case: Raising) -> None:
    answer = told(request, tmp_path, case, faulty=True)
    if isinstance(answer, Failure):
        message, remedy = answer.message, answer.hint
        assert f"({case.line()}: " in message
    else:
        (found,) = [one for one in judge(answer)[0] if one.code == "GT146"]
        message, remedy = found.message, found.remedy
        assert found.source == case.line()
    assert case.error in message
    assert case.remedy.lower() in remedy.lower()
    assert f"on {case.line('# changed')} ".lower() in remedy.lower() or not case.line("# changed")


@pytest.mark.parametrize("case", CASES)
def test_the_program_that_follows_the_remedy_runs(request: Any, tmp_path: Path, case: Raising) -> None:
    answer = told(request, tmp_path, case, faulty=False)
    assert not isinstance(answer, Failure), answer.message
    assert [one.code for one in judge(answer)[0] if one.severity == "error"] == []


IN_PLACE = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 1)
    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        CHANGE
        return self.last(hidden)
model = Net()
"""


def test_a_change_in_place_inside_a_model_that_we_run_is_named(torch_models: Any, tmp_path: Path) -> None:
    file = File("torch", torch_models, tmp_path)
    failure = file.failure(IN_PLACE.replace("CHANGE", "hidden *= 2"))
    assert "modified by an inplace operation" in failure.message
    assert "on model.py:10 " in failure.hint
    assert "(hidden *= 2)" in failure.hint
    assert file.evidence(IN_PLACE.replace("CHANGE", "hidden = hidden * 2")).norm > 0
