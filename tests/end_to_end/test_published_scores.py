"""The scores that docs/flow.md publishes are those that the scripts print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("script", "framework"), [("causes_anomaly", "torch"), ("causes_check_numerics", "tensorflow")]
)
def test_the_published_scores_are_those_of_today(script: str, framework: str) -> None:
    pytest.importorskip(framework)
    command = [sys.executable, str(ROOT / "benchmarks" / f"{script}.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    scores = [line for line in done.stdout.splitlines() if " lines right, " in line]
    published = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8")
    assert len(scores) == 2
    for line in scores:
        assert line in published
