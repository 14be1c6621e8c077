"""Watching a loop leaves nothing behind, also where the program raises and where one watch stands inside another."""

from __future__ import annotations

import subprocess
import sys

import pytest

TORCH = """
import torch
from torch.optim.optimizer import _global_optimizer_pre_hooks as pre, _global_optimizer_post_hooks as post
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.pytorch.model.loop import Loop
from gradtool.witness.pytorch.model.recorder import Recorder
watch = lambda: Loop().watched()
def state():
    modes = torch.overrides._get_current_function_mode_stack()
    hooks = torch.nn.modules.module._global_forward_pre_hooks
    own = [(p, n, p.__dict__.get(n)) for p, n in (
        (torch.amp.GradScaler, "scale"), (torch.amp.GradScaler, "unscale_"), (torch.optim.Optimizer, "__init__"),
        (torch.nn.utils, "clip_grad_norm_"), (torch.nn.utils.clip_grad, "clip_grad_value_"))]
    return len(modes), len(hooks), len(pre), len(post), own
def inner():
    with Recorder() as recorder, recorder.changes.named():
        raise UserFileError("wrong")
"""
TENSORFLOW = """
import keras, tensorflow as tf
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.tensorflow.model.loop import MOODY, Loop
watch = lambda: Loop(lambda: []).watched()
def state():
    places = [(tf.GradientTape, n) for n in ("__init__", "__enter__", "__exit__", "gradient")]
    places += [(tf, "reduce_mean"), (tf.math, "reduce_mean"), (keras.ops, "mean"), (keras.losses.Loss, "__call__")]
    return [(p, n, p.__dict__.get(n)) for p, n in (*places, *((layer, "call") for layer in MOODY))]
def inner():
    raise UserFileError("wrong")
"""
PROGRAM = """
before = state()
try:
    with watch():
        assert state() != before
        with watch():
            inner()
except UserFileError:
    pass
assert state() == before, (before, state())
print("clean")
"""


@pytest.mark.parametrize("start", [TORCH, TENSORFLOW], ids=["torch", "tensorflow"])
def test_nothing_is_left_behind(start: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", start + PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "clean", done.stderr[-2000:]
