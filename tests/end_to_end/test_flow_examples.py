"""gradtool flow on every example: each fault is named by its rule and its place, each healthy twin is left in peace."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import FRAMEWORKS, corpus

from gradtool.verdict.flow.record import FlowRecord

Looked = Callable[..., FlowRecord]

EXAMPLES = Path(__file__).parents[2] / "examples" / "flow"
ROWS = corpus("flow_examples.jsonl")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["file"]))
def test_an_example_is_diagnosed(looked: Looked, row: dict[str, Any]) -> None:
    record = looked(EXAMPLES / row["file"], row["framework"].replace("keras", "tensorflow"))
    assert not record.failures
    found = [(finding.code, finding.where) for finding in record.findings]
    for code, place in row["expect"]:
        assert any(code == one and where.startswith(place) for one, where in found), found
    if row["quiet"]:
        assert [finding for finding in record.findings if finding.severity == "error"] == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_published_course_of_a_diverging_line(looked: Looked, framework: str) -> None:
    """Norms and losses by hand: weights 10, rate 0.1, mean squared error over three samples."""
    path = EXAMPLES / framework.replace("tensorflow", "keras") / "linear_diverges.py"
    free = looked(path, framework, train=5).evidence
    assert free is not None
    assert [step.norm for step in free.steps] == pytest.approx(
        [4221.95, 122468, 3.5525e6, 1.0305e8, 2.9892e9], rel=1e-4
    )
    clipped = looked(path, framework, train=5, clip=1.0).evidence
    assert clipped is not None
    assert clipped.steps[0].loss == pytest.approx(29700.75)
    assert clipped.steps[-1].loss == pytest.approx(28035.98, rel=1e-6)
    assert clipped.steps[0].clipped == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_one_neuron_learns_what_was_published(looked: Looked, framework: str) -> None:
    """100 steps at rate 0.1 take the weight to -0.87418 and the bias to -0.27973; each step's loss by plain Python."""
    path = EXAMPLES / framework.replace("tensorflow", "keras") / "one_neuron.py"
    record = looked(path, framework, train=100)
    assert record.evidence is not None
    w, b, losses = 1.0, 0.0, []
    for _ in range(100):
        z = 6.7 * w + b
        losses.append(math.log1p(math.exp(z)))
        p = 1 / (1 + math.exp(-z))
        w, b = w - 0.1 * p * 6.7, b - 0.1 * p
    assert (round(w, 5), round(b, 5)) == (-0.87418, -0.27973)
    assert [step.loss for step in record.evidence.steps] == pytest.approx(losses, rel=1e-4)
