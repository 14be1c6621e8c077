"""Two models with an optimizer each: which one is cut off from its own loss, and which only waits for its step."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import Training
from gradtool.verdict.flow.judgement import judge

PARTS = """
import torch
from torch import nn
torch.manual_seed(1)
G = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
D = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 1))
bce, one, zero = nn.BCEWithLogitsLoss(), torch.ones(16, 1), torch.zeros(16, 1)
od, og = torch.optim.Adam(D.parameters(), lr=1e-4), torch.optim.Adam(G.parameters(), lr=1e-4)
real, noise = torch.randn(16, 2), torch.randn(16, 4)
"""
LOOPS = {
    "in turns": """
for _ in range(9):
    fake = {made}
    od.zero_grad(); (bce(D(real), one) + bce(D(fake{cut}), zero)).backward(); od.step()
    og.zero_grad(); bce(D(fake), one).backward(); og.step()
""",
    "generator first": """
for _ in range(9):
    fake = {made}
    og.zero_grad(); bce(D(fake), one).backward(); og.step()
    od.zero_grad(); (bce(D(real), one) + bce(D(fake{cut}), zero)).backward(); od.step()
""",
    "both steps last": """
for _ in range(9):
    fake = {made}
    od.zero_grad(); (bce(D(real), one) + bce(D(fake{cut}), zero)).backward()
    og.zero_grad(); bce(D(fake), one).backward()
    od.step(); og.step()
""",
    "five steps of the critic": """
for i in range(30):
    fake = {made}
    od.zero_grad(); (D(fake{cut}).mean() - D(real).mean()).backward(); od.step()
    if i % 5 == 4:
        og.zero_grad(); (-D(fake).mean()).backward(); og.step()
""",
}
HEALTHY = {"made": "G(noise)", "cut": ".detach()"}


def codes(evidence: Any) -> list[tuple[str, str, str]]:
    found = judge(evidence)[0]
    return [(row.code, row.severity, row.where) for row in found if row.severity != "note"]


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_generator_cut_off_from_its_own_loss_is_an_error(file: Any, loop: str, steps: int) -> None:
    ill = {**HEALTHY, "made": "G(noise).detach()"}
    evidence = file.evidence(PARTS + LOOPS[loop].format(**ill), training=Training(steps) if steps else None)
    assert codes(evidence) == [("GT106", "error", "G")]
    assert {p.name[0]: p.gradient is not None for p in evidence.parameters} == {"G": False, "D": True}
    assert not any("ran too" in note for note in evidence.notes)


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_healthy_generator_that_waits_for_its_step_is_not_accused(file: Any, loop: str, steps: int) -> None:
    evidence = file.evidence(PARTS + LOOPS[loop].format(**HEALTHY), training=Training(steps) if steps else None)
    assert codes(evidence) == []
    assert all(p.gradient is not None for p in evidence.parameters)


def test_a_generator_made_without_a_graph_is_cut_off_too(file: Any) -> None:
    text = PARTS + LOOPS["in turns"].format(**HEALTHY)
    evidence = file.evidence(text.replace("fake = G(noise)", "with torch.no_grad(): fake = G(noise)"))
    assert codes(evidence) == [("GT106", "error", "G")]
    assert "no gradient had reached it" in evidence.notes[-1]


def test_a_model_whose_step_never_comes_is_not_waited_for_to_the_end(file: Any) -> None:
    text = PARTS + (
        "for i in range(1000):\n"
        "    od.zero_grad(); (bce(D(real), one) + bce(D(G(noise).detach()), zero)).backward(); od.step()\n"
        "    open('count', 'w').write(str(i))\n"
    )
    evidence = file.evidence(text)
    assert codes(evidence) == []
    assert evidence.notes == ["G ran too; this loss does not reach it, and this Adam does not hold it"]
    assert 20 < int((file.folder / "count").read_text()) < 50


def test_a_model_that_no_optimizer_holds_is_not_waited_for(file: Any) -> None:
    text = PARTS + (
        "del og\n"
        "for i in range(9):\n"
        "    open('count', 'w').write(str(i))\n"
        "    od.zero_grad(); bce(D(G(noise).detach()), one).backward(); od.step()\n"
    )
    assert codes(file.evidence(text)) == []
    assert (file.folder / "count").read_text() == "1"
