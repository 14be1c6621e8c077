"""Two models with an optimizer each: which one is cut off from its own loss, and which only waits for its step."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import Training
from gradtool.verdict.flow.judgement import judge

PARTS = """
import keras
import tensorflow as tf
keras.utils.set_random_seed(1)
G = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(2)])
D = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
bce = keras.losses.BinaryCrossentropy(from_logits=True)
od, og = keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)
one, zero = tf.ones((16, 1)), tf.zeros((16, 1))
real, noise = tf.random.normal((16, 2)), tf.random.normal((16, 4))
def step(optimizer, tape, loss, model):
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
"""
CRITIC = """
    with tf.GradientTape() as tape:
        loss = bce(one, D(real)) + bce(zero, D({fake}))
    step(od, tape, loss, D)
"""
LOOPS = {
    "in turns": "for _ in range(9):" + CRITIC + """
    with tf.GradientTape() as tape:
        loss = bce(one, D({fake}))
    step(og, tape, loss, G)
""",
    "made outside the tape": "for _ in range(9):\n    fake = G(noise)" + CRITIC + """
    with tf.GradientTape() as tape:
        loss = bce(one, D({fake}))
    step(og, tape, loss, G)
""",
    "five steps of the critic": "for i in range(30):" + CRITIC + """
    if i % 5 == 4:
        with tf.GradientTape() as tape:
            loss = bce(one, D({fake}))
        step(og, tape, loss, G)
""",
    "two tapes at once": """
for _ in range(9):
    with tf.GradientTape() as first, tf.GradientTape() as second:
        fake = {fake}
        told, fooled = bce(one, D(real)) + bce(zero, D(fake)), bce(one, D(fake))
    mine, theirs = first.gradient(told, D.trainable_variables), second.gradient(fooled, G.trainable_variables)
    od.apply_gradients(zip(mine, D.trainable_variables))
    og.apply_gradients(zip(theirs, G.trainable_variables))
""",
}  # fmt: skip


def codes(evidence: Any) -> list[tuple[str, str, str]]:
    found = judge(evidence)[0]
    return [(row.code, row.severity, row.where) for row in found if row.severity != "note"]


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_generator_cut_off_from_its_own_loss_is_an_error(file: Any, loop: str, steps: int) -> None:
    fake = "fake" if "outside" in loop else "tf.stop_gradient(G(noise))"
    text = PARTS + LOOPS[loop].format(fake=fake)
    evidence = file.evidence(text, training=Training(steps) if steps else None)
    reached = {p.name: p.gradient is not None for p in evidence.parameters}
    assert [p.name for p in evidence.parameters if not p.gradient] == [name for name in reached if name[:2] == "G/"]
    assert list(reached.values()).count(True) == 4
    assert not any("ran too" in note for note in evidence.notes)
    # Keras refuses a step without any gradient, which ends the program where it comes to that.
    refused = [("GT146", "error", "program")] if steps and "critic" not in loop else []
    assert codes(evidence) == [("GT106", "error", "G"), *refused]
    (finding,) = [row for row in judge(evidence)[0] if row.code == "GT106"]
    assert "although their layers ran" in finding.message


@pytest.mark.parametrize("loop", LOOPS)
def test_the_line_that_cuts_a_generator_off_is_told(file: Any, loop: str) -> None:
    outside = "outside" in loop
    text = PARTS + LOOPS[loop].format(fake="fake" if outside else "tf.stop_gradient(G(noise))")
    (cause,) = [one for one in file.evidence(text, find=["none"]).causes if one.parameters[0].startswith("G/")]
    assert (cause.fate, cause.kind) == ("none", "outside_tape" if outside else "stop_gradient")
    assert "G(noise)" in cause.line.text
    assert len(cause.parameters) == 4
    # Of several lines that say the same, that of the generator's own step.
    numbers = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == cause.line.text]
    assert cause.line.source == f"model.py:{numbers[-1]}"


def test_a_filter_that_leaves_nothing_for_the_optimizer_hides_no_generator(file: Any) -> None:
    """The program raises where it hands over nothing at all; that the generator is cut off is told beside it."""
    filtered = PARTS.replace(
        "zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))",
        "(g, v) for g, v in zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables) if g is not"
        " None)",
    )
    cut = filtered + LOOPS["made outside the tape"].format(fake="fake")
    evidence = file.evidence(cut, find=["none"])
    assert {("GT106", "error", "G")} <= set(codes(evidence)) <= {("GT106", "error", "G"), ("GT146", "error", "program")}
    assert [(one.kind, one.line.text) for one in evidence.causes] == [("outside_tape", "fake = G(noise)")]
    assert codes(file.evidence(filtered + LOOPS["in turns"].format(fake="G(noise)"))) == []


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_healthy_generator_that_waits_for_its_step_is_not_accused(file: Any, loop: str, steps: int) -> None:
    text = PARTS + LOOPS[loop].format(fake="G(noise)")
    evidence = file.evidence(text, training=Training(steps) if steps else None)
    assert codes(evidence) == []
    assert all(p.gradient is not None for p in evidence.parameters)


def test_a_train_step_that_reuses_what_it_made_for_the_critic(file: Any) -> None:
    """As in Keras' own example of a GAN, whose generator makes new samples for its own loss, outside no tape."""
    text = (
        PARTS
        + """
class Gan(keras.Model):
    def __init__(self):
        super().__init__()
        self.G, self.D, self.od, self.og = G, D, od, og
    def train_step(self, real):
        fake = self.G(noise)
        with tf.GradientTape() as tape:
            loss = bce(one, self.D(real)) + bce(zero, self.D(fake))
        step(self.od, tape, loss, self.D)
        with tf.GradientTape() as tape:
            loss = bce(one, self.D({fake}))
        step(self.og, tape, loss, self.G)
        return {{"loss": loss}}
gan = Gan()
gan.compile()
gan.fit(real, batch_size=16, epochs=2, verbose=0)
"""
    )
    assert codes(file.evidence(text.format(fake="self.G(noise)"))) == []
    ((code, severity, _),) = codes(file.evidence(text.format(fake="fake")))
    assert (code, severity) == ("GT106", "error")


def test_a_model_whose_step_never_comes_is_not_waited_for_to_the_end(file: Any) -> None:
    text = PARTS + "for i in range(1000):\n    open('count', 'w').write(str(i))" + CRITIC.format(fake="G(noise)")
    assert codes(file.evidence(text)) == []
    assert 20 < int((file.folder / "count").read_text()) < 50
    file.evidence(text.replace("od, og = keras.optimizers.Adam(1e-4),", "od ="))
    assert (file.folder / "count").read_text() == "0"
