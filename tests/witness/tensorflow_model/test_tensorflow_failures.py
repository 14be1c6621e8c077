"""A file that can't be used says why in one sentence, at the user's own line, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import InputSpec, Training

HEAD = "import keras\nimport tensorflow as tf\n"
DENSE = HEAD + "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])\n"

CASES = {
    "no model": ("x = 1\n", "defines no model"),
    "two models": (DENSE.replace("model =", "one =") + "two = keras.Sequential()\n", "holds 2 models: one, two"),
    "needs an argument": (
        HEAD + "class Net(keras.Model):\n    def __init__(self, width):\n        super().__init__()\n",
        "needs arguments: width",
    ),
    "raises": ("import keras\nraise ValueError('not today')\n", "ValueError: not today (model.py:2"),
    "exits": ("import sys\nsys.exit(3)\n", "sys.exit(3)"),
    "no input": (HEAD + "model = keras.Sequential([keras.layers.Dense(3)])\n", "no input for model is known"),
    "nothing to learn": (
        HEAD + "model = keras.Sequential([keras.Input((2,)), keras.layers.ReLU()])\n",
        "no parameters",
    ),
    "loss not scalar": (
        DENSE + "def loss_fn(y_true, y_pred):\n    return (y_true - y_pred) ** 2\n",
        "the loss loss_fn has shape 8x3, not a single number",
    ),
    "call raises": (
        HEAD
        + "class Net(keras.Model):\n    def call(self, x):\n        return x @ tf.ones((5, 5))\n"
        + "sample_inputs = tf.ones((2, 3))\nmodel = Net()\n",
        "calling the model, Net, on 2x3 float32 in 1..1 failed",
    ),
    "not an input": (DENSE + "", "TensorFlow has no dtype complex7"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_failure_says_what_is_wrong(file: Any, name: str) -> None:
    text, told = CASES[name]
    inputs = [InputSpec((2, 2), "complex7")] if name == "not an input" else []
    failure = file.failure(text, inputs=inputs)
    assert told in failure.message
    assert failure.reason == "file"
    assert failure.hint or failure.detail


def test_a_script_without_a_gradient(file: Any) -> None:
    assert "asks for no gradient" in file.failure("print('hello')\n", script=True).message


def test_an_unknown_loss_or_optimizer_names_those_that_are_known(file: Any) -> None:
    assert "cross_entropy" in file.failure(DENSE, loss="mean_cube").hint
    assert "adam" in file.failure(DENSE, training=Training(2, "atom")).hint


def test_a_device_that_is_not_there(file: Any) -> None:
    assert "sees no device" in file.failure(DENSE, device="tpu:3").message


def test_what_keras_prints_in_bold_is_told_plainly(file: Any) -> None:
    """Attention over time, by a layer that does not take the mask it is given."""
    failure = file.failure("""
        import keras
        import tensorflow as tf
        inputs = keras.Input((6,), dtype="int32")
        h = keras.layers.Embedding(9, 4, mask_zero=True)(inputs)
        weights = keras.layers.Softmax(axis=1)(keras.layers.Dense(1)(h))
        model = keras.Model(inputs, weights)
        sample_inputs = tf.ones((2, 6), tf.int32)
    """)
    assert "The `mask` must be broadcastable" in failure.message
    assert "\x1b" not in failure.message
