"""The scores that docs/flow.md publishes are those that the scripts print, and of the corpora of today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cases import WHOLE
from corpus import causes_nonfinite_tensorflow, causes_nonfinite_torch

ROOT = Path(__file__).resolve().parents[2]


def test_the_published_scores_are_of_every_case() -> None:
    """That gradtool is right on each is tested with its finders."""
    published = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8").splitlines()
    torch, tensorflow = len(causes_nonfinite_torch.CASES), len(causes_nonfinite_tensorflow.CASES)
    healthy = tensorflow + len(causes_nonfinite_tensorflow.INTENDED)
    assert f"gradtool: {torch} of {torch} lines right, 0 of {torch} healthy twins accused" in published
    assert f"gradtool: {tensorflow} of {tensorflow} lines right, 0 of {healthy} healthy programs accused" in published


@pytest.mark.parametrize(
    ("script", "framework"), [("causes_anomaly", "torch"), ("causes_check_numerics", "tensorflow")]
)
def test_the_published_scores_are_those_of_today(script: str, framework: str) -> None:
    """Of the whole corpora on demand: those of the frameworks' own tools change with their versions alone."""
    pytest.importorskip(framework)
    command = [sys.executable, str(ROOT / "benchmarks" / f"{script}.py"), "1" if WHOLE else "16"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    scores = [line for line in done.stdout.splitlines() if " lines right, " in line]
    published = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8")
    assert len(scores) == 2
    right, of = scores[0].removeprefix("gradtool: ").split(" lines right")[0].split(" of ")
    assert right == of
    assert not WHOLE or all(line in published for line in scores)
