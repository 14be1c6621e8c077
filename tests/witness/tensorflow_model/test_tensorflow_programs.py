"""What a training script does around its gradients: each fault with its healthy twins."""

from __future__ import annotations

from typing import Any

from gradtool.evidence import ModelEvidence, Training
from gradtool.verdict.flow.judgement import judge

START = """
import keras
import tensorflow as tf
net = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
opt = keras.optimizers.SGD(0.01)
x, y = tf.random.normal((32, 6)), tf.random.normal((32, 1))
"""
STEP = """
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(x) - y) ** 2)
    opt.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))
"""


def codes(evidence: ModelEvidence) -> set[str]:
    return {finding.code for finding in judge(evidence)[0] if finding.severity != "note"}


def test_an_exception_behind_the_first_step_is_told_with_its_line(file: Any) -> None:
    loop = f"{START}\nfor i in range(30):\n{STEP}\n    if i == 2: raise ValueError('no such split')\n"
    evidence = file.evidence(loop, training=Training(20))
    (found,) = [one for one in judge(evidence)[0] if one.severity == "error"]
    assert (found.code, found.source) == ("GT146", "model.py:14")
    assert found.message.endswith("ValueError: no such split")
    assert len(evidence.steps) == 3
    assert codes(file.evidence(loop, training=Training(2))) == set()
