"""What is tried beside the one backward pass: micro-batches, the path integral, training."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import Training

PLAIN = """
import keras
import tensorflow as tf

keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((4,)), keras.layers.Dense(8, activation="tanh"), {} keras.layers.Dense(2),
])
model.compile(optimizer={!r}, loss="mse")
sample_inputs, sample_targets = tf.random.normal((12, 4)), tf.random.normal((12, 2))
"""


def test_micro_batches_of_a_plain_model_add_up(file: Any) -> None:
    found = file.evidence(PLAIN.format("", "sgd"), accumulate=3).accumulated
    assert (found.parts, found.sizes, found.reasons) == (3, [4, 4, 4], [])
    assert found.difference < 1e-6 * found.full
    assert found.summed == pytest.approx(found.full, rel=1e-5)


def test_unequal_micro_batches_batch_norm_and_dropout_are_reasons(file: Any) -> None:
    layers = "keras.layers.BatchNormalization(), keras.layers.Dropout(0.5),"
    found = file.evidence(PLAIN.format(layers, "sgd"), accumulate=5).accumulated
    assert found.sizes == [3, 3, 2, 2, 2]
    assert found.difference > 0.01 * found.full
    assert [reason.split()[0] for reason in found.reasons] == ["BatchNorm", "the", "Dropout"]


def test_the_path_integral_agrees_with_a_right_gradient(file: Any) -> None:
    evidence = file.evidence(PLAIN.format("", "sgd"), verify=True, dtype="float64")
    assert evidence.verified.agree
    assert evidence.verified.power < 1e-5


def test_the_path_integral_finds_a_wrong_gradient(file: Any) -> None:
    evidence = file.evidence(
        """
        import keras, tensorflow as tf
        @tf.custom_gradient
        def wrong(x):
            return x * x, lambda up: up * x  # 2 x is right
        class Square(keras.layers.Layer):
            def build(self, shape):
                self.w = self.add_weight(shape=(4,), initializer="ones", name="w")
            def call(self, x):
                return wrong(x * self.w)
        model = keras.Sequential([keras.Input((4,)), Square(name="square"), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        """,
        verify=True,
    )
    assert not evidence.verified.agree
    assert evidence.verified.scaled == {"square/w": pytest.approx(0.5, rel=1e-3)}


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_training_is_what_the_optimizer_does(file: Any, optimizer: str) -> None:
    text = PLAIN.format("", optimizer)
    evidence = file.evidence(text, training=Training(4))
    own = """
import json
losses = []
for _ in range(4):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(sample_inputs) - sample_targets) ** 2)
    losses.append(float(loss))
    model.optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
json.dump(losses, open("truth.json", "w"))
"""
    file.evidence(text + own, name="model")
    assert [step.loss for step in evidence.steps] == pytest.approx(file.wrote(), rel=1e-5)
    assert all(step.ratio is not None and step.ratio > 0 for step in evidence.steps)


def test_training_with_another_optimizer_clipped(file: Any) -> None:
    evidence = file.evidence(PLAIN.format("", "adam"), training=Training(3, "sgd", 0.5), clip=1e-3)
    assert (evidence.optimizer.kind, evidence.optimizer.rate) == ("SGD", 0.5)
    assert all(step.clipped == pytest.approx(1e-3, rel=1e-4) for step in evidence.steps)


def test_a_plain_module_is_trained_too(file: Any) -> None:
    evidence = file.evidence(
        """
        import tensorflow as tf
        class Line(tf.Module):
            def __init__(self):
                self.w = tf.Variable([[1.0], [2.0]])
            def __call__(self, x):
                return x @ self.w
        model, sample_inputs = Line(), tf.ones((8, 2))
        """,
        training=Training(3, "sgd", 0.01),
    )
    assert evidence.steps[2].loss < evidence.steps[0].loss


def test_training_ends_at_a_nan(file: Any) -> None:
    evidence = file.evidence(
        """
        import keras, tensorflow as tf
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        sample_inputs = tf.ones((4, 2))
        def loss_fn(outputs):
            return tf.reduce_mean(tf.sqrt(outputs - outputs))
        """,
        training=Training(9),
    )
    assert len(evidence.steps) == 1
    assert evidence.steps[0].nonfinite == "dense/kernel"


def test_what_a_stateful_cell_remembers_is_forgotten_before_each_run(file: Any) -> None:
    """The loss behind the step is that of the same first call, or it falls by something else than the gradient says."""
    found = file.evidence("""
        import keras, tensorflow as tf
        model = keras.Sequential([
            keras.Input((5, 3), batch_size=4), keras.layers.LSTM(6, stateful=True), keras.layers.Dense(1),
        ])
        model.compile(optimizer="sgd", loss="mse")
        sample_inputs, sample_targets = tf.random.normal((4, 5, 3)), tf.random.normal((4, 1))
    """)
    fallen = found.descent.before - found.descent.after
    assert fallen == pytest.approx(found.descent.promised, rel=0.02)


@pytest.mark.parametrize(("optimizer", "after"), [("SGD", 2.56), ("Adam", 3.61), ("RMSprop", 2.835089)])
def test_one_step_of_the_optimizer_is_tried_and_undone(file: Any, optimizer: str, after: float) -> None:
    """(w - 3)^2 at w = 1 has the gradient -4: SGD goes to 1.4, Adam to 1.1, RMSprop by 0.1 / sqrt(0.1) to 1.316."""
    evidence = file.evidence(f"""
        import keras, tensorflow as tf
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        model.compile(optimizer=keras.optimizers.{optimizer}(0.1), loss="mse")
        sample_inputs, sample_targets = tf.ones((1, 1)), 3 * tf.ones((1, 1))
    """)
    assert (evidence.stepped.before, evidence.stepped.same) == (4.0, True)
    assert evidence.stepped.after == pytest.approx(after, rel=1e-5)
    assert evidence.parameters[0].weights.norm == 1.0
