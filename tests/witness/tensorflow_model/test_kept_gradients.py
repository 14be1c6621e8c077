"""Sums of gradients that a loop never sets back to zero, which a second step shows."""

from __future__ import annotations

import pytest
from user_file import File

from gradtool.evidence import ModelEvidence, Training
from gradtool.verdict.flow.judgement import judge

START = """
import keras
import tensorflow as tf

keras.utils.set_random_seed(3)
x = tf.random.normal((8, 3))
y = tf.reduce_sum(x, 1, keepdims=True)
net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
weights = net.trainable_variables
opt = keras.optimizers.SGD(0.01)


def gradients(part):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(x[4 * part : 4 * part + 4]) - y[4 * part : 4 * part + 4]) ** 2) / 2
    return tape.gradient(loss, weights)


total = [tf.zeros_like(w) for w in weights]
"""
STEPS = """
for _ in range(3):
    for part in range(2):
        total = [t + g for t, g in zip(total, gradients(part))]
    opt.apply_gradients(zip(total, weights))  # <- here
"""
BY_VARIABLES = """
total = [tf.Variable(t, trainable=False) for t in total]
for _ in range(3):
    for part in range(2):
        for t, g in zip(total, gradients(part)):
            t.assign_add(g)
    opt.apply_gradients(zip(total, weights))  # <- here
"""
HEALTHY = {
    "begun anew": STEPS + "    total = [tf.zeros_like(w) for w in weights]\n",
    "variables that begin anew": BY_VARIABLES + "    for t in total:\n        t.assign(tf.zeros_like(t))\n",
    "a momentum": STEPS.replace("t + g for", "0.9 * t + g for"),
    "the last gradient": STEPS.replace("t + g for", "g for"),
}


def seen(file: File, text: str) -> ModelEvidence:
    return file.evidence(START + text, script=True, training=Training(3))


@pytest.mark.parametrize("text", [STEPS, BY_VARIABLES], ids=["tensors", "variables"])
def test_sums_that_are_kept_are_told_once_with_the_line_of_the_step(text: str, file: File) -> None:
    (finding,) = [one for one in judge(seen(file, text))[0] if one.code == "GT130"]
    lines = (START + text).splitlines()
    assert finding.severity == "error"
    assert finding.source.endswith(f"model.py:{lines.index(next(one for one in lines if '# <- here' in one)) + 1}")
    assert "zeros_like" in finding.remedy


@pytest.mark.parametrize("name", HEALTHY)
def test_sums_that_begin_anew_are_quiet(name: str, file: File) -> None:
    assert [one.code for one in judge(seen(file, HEALTHY[name]))[0] if one.severity != "note"] == []
