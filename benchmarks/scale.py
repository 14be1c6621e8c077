"""Measures gradtool on large arrays and high orders, beside torch.autograd.gradcheck on the same work."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["scale"]

GRADTOOL = str(Path(sys.executable).parent / "gradtool")
GRADCHECK = """
import torch
torch.manual_seed(0)
x = torch.randn({size}, dtype=torch.float64, requires_grad=True)
torch.autograd.gradcheck(lambda x: {function}, [x], fast_mode={fast})
"""
SINES, SOFTMAX = "sum(sin(x**2)+cos(x))", "sum(softmax(x)*x)"
TORCH = {SINES: "(torch.sin(x**2) + torch.cos(x)).sum()", SOFTMAX: "(torch.softmax(x, 0)*x).sum()"}


def scale() -> list[str]:
    """The lines of the page: the work, gradtool, and the peer where there is one."""
    rows = [
        _beside(SINES, 100, "False"),
        _beside(SINES, 1_000, "False"),
        _beside(SOFTMAX, 1_000, "False"),
        _beside(SINES, 100_000, "True"),
        _alone("every derivative of tanh(sin(x)*exp(x)) up to order 5",
               ["tanh(sin(x)*exp(x))", "--at", "x=0.7", "--order", "5"]),
        _alone("the Hessian of logsumexp of 50 variables", ["logsumexp(x)", "--at", "x=normal(50)", "--hessian"]),
        _alone("the Jacobian of a 100x100 matrix product",
               ["A @ x", "--at", "A=normal(100,100),x=normal(100)", "--wrt", "x", "--jacobian"]),
    ]  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    head = ["| work | gradtool | torch.autograd.gradcheck | ratio |", "|---|---|---|---|"]
    return [*head, *rows, "", f"The largest process took {memory:.0f} MB."]


def _beside(expression: str, size: int, fast: str) -> str:
    """One line: whole processes in turn."""
    script = GRADCHECK.format(size=size, function=TORCH[expression], fast=fast)
    own = [GRADTOOL, "check", expression, "--at", f"x=normal({size})"]
    pairs = [(_seconds(own), _seconds([sys.executable, "-c", script])) for _ in range(3)]
    mine, peer = (statistics.median(times) for times in zip(*pairs, strict=True))
    mode = "fast mode" if fast == "True" else "every entry"
    return f"| {expression}, {size} entries | {mine:.1f} s | {peer:.1f} s, {mode} | {mine / peer:.2f} |"


def _alone(work: str, arguments: list[str]) -> str:
    mine = statistics.median(_seconds([GRADTOOL, "check", *arguments]) for _ in range(3))
    return f"| {work} | {mine:.1f} s | - | - |"


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began
