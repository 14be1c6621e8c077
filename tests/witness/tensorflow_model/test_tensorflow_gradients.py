"""Gradients, norms and statistics equal those of a tape that the file writes by hand."""

from __future__ import annotations

from typing import Any

import pytest

MLP = """
import keras
import tensorflow as tf

keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((5,)), keras.layers.Dense(7, activation="tanh"), keras.layers.Dense(3),
])
x, y = tf.random.normal((11, 5)), tf.random.uniform((11,), 0, 3, tf.int32)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

def gradtool_case():
    return model, x, y, loss

truth(lambda: loss(y, model(x, training=True)), model.trainable_variables)
"""


def test_the_gradients_of_a_sequential_model_are_those_of_its_own_tape(file: Any, truth: str) -> None:
    evidence = file.evidence(truth + MLP, clip=0.01)
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-6)
    assert evidence.norm == pytest.approx(told["global"], rel=1e-6)
    assert evidence.loss.value == pytest.approx(told["loss"], rel=1e-6)
    assert evidence.clipped.after == pytest.approx(told["clipped"], rel=1e-6)
    assert evidence.clipped.own == pytest.approx(told["clipped"], rel=1e-6)
    assert [p.name for p in evidence.parameters][:2] == ["dense/kernel", "dense/bias"]
    assert evidence.parameters[0].fan_in == 5
    assert (evidence.batch, evidence.route, evidence.dtype, evidence.device) == (11, "case", "float32", "cpu")


def test_the_gradient_at_a_layers_output_is_that_by_the_output(file: Any) -> None:
    evidence = file.evidence("""
        import json, keras, tensorflow as tf
        keras.utils.set_random_seed(1)
        first, second = keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)
        model = keras.Sequential([keras.Input((3,)), first, second])
        x, y = tf.random.normal((9, 3)), tf.random.normal((9, 2))
        def gradtool_case():
            return model, x, y, "mse"
        h = tf.nn.relu(x @ first.kernel + first.bias)
        with tf.GradientTape() as tape:
            tape.watch(h)
            out = h @ second.kernel + second.bias
            loss = tf.reduce_mean((out - y) ** 2)
        json.dump({
            "gradients": [float(tf.norm(g)) for g in tape.gradient(loss, [h, out])],
            "rms": float(tf.sqrt(tf.reduce_mean(h ** 2))), "largest": float(tf.reduce_max(h)),
            "dead": int(tf.reduce_sum(tf.cast(tf.reduce_all(h == 0, 0), tf.int32))),
        }, open("truth.json", "w"))
    """)
    told = file.wrote()
    assert [layer.gradient for layer in evidence.layers] == pytest.approx(told["gradients"], rel=1e-5)
    hidden = evidence.layers[0]
    assert (hidden.rms, hidden.largest) == pytest.approx((told["rms"], told["largest"]), rel=1e-6)
    assert (hidden.activation, hidden.units, hidden.dead, hidden.source) == ("relu", 4, told["dead"], "model.py:4")


def test_sparse_rows_of_an_embedding_stay_sparse_and_count_once(file: Any, truth: str) -> None:
    evidence = file.evidence(
        truth
        + """
import keras, tensorflow as tf
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((6,), dtype="int32"), keras.layers.Embedding(50, 4), keras.layers.LSTM(3),
    keras.layers.Dense(1, activation="sigmoid")])
x = tf.constant([[1, 2, 3, 3, 3, 9], [1, 1, 1, 1, 7, 7]])
y = tf.constant([[1.0], [0.0]])
loss = keras.losses.BinaryCrossentropy()
def gradtool_case():
    return dict(model=model, inputs=x, targets=y, loss=loss)
truth(lambda: loss(y, model(x, training=True)), model.trainable_variables)
"""
    )
    told = file.wrote()
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx(told["norms"], rel=1e-5)
    embedding = evidence.parameters[0]
    assert (embedding.rows, embedding.all_rows, embedding.gradient.count) == (5, 50, 200)
    assert embedding.gradient.zeros >= 180
    assert evidence.descent.after < evidence.descent.before


@pytest.mark.parametrize("scale", [1e25, 1e-25])
def test_norms_hold_where_squares_leave_float32(file: Any, scale: float) -> None:
    evidence = file.evidence(f"""
        import keras, tensorflow as tf
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        def gradtool_case():
            return model, tf.constant([[3.0, 4.0]]), None, lambda out: {scale} * tf.reduce_sum(out)
    """)
    assert evidence.norm == pytest.approx(5 * scale, rel=1e-5, abs=0.0)
    assert evidence.parameters[0].gradient.largest == pytest.approx(4 * scale, rel=1e-5, abs=0.0)


def test_moments_are_there_where_they_are_asked_for(file: Any) -> None:
    evidence = file.evidence(
        """
        import keras, tensorflow as tf
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        def gradtool_case():
            return model, tf.constant([[3.0, -1.0]]), None, lambda out: tf.reduce_sum(out)
        """,
        moments=True,
    )
    gradient = evidence.parameters[0].gradient
    assert (gradient.mean, gradient.mean_size, gradient.deviation) == pytest.approx((1.0, 2.0, 2.0))


def test_a_nan_loss_is_evidence_not_a_failure(file: Any) -> None:
    evidence = file.evidence("""
        import keras, tensorflow as tf
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        def gradtool_case():
            return model, tf.ones((4, 2)), None, lambda out: tf.reduce_mean(tf.math.log(-tf.square(out) - 1.0))
    """)
    assert evidence.loss.value != evidence.loss.value
    assert evidence.parameters[0].gradient.nan == 6 or evidence.norm > 0
    assert evidence.descent is None


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_the_model_is_built_in_the_dtype_asked_for(file: Any, dtype: str) -> None:
    evidence = file.evidence(
        "import keras\nmodel = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])\n",
        dtype=dtype,
    )
    assert evidence.dtype == dtype
    assert {p.dtype for p in evidence.parameters} == {dtype}
    assert (evidence.parameters[0].halves is None) is (dtype == "float64")
    assert evidence.norm > 0


def test_the_evidence_is_the_same_twice(file: Any) -> None:
    text = """
        import keras
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"),
            keras.layers.Dropout(0.5), keras.layers.BatchNormalization(), keras.layers.Dense(4, activation="softmax")])
        model.compile("adam", "categorical_crossentropy")
    """
    one, other = file.evidence(text), file.evidence(text)
    assert one.parameters == other.parameters
    assert one.descent == other.descent
    assert one.descent.before - one.descent.after == pytest.approx(one.descent.promised, rel=0.1)


def test_the_named_terms_of_a_loss_have_norms_and_directions_of_their_own(file: Any) -> None:
    evidence = file.evidence("""
        import keras, tensorflow as tf
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        def terms(outputs):
            return {"up": 3.0 * tf.reduce_sum(outputs), "down": -tf.reduce_sum(outputs)}
        def gradtool_case():
            return model, tf.constant([[3.0, 4.0]]), None, terms
    """)
    assert evidence.norm == pytest.approx(10)
    assert [(t.name, t.value, t.norm, t.cosine) for t in evidence.loss.terms] == [
        ("up", pytest.approx(21), pytest.approx(15), pytest.approx(1)),
        ("down", pytest.approx(-7), pytest.approx(5), pytest.approx(-1)),
    ]
