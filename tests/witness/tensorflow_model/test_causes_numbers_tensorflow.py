"""Births of numbers that are not finite, and deaths of gradients, in TensorFlow: the kind and the very line of each."""

from __future__ import annotations

import pytest
from corpus.causes_case import STEP, Case
from corpus.causes_nonfinite_tensorflow import CASES as NONFINITE
from corpus.causes_nonfinite_tensorflow import INTENDED
from corpus.causes_zero_tensorflow import CASES as ZERO
from user_file import File

from gradtool.evidence import Cause, ModelEvidence, Training


def seen(file: File, case: Case, fate: str) -> ModelEvidence:
    """What is said of the program in its second run, with one finder on."""
    for name, text in case.files.items():
        (file.folder / name).write_text(text, encoding="utf-8")
    return file.evidence(case.text + STEP, script=True, find=[fate])


def spoilt(evidence: ModelEvidence) -> list[str]:
    """The parameters whose gradient is not finite or all zero."""
    seen = [(one.name, one.gradient) for one in evidence.parameters if one.gradient is not None]
    return [name for name, found in seen if found.nan or found.inf or found.zeros == found.count]


def cause_of(evidence: ModelEvidence) -> Cause:
    (cause,) = evidence.causes
    return cause


@pytest.mark.parametrize("name", NONFINITE)
def test_the_birth_of_what_is_not_finite_is_told_and_its_twin_is_not_accused(name: str, file: File) -> None:
    case = NONFINITE[name]
    cause = cause_of(seen(file, case, "nonfinite"))
    assert (cause.kind, cause.line.source) == (case.kind, case.line())
    assert cause.fate in {"nan", "inf"}
    assert cause.line.text.endswith("# <- here")
    assert cause.way[0].line == cause.line
    evidence = seen(file, case.healthy(), "nonfinite")
    assert evidence.causes == []
    assert evidence.norm < float("inf")


@pytest.mark.parametrize("name", INTENDED)
def test_an_infinity_that_is_meant_is_not_accused(name: str, file: File) -> None:
    evidence = seen(file, Case(name, "", INTENDED[name], ("", "")), "nonfinite")
    assert evidence.causes == []
    assert evidence.norm < float("inf")


@pytest.mark.parametrize("name", ZERO)
def test_where_a_gradient_dies_is_told_and_its_twin_is_not_accused(name: str, file: File) -> None:
    case = ZERO[name]
    evidence = seen(file, case, "zero")
    cause = cause_of(evidence)
    assert (cause.fate, cause.kind, cause.line.source) == ("zero", case.kind, case.line())
    assert cause.parameters == spoilt(evidence)
    evidence = seen(file, case.healthy(), "zero")
    assert evidence.causes == []
    assert spoilt(evidence) == []


def test_the_operands_and_the_way_of_a_birth_are_told(file: File) -> None:
    text = """
        import tensorflow as tf
        w = tf.Variable([[2.0, 0.0, 0.0], [1.0, 3.0, 5.0]])
        with tf.GradientTape() as tape:
            logs = tf.math.log(w)
            scaled = logs * 0.5
            loss = tf.reduce_sum(tf.exp(scaled) - scaled)
        tape.gradient(loss, w)
    """
    cause = cause_of(file.evidence(text, script=True, find=["nonfinite"]))
    (operand,) = cause.operands
    assert (operand.shape, operand.dtype, operand.zeros, operand.count) == ((2, 3), "float32", 2, 6)
    assert (operand.least, operand.largest, operand.name) == (0.0, 5.0, "Variable")
    stops = [(stop.phase, stop.line.source) for stop in cause.way]
    assert stops[:2] == [("forward", "model.py:5"), ("forward", "model.py:6")]
    assert cause.operation == "log"


def test_the_gradient_that_comes_to_a_death_is_told(file: File) -> None:
    text = """
        import tensorflow as tf
        w = tf.Variable([-1.0, -2.0, -3.0])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.nn.relu(w) * [0.0, 2.0, 5.0])
        tape.gradient(loss, w)
    """
    upstream, at = cause_of(file.evidence(text, script=True, find=["zero"])).operands
    assert (upstream.name, upstream.least, upstream.largest, upstream.zeros) == ("the gradient", 0.0, 5.0, 1)
    assert (at.least, at.largest) == (-3.0, -1.0)


def test_several_gradients_die_at_several_places(file: File) -> None:
    text = """
        import tensorflow as tf
        w, v, u = tf.Variable([-1.0]), tf.Variable([50.0]), tf.Variable([1.0])
        with tf.GradientTape() as tape:
            first = tf.nn.relu(w)
            second = tf.tanh(v)
            loss = tf.reduce_sum(first + second + u)
        tape.gradient(loss, [w, v, u])
    """
    evidence = file.evidence(text, script=True, find=["zero"])
    found = {(cause.kind, cause.line.source, *cause.parameters) for cause in evidence.causes}
    assert found == {("dead_relu", "model.py:5", "w"), ("saturated", "model.py:6", "v")}


MODEL = """
    import keras
    import tensorflow as tf
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3, kernel_initializer="ones")
            self.noise = keras.layers.Dropout(0.1)
        def call(self, x, training=False):
            hidden = self.noise(self.dense(x), training=training)
            return tf.sqrt(tf.abs(hidden))
    model = Net()
    sample_inputs = tf.constant([[1.0, 2.0], [-2.0, 2.0]])
"""


def test_a_model_that_is_run_is_run_again(file: File) -> None:
    evidence = file.evidence(MODEL)
    assert any(one.gradient and one.gradient.nan + one.gradient.inf for one in evidence.parameters)
    cause = cause_of(evidence)
    assert (cause.kind, cause.line.source, cause.line.function) == ("sqrt_of_zero", "model.py:11", "Net.call")
    assert cause.parameters == [one.name for one in evidence.parameters]


def test_a_dead_layer_of_a_sequential_model_is_shown_where_it_was_made(file: File) -> None:
    evidence = file.evidence("""
        import keras
        model = keras.Sequential([
            keras.Input((3,)),
            keras.layers.Dense(4, "relu", bias_initializer=keras.initializers.Constant(-100.0)),
            keras.layers.Dense(1),
        ])
    """)
    cause = cause_of(evidence)
    assert (cause.kind, cause.line.source) == ("dead_relu", "model.py:5")
    assert len(cause.parameters) == 3


def test_the_step_at_which_training_breaks_is_run_again(file: File) -> None:
    """w falls by 1 at each step, from 3.5: at the fourth step it is 0.5, at the fifth -0.5."""
    evidence = file.evidence(
        """
        import keras
        import tensorflow as tf
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.w = self.add_weight(shape=(), initializer=keras.initializers.Constant(3.5))
            def call(self, x):
                bad = tf.math.log(self.w)
                return x * self.w + 0.0 * tf.stop_gradient(bad) * self.w
        def gradtool_case():
            return Net(), tf.ones((2, 1)), tf.zeros((2, 1)), lambda y_true, y_pred: tf.reduce_mean(y_pred - y_true)
        """,
        training=Training(8, "sgd", 1.0),
    )
    (cause,) = [one for one in evidence.causes if one.fate == "nan"]
    assert [step.step for step in evidence.steps if step.nonfinite] == [5]
    assert (cause.kind, cause.step, cause.line.source) == ("log_of_negative", 5, "model.py:9")
    assert cause.operands[0].least == -0.5
