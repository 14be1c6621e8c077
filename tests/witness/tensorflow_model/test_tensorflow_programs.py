"""What a training script does around its gradients: each fault with its healthy twins."""

from __future__ import annotations

import textwrap
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


def row(evidence: ModelEvidence, title: str) -> str:
    return next(item.state for item in judge(evidence)[1] if item.title.startswith(title))


def test_an_exception_behind_the_first_step_is_told_with_its_line(file: Any) -> None:
    loop = f"{START}\nfor i in range(30):\n{STEP}\n    if i == 2: raise ValueError('no such split')\n"
    evidence = file.evidence(loop, training=Training(20))
    (found,) = [one for one in judge(evidence)[0] if one.severity == "error"]
    assert (found.code, found.source) == ("GT146", "model.py:14")
    assert found.message.endswith("ValueError: no such split")
    assert len(evidence.steps) == 3
    assert codes(file.evidence(loop, training=Training(2))) == set()


def test_an_optimizer_that_is_given_nothing_is_told(file: Any) -> None:
    """A function's own optimizer, and the module's."""
    ask = STEP.replace("opt.apply_gradients(zip(", "list(zip(")
    evidence = file.evidence(f"{START}\nfor i in range(3):\n{ask}")
    assert codes(evidence) == {"GT147"}
    assert row(evidence, "every one in the optimizer") == "passed"
    inside = "\ndef train():\n    opt = keras.optimizers.Adam()\n    for i in range(3):\n"
    (found,) = judge(
        file.evidence(f"{START.replace('opt =', 'OPT = lambda:')}{inside}{textwrap.indent(ask, '    ')}\ntrain()\n")
    )[0]
    assert (found.code, found.severity) == ("GT147", "error")
    assert found.message == "Adam did not step once: 3 backward passes moved no weight"
    assert codes(file.evidence(f"{START}\nfor i in range(3):\n{STEP}")) == set()


def test_a_step_from_which_every_gradient_was_left_out_is_told(file: Any) -> None:
    """Keras says no more than that there are not enough values to unpack."""
    text = f"{START}\nfor i in range(2):\n{STEP}"
    cut = text.replace("(net(x) - y)", "(tf.stop_gradient(net(x)) - y)")
    left_out = "((g, v) for g, v in zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables) if {})"
    given = "zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables)"
    assert given in cut
    found = judge(file.evidence(cut.replace(given, left_out.format("g is not None"))))[0]
    (raised,) = [one for one in found if one.code == "GT146"]
    assert "not enough values to unpack" in raised.message
    assert "every one was None" in raised.remedy
    assert "GT146" not in codes(file.evidence(text.replace(given, left_out.format("g is not None"))))


def test_variables_moved_by_hand_need_no_optimizer(file: Any) -> None:
    by_hand = STEP.replace("opt.apply_gradients(zip(", "for g, v in list(zip(").rstrip() + ": v.assign_sub(g)"
    assert "assign_sub" in by_hand
    assert codes(file.evidence(f"{START}\nfor i in range(1):\n{by_hand}")) == set()


FIT = """
import keras
import numpy as np
net = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)])
FREEZE
net.compile("adam", "mse")
net.fit(np.ones((16, 6)), np.zeros((16, 2)), epochs=1, verbose=0)
"""


def test_a_model_that_is_frozen_throughout_is_an_error_and_a_frozen_trunk_is_not(file: Any) -> None:
    evidence = file.evidence(FIT.replace("FREEZE", "net.trainable = False"))
    (found,) = [one for one in judge(evidence)[0] if one.severity == "error"]
    assert (found.code, found.message) == ("GT107", "all 4 parameters are frozen: nothing can learn")
    assert evidence.loss.value > 0
    trunk = file.evidence(FIT.replace("FREEZE", "net.layers[0].trainable = False"))
    assert [one.severity for one in judge(trunk)[0] if one.code == "GT107"] == ["note"]
    assert not [one for one in judge(trunk)[0] if one.severity == "error"]


def test_a_loss_outside_the_tape_is_told_with_the_tape_in_the_remedy(file: Any) -> None:
    outside = STEP.replace("        loss = tf.reduce_mean((net(x) - y) ** 2)", "        p = net(x)\n    LOSS")
    outside = outside.replace("LOSS", "loss = tf.reduce_mean((p - y) ** 2)")
    evidence = file.evidence(f"{START}\nfor i in range(3):\n{outside}")
    (found,) = [one for one in judge(evidence)[0] if one.severity == "error"]
    assert found.code == "GT106"
    assert "all 4 parameters got no gradient" in found.message
    assert "inside the with block of the tape" in found.remedy
    assert row(evidence, "every trainable parameter reached") == "failed"
    inside = outside.replace("\n    loss", "\n        loss")
    assert codes(file.evidence(f"{START}\nfor i in range(3):\n{inside}")) == set()


def test_a_tape_asked_for_nothing_since_everything_is_frozen_is_an_error(file: Any) -> None:
    text = START.replace("opt = ", "net.trainable = False\nopt = ")
    evidence = file.evidence(f"{text}\nfor i in range(3):\n{STEP}")
    assert codes(evidence) == {"GT107"}
    assert row(evidence, "gradients are on") == "failed"


def test_two_optimizers_in_turns_are_no_one_course(file: Any) -> None:
    """The losses of the first are 1, 2, 3 and 4 with a gradient of 1, those of the second 500 with one of 7."""
    evidence = file.evidence(
        """
        import keras
        import tensorflow as tf
        a, b = tf.Variable(1.0), tf.Variable(1.0)
        one, two = keras.optimizers.SGD(0.1), keras.optimizers.Adam()
        for i in range(100):
            with tf.GradientTape() as tape:
                loss = a - tf.stop_gradient(a) + 1.0 + i
            one.apply_gradients([(tape.gradient(loss, a), a)])
            with tf.GradientTape() as tape:
                loss = 7 * b - tf.stop_gradient(7 * b) + 500.0
            two.apply_gradients([(tape.gradient(loss, b), b)])
        """,
        training=Training(4),
    )
    assert [step.loss for step in evidence.steps] == [1.0, 2.0, 3.0, 4.0]
    assert [step.norm for step in evidence.steps] == [1.0] * 4
    assert any("steps of the first SGD alone" in note and "(Adam)" in note for note in evidence.notes)
