"""Where a number that is not finite is born, in the first pass or while training, as the worker's evidence says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradtool.evidence import ModelEvidence, Training
from gradtool.pipeline.flow import flow, requested
from gradtool.settings import FlowSettings
from gradtool.target.model_file import read_model_file
from gradtool.witness.host import Host

MODEL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(4), nn.Dropout(0.3)
        self.w = nn.Parameter(torch.tensor([0.3, 0.5, 0.7, 0.9]))

    def forward(self, x):
        h = self.drop(self.norm(x)) * 0.01 + self.w
        return torch.log(h{})

model = Net()
sample_inputs = torch.randn(16, 4)

def loss(output):
    return (output + 5).pow(2).sum() * 0.01
"""

SCRIPT = """
import torch

w = torch.tensor([0.3, 0.5], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)
for step in range(6):
    h = w - 0.0001
    y = torch.sqrt(h)
    loss = y.sum()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
"""


def told(evidence: ModelEvidence) -> list[tuple[str, str, str, list[str], int]]:
    return [(one.fate, one.kind, one.line.text, one.parameters, one.step) for one in evidence.causes]


def test_the_step_of_a_training_is_run_again_as_it_was(file: Any) -> None:
    """The first step leads w below 0; with other dropout or another running mean it would do so, too, by other numbers.

    The replay of step 2 sees the same: where it did not, a note would say so and no cause would be told.
    """
    evidence = file.evidence(MODEL.format(""), training=Training(10, "", 0.5))
    assert [step.nonfinite for step in evidence.steps] == ["", "w"]
    assert told(evidence) == [("nan", "log_of_negative", "return torch.log(h)", ["w", "norm.weight", "norm.bias"], 2)]
    (given,) = evidence.causes[0].operands
    assert given.shape == (16, 4)
    assert given.least is not None
    assert given.least < 0
    assert not any("second pass" in note or "run again" in note for note in evidence.notes)


def test_a_training_that_stays_finite_is_not_run_again(file: Any) -> None:
    evidence = file.evidence(MODEL.format(".abs() + 1"), training=Training(5, "", 0.5))
    assert evidence.causes == []
    assert all(step.nonfinite == "" for step in evidence.steps)


def test_a_first_pass_is_run_again(file: Any) -> None:
    evidence = file.evidence(MODEL.format(" - 100"))
    assert told(evidence) == [("nan", "log_of_negative", "return torch.log(h - 100)", told(evidence)[0][3], 0)]
    assert "w" in evidence.causes[0].parameters


def test_a_dead_gradient_is_found(file: Any) -> None:
    evidence = file.evidence(MODEL.format(".clamp(50, 60)"))
    assert {one[:3] for one in told(evidence)} == {("zero", "clamp", "return torch.log(h.clamp(50, 60))")}


@pytest.mark.parametrize("steps", [0, 6])
def test_a_program_is_run_again_until_its_step(torch_models: Host, tmp_path: Path, steps: int) -> None:
    """By hand: 0.3 - 0.25 / (2 sqrt(0.2999)) is 0.0717, and 0.0717 - 0.25 / (2 sqrt(0.0716)) is below 0: step 3."""
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    settings = FlowSettings(script=True, train=steps)
    request = requested(read_model_file(str(path)), "torch", settings)
    record = flow(str(path), request, settings, torch_models)
    assert record.evidence is not None
    expected = [("nan", "sqrt_of_negative", "y = torch.sqrt(h)", ["w"], 3)] if steps else []
    assert told(record.evidence) == expected
