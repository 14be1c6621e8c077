"""The pytest plugin, run by pytest itself in a project of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FILE = """
import pytest, sys
assert "torch" not in sys.modules and "numpy" not in sys.modules and "sympy" not in sys.modules

def test_right(assert_gradient):
    import torch
    assert assert_gradient(torch.sin, torch.tensor([0.5, 1.5], dtype=torch.float64)).verdict == "verified"

@pytest.mark.gradient(surrogate=True)
def test_declared(assert_gradient):
    import torch
    assert_gradient(lambda x: x + (x.round() - x).detach(), torch.tensor([0.7], dtype=torch.float64))

def test_wrong(assert_gradient):
    import torch
    assert_gradient(lambda x: x + (x**2).detach(), torch.tensor([0.7], dtype=torch.float64))
"""


def test_fixture_and_marker(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(FILE)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", "-q", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "the gradient is wrong" in done.stdout
