"""What a dtype keeps of the gradient, against the same model in float64; and notes where that can't be known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradtool.evidence import Training

TENTH = """
import keras, tensorflow as tf
model = keras.Sequential([
    {} keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(0.1), name="one"),
])
sample_inputs, sample_targets = tf.constant([[1.0]]), tf.constant([[0.0]])
loss_fn = {}
"""
OWN = float(np.float32(0.1))
SHORT = {"float16": 0.0999755859375, "bfloat16": 0.10009765625, "float32": OWN}
"""The number of each dtype that is nearest to 0.1, as in their tables."""


@pytest.mark.parametrize("built", ["keras.Input((1,)),", ""])
@pytest.mark.parametrize("loss", ["keras.losses.MeanSquaredError()", "lambda out, y: tf.reduce_mean((out - y)**2)"])
@pytest.mark.parametrize("dtype", list(SHORT))
def test_digits_are_those_that_rounding_the_weight_leaves(file: Any, dtype: str, loss: str, built: str) -> None:
    """The gradient of w^2 is 2 w, so what is lost is what the weight loses."""
    found = file.evidence(TENTH.format(built, loss), dtype=dtype)
    lost = abs(SHORT[dtype] - OWN) / OWN
    kept = -math.log10(lost) if lost else 17.0
    (digits,) = found.digits
    assert (digits.dtype, list(digits.parameters)) == (dtype, ["one/kernel"])
    assert digits.parameters["one/kernel"] == digits.whole == pytest.approx(kept, rel=1e-9)
    assert found.parameters[0].gradient.largest == 2 * SHORT[dtype]
    assert found.notes == []


DEEP = """
import json, keras, numpy as np, tensorflow as tf
rng = np.random.default_rng(0)
sample_inputs, sample_targets = rng.normal(size=(16, 4)), rng.normal(size=(16, 3))
model = keras.Sequential([
    keras.Input((4,)), keras.layers.Dense(8, activation="tanh"), keras.layers.BatchNormalization(),
    keras.layers.Dense(3),
])
model.compile({!r}, "mse")
if keras.config.floatx() == "float32":
    json.dump([w.numpy().tolist() for w in model.trainable_variables], open("truth.json", "w"))
"""


@pytest.mark.parametrize(("dtype", "least", "most"), [("float16", 2.5, 4), ("bfloat16", 1.2, 3), ("float32", 6, 8)])
def test_a_deep_model_keeps_about_the_digits_of_its_dtype(file: Any, dtype: str, least: float, most: float) -> None:
    found = file.evidence(DEEP.format("sgd"), dtype=dtype)
    (digits,) = found.digits
    assert least < digits.whole < most
    assert set(digits.parameters) == {p.name for p in found.parameters}
    assert found.dtype == dtype
    assert all((p.halves is None) is (dtype == "float32") for p in found.parameters)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_the_weights_are_those_of_the_files_own_dtype(file: Any, dtype: str) -> None:
    found = file.evidence(DEEP.format("sgd"), dtype=dtype)
    own = [np.array(w, np.float32).astype(dtype).astype(np.float64) for w in file.wrote()]
    assert [p.weights.norm for p in found.parameters] == pytest.approx([np.linalg.norm(w) for w in own], rel=1e-6)
    assert [p.dtype for p in found.parameters] == [dtype] * 6


def test_the_float64_run_leaves_the_experiments_in_their_dtype(file: Any) -> None:
    found = file.evidence(DEEP.format("sgd"), dtype="bfloat16", training=Training(3, "sgd", 0.1), accumulate=2)
    assert len(found.steps) == 3
    assert found.after.loss < found.steps[0].loss
    assert found.accumulated.parts == 2


def test_parts_of_the_model_in_a_file_beside_it_are_built_anew(file: Any) -> None:
    (file.folder / "parts_beside.py").write_text(
        "import keras\nhidden = keras.layers.Dense(3, activation='tanh', name='hidden')\n", encoding="utf-8"
    )
    found = file.evidence(
        """
        import keras, parts_beside
        model = keras.Sequential([keras.Input((4,)), parts_beside.hidden, keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        """,
        dtype="float16",
    )
    assert {p.dtype for p in found.parameters} == {"float16"}
    assert 2 < found.digits[0].whole < 5


def test_digits_of_what_fit_trains_on(file: Any) -> None:
    found = file.evidence(
        """
        import keras, numpy as np
        net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
        net.compile("adam", "sparse_categorical_crossentropy")
        net.fit(np.random.rand(32, 4), np.random.randint(0, 3, 32), verbose=0)
        """,
        dtype="float16",
    )
    assert 2 < found.digits[0].whole < 5


DROPOUT = (
    "import keras\nmodel = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dropout(0.5)])"
)


def test_a_model_that_draws_other_numbers_in_each_dtype_can_not_be_compared(file: Any) -> None:
    (note,) = (drawn := file.evidence(DROPOUT, dtype="float16")).notes
    assert "draws random numbers" in note
    assert "--mode eval" in note
    assert drawn.digits == []
    still = file.evidence(DROPOUT, dtype="float16", mode="eval")
    assert still.notes == []
    assert 2 < still.digits[0].whole < 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers = [keras.layers.Dense(3 if keras.config.floatx() == 'float16' else 2)]", "(4, 3) in one dtype"),
        ("layers = [keras.layers.Dense(3) for _ in keras.config.floatx()[6:]]", "variables in one dtype"),
        ("layers = [keras.layers.Dense(3 if keras.config.floatx() == 'float64' else 2)]", "in float64"),
        ("layers = [keras.layers.Dense(2)]\nassert keras.config.floatx() != 'float64'", "could not be run"),
        ("layers = [keras.layers.Dense(2), keras.layers.Softmax(dtype='float32')]", "softmax works in float32"),
        ("layers = [keras.layers.Dense(2, dtype='float32')]", "is float32"),
    ],
)
def test_a_file_that_gives_another_model_in_another_dtype_is_noted(file: Any, text: str, said: str) -> None:
    model = "\nmodel = keras.Sequential([keras.Input((4,)), *layers])"
    found = file.evidence(
        f"import keras\n{text}{model}", dtype="bfloat16" if "layers.Dense(3) for" in text else "float16"
    )
    assert found.digits == []
    assert said in " ".join(found.notes)
    assert found.norm > 0


def test_a_module_in_bare_variables_says_that_the_dtype_does_not_reach_it(file: Any) -> None:
    found = file.evidence(
        """
        import tensorflow as tf
        class Line(tf.Module):
            def __init__(self):
                self.w = tf.Variable([[1.0], [2.0]])
            def __call__(self, x):
                return x @ self.w
        model = Line()
        sample_inputs, sample_targets = tf.ones((4, 2)), tf.zeros((4, 1))
        """,
        dtype="float16",
    )
    assert (found.dtype, found.digits) == ("float32", [])
    assert "w is float32" in found.notes[0]


def test_a_script_runs_in_its_own_dtype_and_says_so(file: Any) -> None:
    found = file.evidence(
        """
        import keras, tensorflow as tf
        layer = keras.layers.Dense(1)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(tf.ones((2, 3))) ** 2)
        own = layer.trainable_variables
        keras.optimizers.SGD().apply_gradients(zip(tape.gradient(loss, own), own))
        """,
        dtype="float16",
        script=True,
    )
    assert found.dtype == "float32"
    assert "--dtype" in found.notes[-1]
