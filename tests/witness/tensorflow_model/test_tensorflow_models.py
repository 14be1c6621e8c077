"""Every kind of model is found, fed and given a loss that fits it; nothing about it is assumed in silence."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.verdict.flow.judgement import judge


def said(evidence: Any) -> dict[str, str]:
    return {row.what: row.value for row in evidence.assumed}


HEADS = {
    ("'sigmoid'", "'binary_crossentropy'"): ("0 or 1, drawn", 0.0, 1.0),
    ("'softmax'", "'sparse_categorical_crossentropy'"): ("4 classes, drawn", 0.0, 3.0),
    ("'softmax'", "'categorical_crossentropy'"): ("4 classes, drawn, as one-hot vectors", 0.0, 1.0),
    ("None", "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"): ("4 classes, drawn", 0.0, 3.0),
    ("None", "[keras.losses.CategoricalCrossentropy(from_logits=True)]"): (
        "4 classes, drawn, as one-hot vectors", 0.0, 1.0,
    ),
    ("'tanh'", "'hinge'"): ("-1 or 1, drawn", -1.0, 1.0),
    ("'tanh'", "'mse'"): ("numbers that tanh reaches, drawn", -1.0, 1.0),
    ("'relu'", "'mae'"): ("positive numbers, drawn", 0.0, 9.0),
    ("None", "lambda y_true, y_pred: keras.ops.mean((y_true - y_pred) ** 4, axis=-1)"): (
        "normal numbers, drawn", -9.0, 9.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("head", "loss"), HEADS)
def test_a_compiled_model_gets_targets_that_fit_its_loss_and_head(file: Any, head: str, loss: str) -> None:
    evidence = file.evidence(f"""
        import keras
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, activation={head})])
        model.compile(optimizer="sgd", loss={loss})
    """)
    told, low, high = HEADS[head, loss]
    assert said(evidence)["targets"] == told
    assert said(evidence)["inputs"].startswith("8x6 float32")
    if evidence.head is not None and evidence.head.target_least is not None:
        assert low <= evidence.head.target_least <= evidence.head.target_largest <= high
    assert evidence.optimizer.kind == "SGD"
    assert all(p.group == 0 and p.rate == 0.01 for p in evidence.parameters)
    assert evidence.norm > 0


@pytest.mark.parametrize(
    ("head", "loss", "targets"),
    [("'sigmoid'", "bce", "0 or 1, drawn"), ("'softmax'", "nll_of_probabilities", "4 classes, drawn"),
     ("'tanh'", "mse", "numbers that tanh reaches, drawn"), ("None", "mse", "normal numbers, drawn")],
)  # fmt: skip
def test_the_head_decides_where_nothing_is_compiled(file: Any, head: str, loss: str, targets: str) -> None:
    evidence = file.evidence(f"""
        import keras
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, activation={head})])
    """)
    assert (said(evidence)["loss"], said(evidence)["targets"]) == (loss, targets)
    assert evidence.head.activation == (head.strip("'") if head != "None" else "")


def test_a_model_with_two_inputs_and_two_outputs(file: Any) -> None:
    evidence = file.evidence("""
        import keras
        from keras import layers as L
        a, b = keras.Input((4,), name="a"), keras.Input((None,), dtype="int32", name="b")
        words = L.GlobalAveragePooling1D()(L.Embedding(50, 8)(b))
        both = L.Concatenate()([L.Dense(8, activation="tanh")(a), words])
        outputs = [L.Dense(1, activation="sigmoid", name="p")(both), L.Dense(4, name="q")(both)]
        model = keras.Model({"a": a, "b": b}, outputs)
        model.compile(
            keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)),
            loss={"p": "binary_crossentropy", "q": keras.losses.CategoricalCrossentropy(from_logits=True)},
        )
    """)
    assert said(evidence)["inputs"].startswith("a 8x4 float32")
    assert "b 8x16 int32" in said(evidence)["inputs"]
    assert evidence.optimizer.rate == 0.1
    assert all(p.gradient.norm > 0 for p in evidence.parameters)
    assert {p.name for p in evidence.parameters} >= {"embedding/embeddings", "dense/kernel", "p/kernel", "q/bias"}


def test_every_output_of_several_gets_a_loss(file: Any) -> None:
    evidence = file.evidence("""
        import keras
        a = keras.Input((4,))
        model = keras.Model(a, [keras.layers.Dense(2)(a), keras.layers.Dense(3)(a)])
    """)
    assert all(p.gradient.norm > 0 for p in evidence.parameters)
    assert said(evidence)["loss"] == "mse, summed over the outputs"


SUBCLASSED = """
import keras
import tensorflow as tf

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(8)
        self.still = keras.layers.Dense(8, trainable=False)
        self.unused = keras.layers.Dense(3)
        self.unused.build((None, 8))
        self.last = keras.layers.Dense(2)

    def call(self, x):
        return self.last(self.still(tf.nn.relu(self.first(x))))

