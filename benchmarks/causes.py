"""What the finders of causes cost: their replays beside a bare training step, and what a healthy run pays for them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["causes"]

HERE = Path(__file__).resolve().parent
ROWS = (
    ("PyTorch", "torch", "language model, 110 million", "gpt_torch", 1.3),
    ("PyTorch", "torch", "ResNet50, 4 images", "resnet_torch", 1.3),
    ("Keras", "keras", "language model, 110 million", "gpt_keras", 2.0),
    ("Keras", "keras", "ResNet50, 4 images", "resnet_keras", 2.0),
)
ABOUT = (
    "The finders of causes run only when a gradient is missing, zero or not finite: the pass is then replayed under "
    "one of them. A fault is planted behind the model, so that every gradient is touched by it; seconds of a replay "
    "over those of a bare step, in turn. The last column is what a program without a fault pays for being watched: "
    "processor seconds of `--train 3` over those of the same run in which nothing is looked at for the sake of causes, "
    "the least of five runs each; repeated, it varies by about four points. The finder of None needs no backward pass "
    "in TensorFlow."
)
HEAD = "| framework | model | a step | None | zero | NaN | wanted at most | a healthy run |"


def causes() -> list[str]:
    """The lines of the page."""
    lines = [ABOUT, "", HEAD, "|---" * 8 + "|"]
    for title, framework, model, module, limit in ROWS:
        replays = _output(f"causes_replay_{framework}.py", module)
        step = statistics.median(bare for pairs in replays.values() for bare, _ in pairs)
        ratios = [statistics.median(own / bare for bare, own in replays[find]) for find in ("None", "zero", "NaN")]
        healthy = _output("causes_healthy.py", framework, module)
        share = min(own for own, _ in healthy) / min(bare for _, bare in healthy) - 1
        told = " | ".join(f"{one:.2f}" for one in ratios)
        lines.append(f"| {title} | {model} | {step:.1f} s | {told} | {limit} | {share:+.1%} |")
    return lines


def _output(script: str, *arguments: str) -> Any:
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE)
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    print("\n".join(causes()))
