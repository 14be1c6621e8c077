"""Causes in training scripts, where every watch of a program is on beside the finders: the kind and the very line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from corpus.causes_case import Case
from corpus.script_causes_torch import CASES
from user_file import File

from gradtool.verdict.flow.judgement import judge
from gradtool.verdict.record import Finding
from gradtool.witness.causes.replay import FATES, wanted
from gradtool.witness.host import MODEL_WITNESSES, Host


def errors(models: Any, folder: Path, case: Case) -> list[Finding]:
    """What is told of the program as an error, behind the pass that is looked at again where something is wrong."""
    if case.files:  # a warm worker keeps the modules that a program has imported
        with Host(["torch"], timeout=200, registry=MODEL_WITNESSES) as fresh:
            return _errors(File("torch", fresh, folder), case)
    return _errors(File("torch", models, folder), case)


def _errors(file: File, case: Case) -> list[Finding]:
    for name, text in case.files.items():
        (file.folder / name).write_text(text)
    evidence = file.evidence(case.text, script=True)
    if wanted(evidence).fates():
        evidence = file.evidence(case.text, script=True, find=list(FATES))
    return [one for one in judge(evidence)[0] if one.severity == "error"]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_cause_in_a_script_is_told(torch_models: Any, tmp_path: Path, case: Case) -> None:
    found = errors(torch_models, tmp_path, case)
    assert [(one.cause and one.cause.kind, one.source) for one in found] == [(case.kind, case.line())]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_healed_script_is_quiet(torch_models: Any, tmp_path: Path, case: Case) -> None:
    assert errors(torch_models, tmp_path, case.healthy()) == []


TURNS = """
import torch
from torch import nn
torch.manual_seed(0)
trunk, heads = nn.Linear(8, 16), nn.ModuleList([nn.Linear(16, 1) for _ in range(3)])
net = nn.ModuleDict({"trunk": trunk, "heads": heads})
opt = torch.optim.Adam(net.parameters(), 1e-3)
for step in range(9):
    loss = heads[step % TURNS](trunk(torch.randn(16, 8))).square().mean()
    opt.zero_grad(); loss.backward(); opt.step()
"""


@pytest.mark.parametrize(("turns", "late"), [(3, [1, 2]), (2, [1])])
def test_parameters_that_take_turns_are_no_error(torch_models: Any, tmp_path: Path, turns: int, late: Any) -> None:
    evidence = File("torch", torch_models, tmp_path).evidence(TURNS.replace("TURNS", str(turns)), script=True)
    taking = tuple(f"heads.{head}.{name}" for head in late for name in ("weight", "bias"))
    assert tuple(one.name for one in evidence.parameters if one.late) == taking
    found = [(one.severity, one.parameters) for one in judge(evidence)[0] if one.code == "GT106"]
    never = [] if turns == 3 else [("error", ("heads.2.weight", "heads.2.bias"))]
    assert found == [*never, ("note", taking)]


def test_numbers_that_are_true_or_false_may_be_given_to_a_module(torch_models: Any, tmp_path: Path) -> None:
    text = """
    import torch
    class Masked(torch.nn.Linear):
        def forward(self, x, pad):
            return super().forward(x).masked_fill(pad, 0.0)
    net = Masked(3, 3)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):
        opt.zero_grad()
        net(torch.randn(4, 3), torch.rand(4, 3) > 0.5).sum().backward()
        opt.step()
    """
    assert errors(torch_models, tmp_path, Case("", "", text.replace("\n    ", "\n"), ("", ""))) == []


INNER = """
import torch
torch.manual_seed(0)
theta, log_rate = torch.randn(4, 1, requires_grad=True), torch.tensor(-3.0, requires_grad=True)
opt = torch.optim.Adam([theta, log_rate], lr=1e-2)
for _ in range(3):
    x, y = torch.randn(16, 4), torch.randn(16, 1)
    g, = torch.autograd.grad(((x[:8] @ theta - y[:8]) ** 2).mean(), theta)
    loss = ((x[8:] @ (theta - log_rate.exp().detach() * g) - y[8:]) ** 2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
"""


def test_a_bare_tensor_that_only_the_optimizer_knows_is_told(torch_models: Any, tmp_path: Path) -> None:
    (found,) = errors(torch_models, tmp_path, Case("", "", INNER, ("", "")))
    assert (found.cause and found.cause.kind, found.parameters, found.source) == ("detach", ("log_rate",), "model.py:9")
    healed = INNER.replace("exp().detach()", "exp()")
    assert errors(torch_models, tmp_path, Case("", "", healed, ("", ""))) == []


SAMPLES = """
import torch
from torch import nn
from torch.func import functional_call, grad, vmap
torch.manual_seed(0)
net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
def one(params, x, y):
    return nn.functional.mse_loss(functional_call(net, params, (x[None],)), y[None])
x, y = torch.randn(16, 4), torch.randn(16, 1)
for _ in range(3):
    each = vmap(grad(one), in_dims=(None, 0, 0))({k: v.detach() for k, v in net.named_parameters()}, x, y)
    opt.zero_grad()
    nn.functional.mse_loss(net(x), y).backward()
    for k, p in net.named_parameters():
        p.grad = each[k].clamp(-1, 1).mean(0)
    opt.step()
"""


def test_a_loss_under_the_transforms_of_functions_is_passed_by(torch_models: Any, tmp_path: Path) -> None:
    assert errors(torch_models, tmp_path, Case("", "", SAMPLES, ("", ""))) == []


ANEW = """
import torch
from torch import nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 1)
    def forward(self, x):
        h = nn.Parameter(torch.relu(self.a(x)))
        return self.b(h)
net = Net()
opt = torch.optim.SGD(net.parameters(), 0.1)
x, y = torch.randn(16, 4), torch.randn(16, 1)
for _ in range(3):
    opt.zero_grad()
    nn.functional.mse_loss(net(x), y).backward()
    opt.step()
"""


def test_a_parameter_that_is_made_in_forward_is_one_fault(torch_models: Any, tmp_path: Path) -> None:
    """Nobody could give it to the optimizer."""
    evidence = File("torch", torch_models, tmp_path).evidence(ANEW, script=True, find=["none"])
    found = [(one.code, one.cause and one.cause.kind, one.source) for one in judge(evidence)[0]]
    assert found == [("GT106", "new_tensor", "model.py:10")]


def test_a_tensor_that_only_a_function_knows_and_no_optimizer_holds_is_told(torch_models: Any, tmp_path: Path) -> None:
    hidden = ANEW.replace("nn.Parameter(torch.relu(self.a(x)))", "torch.relu(self.a(x)) * made()")
    hidden = hidden.replace(
        "class Net", "def made(kept=[torch.ones(8, requires_grad=True)]): return kept[0]\nclass Net"
    )
    evidence = File("torch", torch_models, tmp_path).evidence(hidden, script=True, find=["none"])
    assert "GT120" in {one.code for one in judge(evidence)[0]}