sample_inputs = tf.random.normal((8, 6))
"""


def test_a_subclassed_model_with_a_frozen_and_an_unused_layer(file: Any) -> None:
    evidence = file.evidence(SUBCLASSED)
    kernels = [p for p in evidence.parameters if p.name.endswith("kernel")]
    assert [(p.trainable, p.gradient is not None) for p in kernels] == [
        (True, True), (False, False), (True, False), (True, True),
    ]  # fmt: skip
    assert [(layer.kind, layer.source) for layer in evidence.layers] == [
        ("Dense", "model.py:15"), ("relu", "model.py:15"), ("Dense", "model.py:15"), ("Dense", "model.py:15"),
    ]  # fmt: skip
    assert evidence.route == "class"


def test_what_a_layer_hides_in_a_plain_variable_is_still_seen(file: Any) -> None:
    evidence = file.evidence("""
        import keras, tensorflow as tf
        class Scale(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(2)
                self.scale = tf.Variable(2.0, name="scale")  # Keras does not track it, and never trains it
            def call(self, x):
                return self.scale * self.dense(x)
        sample_inputs = tf.ones((8, 3))
        model = Scale()
        model.compile("adam", "mse")
    """)
    assert [p.name for p in evidence.parameters] == ["dense/kernel", "dense/bias", "scale"]
    assert evidence.parameters[-1].gradient is not None


def test_a_module_of_plain_tensorflow(file: Any) -> None:
    evidence = file.evidence("""
        import tensorflow as tf
        class Line(tf.Module):
            def __init__(self):
                self.w, self.b = tf.Variable([[1.0], [2.0]]), tf.Variable([0.5])
            @tf.function
            def __call__(self, x):
                return x @ self.w + self.b
        model = Line()
        sample_inputs = tf.random.normal((8, 2))
    """)
    assert sorted(p.name for p in evidence.parameters) == ["b", "w"]
    assert evidence.norm > 0
    assert any("eagerly" in note for note in evidence.notes)


def test_tied_weights_are_told_once(file: Any) -> None:
    evidence = file.evidence("""
        import keras
        class Back(keras.layers.Layer):
            def __init__(self, embedding):
                super().__init__()
                self.table = embedding.embeddings
            def call(self, x):
                return x @ keras.ops.transpose(self.table)
        class Tied(keras.Model):
            def __init__(self):
                super().__init__()
                self.words = keras.layers.Embedding(20, 4)
                self.words.build()
                self.back = Back(self.words)
            def call(self, x):
                return self.back(self.words(x))
        model = Tied()
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    """)
    assert len(evidence.parameters) == 1
    assert len(evidence.parameters[0].others) == 1


def test_data_sets_of_the_file_are_used(file: Any) -> None:
    evidence = file.evidence("""
        import keras, tensorflow as tf
        train_ds = tf.data.Dataset.from_tensor_slices((tf.random.normal((40, 3)), tf.ones((40, 1)))).batch(10)
        def build_model():
            return keras.Sequential([keras.layers.Dense(1)])
    """)
    assert evidence.batch == 10
    assert evidence.head.target_largest == 1.0


def test_a_policy_of_mixed_precision(file: Any) -> None:
    evidence = file.evidence("""
        import keras
        keras.mixed_precision.set_global_policy("mixed_float16")
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3)])
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    """)
    assert evidence.dtype == "float32"
    assert all(p.halves is not None for p in evidence.parameters)
    assert (evidence.optimizer.kind, evidence.optimizer.adaptive, evidence.optimizer.first) == ("Adam", True, 1.0)
    assert file.evidence("import keras\nmodel = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])").norm > 0


def test_a_softmax_over_one_unit_shows_its_axis(file: Any) -> None:
    evidence = file.evidence("""
        import keras
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="softmax")])
        model.compile("adam", "binary_crossentropy")
    """)
    assert (evidence.layers[-1].activation, evidence.layers[-1].axis) == ("softmax", 1)
    assert evidence.layers[-1].gradient > 0, "Keras' loss reads the logits that it hides behind the softmax"


@pytest.mark.large
@pytest.mark.parametrize("name", ["MobileNetV3Small", "ResNet50", "EfficientNetB0", "DenseNet121"])
def test_models_of_keras_applications(file: Any, name: str) -> None:
    evidence = file.evidence(
        f"import keras\nmodel = keras.applications.{name}(weights=None, input_shape=(64, 64, 3), classes=10)\n"
    )
    assert all(p.gradient is not None for p in evidence.parameters)
    assert 0 < evidence.norm < float("inf")
    assert evidence.descent.after < evidence.descent.before
    assert [finding for finding in judge(evidence)[0] if finding.severity == "error"] == []


def test_a_file_that_asks_keras_for_another_backend_is_told_which_one_it_got(file: Any) -> None:
    evidence = file.evidence("""
        import os
        os.environ["KERAS_BACKEND"] = "torch"
        import keras
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    """)
    assert evidence.notes[0] == "the file asks Keras for its backend torch; here it ran on TensorFlow"
