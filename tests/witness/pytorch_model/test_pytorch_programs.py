"""What a training script does around its gradients: each fault with its healthy twins."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import ModelEvidence, Training
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


CARRIED = """
import torch
from torch import nn
torch.manual_seed(0)
cell, head = nn.GRU(4, 8, batch_first=True), nn.Linear(8, 1)
opt = torch.optim.Adam([*cell.parameters(), *head.parameters()])
h = None
for _ in range(5):
    out, h = cell(torch.randn(16, 6, 4), h)
    HERE
    loss = nn.functional.mse_loss(head(out[:, -1]), torch.randn(16, 1))
    opt.zero_grad(); loss.backward(); opt.step()
"""


@pytest.mark.parametrize("train", [0, 20])
def test_a_second_backward_pass_through_the_freed_graph_is_told(file: Any, train: int) -> None:
    asked = {"training": Training(train)} if train else {}
    evidence = file.evidence(CARRIED.replace("HERE", "pass"), **asked)
    (found,) = [one for one in judge(evidence)[0] if one.severity == "error"]
    assert (found.code, found.source) == ("GT146", "model.py:12")
    assert "RuntimeError: Trying to backward through the graph a second time" in found.message
    assert "h = h.detach()" in found.remedy
    assert evidence.norm > 0
    assert codes(file.evidence(CARRIED.replace("HERE", "h = h.detach()"), **asked)) == set()


def test_an_exception_behind_the_first_step_is_told_with_its_line(file: Any) -> None:
    evidence = file.evidence(f"{START}\nloss_of().backward()\nopt.step()\nraise ValueError('no such split')\n")
    (found,) = [one for one in judge(evidence)[0] if one.code == "GT146"]
    assert found.source == "model.py:12"
    assert found.message.endswith("ValueError: no such split")


@pytest.mark.parametrize(
    ("end", "told"), [("sys.exit()", False), ("sys.exit(0)", False), ("sys.exit(3)", True), ("input()", False)]
)
def test_a_program_that_ends_itself_in_peace_has_raised_nothing(file: Any, end: str, told: bool) -> None:
    evidence = file.evidence(f"{START}\nimport sys\nloss_of().backward()\nopt.step()\n{end}\n")
    assert (codes(evidence) == {"GT146"}) is told
    assert any("asked for input" in note for note in evidence.notes) is (end == "input()")


def test_what_to_do_is_told_of_a_first_backward_pass_that_raises_too(file: Any) -> None:
    failure = file.failure(f"{START}\n(net(torch.randn(16, 4)) ** 2).backward()\n")
    assert "scalar outputs" in failure.message
    assert ".mean() or .sum()" in failure.hint


def test_an_optimizer_that_never_steps_is_told_and_the_loss_is_that_of_the_gradient(file: Any) -> None:
    """The losses are 1, 2, 3 and 4 times the same: after clearing, only the last belongs to the gradient shown."""
    loop = """
x = torch.ones(1, 4)
def train():
    opt = torch.optim.Adam(net.parameters())
    for i in range(4):
        opt.zero_grad()
        ((i + 1) * (net(x) - net(x).detach() + 1).sum()).backward()
        STEP
train()
"""
    evidence = file.evidence(START.replace("opt = ", "_ = ") + loop.replace("STEP", "pass"))
    assert codes(evidence) == {"GT147"}
    assert "Adam did not step once: 4 backward passes" in next(f.message for f in judge(evidence)[0])
    assert evidence.loss.value == pytest.approx(4.0)
    assert evidence.parameters[-1].gradient is not None
    assert evidence.parameters[-1].gradient.norm == pytest.approx(4.0)
    assert row(evidence, "every one in the optimizer") == "passed"
    assert codes(file.evidence(START.replace("opt = ", "_ = ") + loop.replace("STEP", "opt.step()"))) == set()


def test_losses_whose_gradients_add_up_are_added_up(file: Any) -> None:
    loop = f"{START}\nfor _ in range(2):\n    opt.zero_grad()\n    for i in range(3): (net(torch.ones(1, 4)).sum()"
    evidence = file.evidence(
        f"{loop} * 0 + i + net[2].bias.sum() - net[2].bias.sum().detach()).backward()\n    opt.step()"
    )
    assert evidence.loss.value == pytest.approx(3.0)
    assert evidence.norm == pytest.approx(3.0)


def test_weights_moved_by_hand_need_no_optimizer(file: Any) -> None:
    by_hand = "for p in net.parameters(): p.data -= 0.01 * p.grad"
    evidence = file.evidence(f"{START}\nloss_of().backward()\n{by_hand}\n")
    assert codes(evidence) == set()


def test_one_backward_pass_without_a_step_is_a_warning(file: Any) -> None:
    (found,) = judge(file.evidence(f"{START}\nloss_of().backward()\n"))[0]
    assert (found.code, found.severity) == ("GT147", "warning")


TURNS = """
import torch
a, b = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
one, two = torch.optim.SGD(a.parameters(), lr=0.1), torch.optim.Adam(b.parameters())
for i in range(200):
    if FIRST:
        one.zero_grad(); (a.bias - a.bias.detach() + 1.0 + i).sum().backward(); one.step()
    if SECOND:
        two.zero_grad(); (7 * b.bias - 7 * b.bias.detach() + 500.0).sum().backward(); two.step()
"""


def test_two_optimizers_in_turns_are_no_one_course(file: Any) -> None:
    """The losses of the first are 1, 2, 3 and 4 with a gradient of 1, those of the second 500 with one of 7."""
    turns = TURNS.replace("FIRST", "True").replace("SECOND", "True")
    evidence = file.evidence(turns, training=Training(4))
    assert [step.loss for step in evidence.steps] == [1.0, 2.0, 3.0, 4.0]
    assert [step.norm for step in evidence.steps] == [1.0] * 4
    assert any("steps of the first SGD alone" in note and "(Adam)" in note for note in evidence.notes)
    alone = file.evidence(TURNS.replace("FIRST", "True").replace("SECOND", "False"), training=Training(4))
    assert [step.loss for step in alone.steps] == [1.0, 2.0, 3.0, 4.0]
    assert not any("alone" in note for note in alone.notes)


def test_an_optimizer_of_a_first_phase_is_not_waited_for(file: Any) -> None:
    phases = TURNS.replace("FIRST", "i < 3").replace("SECOND", "i >= 3") + "    assert i < 100\n"
    evidence = file.evidence(phases, training=Training(20))
    assert [step.loss for step in evidence.steps] == [1.0, 2.0, 3.0]
    assert evidence.incidents == []
