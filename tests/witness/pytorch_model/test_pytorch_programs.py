"""What a training script does around its gradients: each fault with its healthy twins."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import ModelEvidence
from gradtool.verdict.flow.judgement import judge

START = """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
opt = torch.optim.Adam(net.parameters())
def loss_of():
    return (net(torch.randn(16, 4)) - torch.randn(16, 1)).pow(2).mean()
"""


def codes(evidence: ModelEvidence) -> set[str]:
    return {finding.code for finding in judge(evidence)[0] if finding.severity != "note"}


def row(evidence: ModelEvidence, title: str) -> str:
    return next(item.state for item in judge(evidence)[1] if item.title.startswith(title))


@pytest.mark.parametrize("clear", ["opt.zero_grad()", "opt.zero_grad(set_to_none=False)", "net.zero_grad()"])
def test_gradients_cleared_between_backward_and_step(file: Any, clear: str) -> None:
    evidence = file.evidence(f"{START}\nfor _ in range(4):\n    loss_of().backward()\n    {clear}\n    opt.step()\n")
    assert codes(evidence) == {"GT145"}
    assert row(evidence, "gradients are zeroed") == "failed"
    assert [one.source for one in evidence.incidents] == ["model.py:13"] * len(evidence.incidents)


@pytest.mark.parametrize(
    "loop",
    [
        "opt.zero_grad(); loss_of().backward(); opt.step()",
        "loss_of().backward(); opt.step(); opt.zero_grad()",
        "[(loss_of() / 3).backward() for _ in range(3)]; opt.step(); opt.zero_grad()",
        "opt.zero_grad(); loss_of().backward(); opt.zero_grad(); loss_of().backward(); opt.step()",
    ],
)
def test_gradients_cleared_before_backward_or_behind_the_step_are_no_fault(file: Any, loop: str) -> None:
    evidence = file.evidence(f"{START}\nfor _ in range(4):\n    {loop}\n")
    assert codes(evidence) == set()
    assert row(evidence, "gradients are zeroed") == "passed"


def test_a_step_with_a_closure_clears_and_fills_gradients_itself(file: Any) -> None:
    evidence = file.evidence(
        START
        + """
opt = torch.optim.LBFGS(net.parameters(), lr=0.01)
def closure():
    opt.zero_grad()
    loss = loss_of()
    loss.backward()
    return loss
for _ in range(4):
    opt.zero_grad()
    opt.step(closure)
"""
    )
    assert "GT145" not in codes(evidence)


def test_two_optimizers_in_turns_that_clear_each_others_gradients_are_no_fault(file: Any) -> None:
    evidence = file.evidence("""
        import torch
        from torch import nn
        G, D = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
        og, od = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())
        bce = nn.BCEWithLogitsLoss()
        for _ in range(5):
            fake = G(torch.randn(16, 3))
            D.zero_grad()
            bce(D(torch.randn(16, 2)), torch.ones(16, 1)).backward()
            bce(D(fake.detach()), torch.zeros(16, 1)).backward()
            od.step()
            G.zero_grad()
            bce(D(fake), torch.ones(16, 1)).backward()
            og.step()
    """)
    assert codes(evidence) == set()
