"""A pass that leaves gradients missing is run again, and the worker's evidence says why they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradtool.evidence import ModelEvidence, ModelRequest
from gradtool.pipeline.flow import flow, requested
from gradtool.settings import FlowSettings
from gradtool.target.model_file import read_model_file
from gradtool.witness.host import Host

HEAD = """
import torch
from torch import nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 2)
        self.norm = nn.BatchNorm1d(3)

"""

MODEL = (
    HEAD
    + """    def forward(self, x):
        h = F.dropout(self.norm(self.a(x)))
        {}
        return self.b(h)

model = Net()
sample_inputs = torch.randn(8, 3)
"""
)

SCRIPT = (
    HEAD
    + """    def forward(self, x):
        h = self.norm(self.a(x))
        {}
        return self.b(h)

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(3):
    loss = F.mse_loss(net(torch.randn(8, 3)), torch.randn(8, 2))
    print("once", flush=True)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
"""
)


def told(evidence: ModelEvidence) -> list[tuple[str, str, str, list[str]]]:
    return [(one.fate, one.kind, one.line.text, one.parameters) for one in evidence.causes]


def test_a_model_is_run_again_where_a_gradient_is_missing(file: Any) -> None:
    evidence = file.evidence(MODEL.format("h = h.detach()"))
    before = ["a.weight", "a.bias", "norm.weight", "norm.bias"]
    assert told(evidence) == [("none", "detach", "h = h.detach()", before)]
    assert evidence.causes[0].line.source == "model.py:14"
    assert evidence.causes[0].line.function == "Net.forward"


@pytest.mark.parametrize("line", ["h = h * 1", "h = h.detach()"])
def test_only_a_model_that_misses_a_gradient_is_run_again(torch_models: Host, tmp_path: Path, line: str) -> None:
    path = tmp_path / "model.py"
    path.write_text(MODEL.format(line))
    list(torch_models.ask("torch", [ModelRequest(0, str(path))]))
    assert torch_models.last is not None
    assert ("second pass" in torch_models.last.doing) == ("detach" in line)


@pytest.mark.parametrize("line", ["h = (h**2).detach() + h", "h = h / h.norm().item()"])
def test_a_missing_path_is_told_where_every_gradient_is_there(file: Any, line: str) -> None:
    evidence = file.evidence(MODEL.format(line))
    assert all(parameter.gradient is not None for parameter in evidence.parameters)
    kind = "detach" if "detach" in line else "item"
    before = ["a.weight", "a.bias", "norm.weight", "norm.bias"]
    assert told(evidence) == [("cut", kind, line, before)]


@pytest.mark.parametrize(
    "line", ["self.last = h.detach()", "print(h.mean().item())", "h = h * (h.detach() > 0)", "h = h.float()"]
)
def test_what_is_only_logged_or_compared_is_no_missing_path(file: Any, line: str) -> None:
    evidence = file.evidence(MODEL.format(line))
    assert not evidence.cut
    assert evidence.causes == []


def test_the_second_pass_leaves_the_model_as_the_first_did(file: Any) -> None:
    """The file's own hooks see the same numbers twice; its buffers are those of one pass."""
    text = MODEL.format("h = h.detach()") + (
        "import json\nfrom pathlib import Path\nseen = []\n"
        "def hook(module, given, output):\n"
        "    seen.append([float(output.detach().sum()), int(model.norm.num_batches_tracked)])\n"
        "    Path('truth.json').write_text(json.dumps(seen))\n"
        "model.b.register_forward_hook(hook)\n"
    )
    file.evidence(text)
    first, second, *_ = file.wrote()
    assert first == second
    assert first[1] == 1


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("out.detach().mean()", "detach"),
        ("(out > 0).float().mean()", "comparison"),
        ("out.round().long().sum()", "integer"),
    ],
)
def test_a_loss_that_requires_no_gradient_is_evidence(file: Any, loss: str, kind: str) -> None:
    evidence = file.evidence(MODEL.format("pass") + f"def loss_fn(out):\n    return {loss}\n")
    assert all(parameter.gradient is None for parameter in evidence.parameters)
    (cause,) = evidence.causes
    assert (cause.kind, cause.line.text, len(cause.parameters)) == (kind, f"return {loss}", 6)
    assert "does not require a gradient" in evidence.notes[0]


def test_a_model_that_is_frozen_is_evidence(file: Any) -> None:
    evidence = file.evidence(MODEL.format("pass") + "model.requires_grad_(False)\n")
    (cause,) = evidence.causes
    assert (cause.kind, len(cause.parameters)) == ("frozen", 6)


def test_a_program_is_searched_where_it_is_asked_to(file: Any) -> None:
    evidence = file.evidence(SCRIPT.format("h = h.data"), find=["none"])
    before = ["a.weight", "a.bias", "norm.weight", "norm.bias"]
    assert told(evidence) == [("none", "data", "h = h.data", before)]
    assert file.evidence(SCRIPT.format("h = h.data")).causes == []


@pytest.mark.parametrize(
    ("line", "kind"), [("loss = loss.detach()", "detach"), ("loss = loss.new_tensor(loss.item())", "item")]
)
def test_a_program_whose_loss_requires_no_gradient_is_searched(file: Any, line: str, kind: str) -> None:
    text = SCRIPT.format("pass").replace("    print(", f"    {line}\n    print(")
    (cause,) = file.evidence(text, find=["none"]).causes
    assert (cause.kind, cause.line.text, len(cause.parameters)) == (kind, line, 6)


def test_several_losses_of_one_step_are_searched_together(file: Any) -> None:
    text = SCRIPT.format("h = h").replace(
        "loss.backward()", "net.a(torch.ones(1, 3)).sum().backward(); loss.backward()"
    )
    evidence = file.evidence(text.replace("return self.b(h)", "return self.b(h.detach())"), find=["none", "cut"])
    causes = [(one.fate, one.kind, one.parameters) for one in evidence.causes]
    assert causes == [
        ("none", "detach", ["norm.weight", "norm.bias"]),
    ]


def test_a_program_runs_a_second_time_in_a_process_of_its_own(torch_models: Host, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT.format("h = h.detach()").replace('print("once", flush=True)', "open('ran', 'a').write('x')"))
    settings = FlowSettings(script=True)
    request = requested(read_model_file(str(path)), "torch", settings)
    record = flow(str(path), request, settings, torch_models)
    assert record.evidence is not None
    assert [cause.kind for cause in record.evidence.causes] == ["detach"]
    assert record.evidence.steps == []
    assert (
        tmp_path / "ran"
    ).read_text() == "xxxxx"  # the first waits for what takes turns; the second ends with the second step


def test_a_program_that_does_not_do_the_same_again_is_not_explained(torch_models: Host, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    once = "import os; globals().setdefault('again', os.path.exists('ran'))\n        h = h if again else h.detach()"
    path.write_text(SCRIPT.format(f"{once}; open('ran', 'w')"))
    settings = FlowSettings(script=True)
    request = requested(read_model_file(str(path)), "torch", settings)
    record = flow(str(path), request, settings, torch_models)
    assert record.evidence is not None
    assert record.evidence.causes == []
    assert any("did not end as the first did" in note for note in record.evidence.notes)
