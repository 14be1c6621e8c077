"""What ``gradtool flow`` costs on models of about 100 million parameters, at 512 tokens, beside a bare script.

The bare script builds the same model and calls backward once. The share of the figures is taken inside one process:
processor seconds of the statistics over those of one forward and backward pass, minima of several rounds.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["flow"]

HERE = Path(__file__).resolve().parent
GRADTOOL = str(Path(sys.executable).parent / "gradtool")
MODELS = {"PyTorch": "gpt_torch.py", "Keras": "gpt_keras.py"}
ROUNDS = 5

SHARE = {
    "PyTorch": """
import json, sys, time, torch
sys.path.insert(0, sys.argv[1])
import gpt_torch
from gradtool.witness.pytorch.model.parameters import named, parameters
from gradtool.witness.pytorch.model.recorder import Recorder
model, inputs, targets, loss = gpt_torch.gradtool_case()
rows = named({"": model})
def best(work, rounds=4):
    work()
    found = []
    for _ in range(rounds):
        began = time.process_time(); work(); found.append(time.process_time() - began)
    return min(found)
def passes():
    model.zero_grad(set_to_none=True)
    loss(model(inputs), targets).backward()
def watched():
    with Recorder():
        passes()
plain, seen = best(passes), best(watched)
figures = best(lambda: parameters(rows))
print(json.dumps([plain, seen - plain, figures]))
""",
    "Keras": """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import gradtool.witness.tensorflow.model.testimony
import tensorflow as tf
import gpt_keras
from gradtool.witness.tensorflow.model.parameters import named, parameters
from gradtool.witness.tensorflow.model.recorder import Recorder
model, inputs, targets, loss = gpt_keras.gradtool_case()
rows = named({"": model})
def passes():
    with tf.GradientTape() as tape:
        value = loss(targets, model(inputs, training=True))
    for row, gradient in zip(rows, tape.gradient(value, [row.tensor for row in rows])):
        row.gradient = gradient
def best(work, rounds=3):
    work()
    found = []
    for _ in range(rounds):
        began = time.process_time(); work(); found.append(time.process_time() - began)
    return min(found)
def watched():
    recorder = Recorder()
    with tf.GradientTape() as tape, recorder:
        value = loss(targets, model(inputs, training=True))
    wanted = [*(row.tensor for row in rows), *recorder.outputs.tensors()]
    recorder.outputs.take(tape.gradient(value, wanted)[len(rows):])
plain, seen = best(passes), best(watched)
print(json.dumps([plain, seen - plain, best(lambda: parameters(rows))]))
""",
}


ABOUT = (
    "`gradtool flow` on a language model of about 100 million parameters, one sequence of 512 tokens. The peer is a "
    "script that builds the same model and runs backward once. Shares are of processor time."
)
HEAD = (
    "| framework | whole command | script | ratio | figures of all gradients, of one forward and backward | looking on "
    "at every layer | peak memory over the script's |"
)


def flow() -> list[str]:
    """The lines of the page."""
    lines = [ABOUT, "", HEAD, "|---" * 7 + "|"]
    for framework, file in MODELS.items():
        command, script = [GRADTOOL, "flow", str(HERE / file)], [sys.executable, str(HERE / file)]
        own, peer = _alternating(command, script)
        plain, layers, figures = json.loads(_output([sys.executable, "-c", SHARE[framework], str(HERE)]))
        memory = _peak(command) / _peak(script)
        lines.append(
            f"| {framework} | {own:.1f} s | {peer:.1f} s | {own / peer:.2f} | {figures / plain:.1%} | "
            f"{max(layers, 0) / plain:.1%} | {memory:.2f} |"
        )
    return lines


def _alternating(command: Sequence[str], peer: Sequence[str]) -> tuple[float, float]:
    """The fastest of several rounds each, in turn."""
    pairs = [(_seconds(command), _seconds(peer)) for _ in range(ROUNDS)]
    return min(own for own, _ in pairs), min(other for _, other in pairs)


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def _peak(command: Sequence[str]) -> float:
    """The largest memory of the process or of any that it started."""
    code = f"import subprocess, resource; subprocess.run({list(command)!r}, capture_output=True)\n"
    code += f"print(resource.getrusage({resource.RUSAGE_CHILDREN}).ru_maxrss)"
    return float(_output([sys.executable, "-c", code]))


if __name__ == "__main__":
    print("\n".join(flow()))
