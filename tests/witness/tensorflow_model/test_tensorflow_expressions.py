"""Expressions as models: the variables are the parameters, and descent goes where a formula says."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

from gradtool.evidence import ModelEvidence, Training
from gradtool.values import Array


def evidence(file: Any, text: str, **request: Any) -> ModelEvidence:
    found: ModelEvidence = file.evidence("", expression=text, **request)
    return found


def test_descent_on_a_parabola_shrinks_the_distance_by_the_same_factor_at_every_step(file: Any) -> None:
    found = evidence(file, "(x - 5)**2", point={"x": 0.0}, training=Training(20, "sgd", 0.1))
    places = [5 - 5 * 0.8**step for step in range(21)]
    assert [step.point["x"] for step in found.steps] == pytest.approx(places[:20], rel=1e-14)
    assert [step.gradient["x"] for step in found.steps] == pytest.approx([2 * (x - 5) for x in places[:20]], rel=1e-13)
    assert found.after.point["x"] == pytest.approx(4.942353924769658, rel=1e-14)
    assert found.after.gradient["x"] == pytest.approx(-10 * 0.8**20, rel=1e-12)
    assert (found.dtype, found.optimizer.kind, found.optimizer.rate) == ("float64", "SGD", 0.1)
    assert (found.layers, found.batch, found.notes) == ([], 0, [])


def test_the_parameters_are_named_by_the_point_in_its_order(file: Any) -> None:
    found = evidence(file, "sum(x**2)*y", point={"y": 3.0, "x": Array.of((2,), (1.0, 2.0))})
    assert [(row.name, row.shape) for row in found.parameters] == [("y", ()), ("x", (2,))]
    assert [row.gradient.norm for row in found.parameters] == pytest.approx([5.0, 6 * math.sqrt(5)], rel=1e-15)
    assert found.loss.value == 15.0


def test_clipping_and_the_path_integral_work_on_expressions(file: Any) -> None:
    found = evidence(
        file, "relu(x)*y", point={"x": 2.0, "y": 3.0}, clip=1.0, verify=True, training=Training(1, "sgd", 0.01)
    )
    assert found.clipped.before == pytest.approx(math.sqrt(13), rel=1e-15)
    assert found.clipped.own == pytest.approx(1.0, rel=1e-12)
    assert found.verified.agree
    assert found.steps[0].clipped == pytest.approx(1.0, rel=1e-12)
    assert found.after.point == pytest.approx({"x": 2 - 0.03 / math.sqrt(13), "y": 3 - 0.02 / math.sqrt(13)}, rel=1e-12)


def test_the_first_step_of_adam_has_the_size_of_the_rate(file: Any) -> None:
    found = evidence(file, "(x - 5)**2", point={"x": 0.0}, training=Training(1, "adam", 0.25))
    assert found.optimizer.adaptive
    assert found.after.point["x"] == pytest.approx(0.25, rel=1e-5)  # Keras keeps 0.999 in float32


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_an_expression_is_run_in_the_dtype_asked_for(file: Any, dtype: str) -> None:
    found = evidence(file, "x**2", point={"x": 0.1}, dtype=dtype)
    tenth = {"float32": 0.10000000149011612, "float16": 0.0999755859375, "bfloat16": 0.10009765625}[dtype]
    assert found.dtype == found.parameters[0].dtype == dtype
    assert found.parameters[0].weights.norm == pytest.approx(tenth, rel=1e-7)
    assert found.parameters[0].gradient.largest == 2 * tenth
    assert (found.parameters[0].halves is None) is (dtype == "float32")


def test_the_value_must_be_a_single_number(file: Any) -> None:
    assert "not a single number" in file.failure("", expression="x**2", point={"x": Array.of((2,), (1.0, 2.0))}).message


def test_class_labels_are_constants(file: Any) -> None:
    """The gradient of the mean cross-entropy is (softmax - one-hot) over the rows; here softmax is 1/4 and 3/4."""
    point = {"x": Array.of((1, 2), (0.0, math.log(3))), "t": Array.of((1,), (1.0,))}
    found = evidence(file, "cross_entropy(x, t)", point=point, training=Training(1, "sgd", 1.0))
    assert [row.name for row in found.parameters] == ["x"]
    assert found.loss.value == pytest.approx(-math.log(3 / 4), rel=1e-14)
    assert found.parameters[0].gradient.norm == pytest.approx(math.sqrt(2) / 4, rel=1e-14)
    assert found.after.point == pytest.approx({"x[0,0]": -0.25, "x[0,1]": math.log(3) + 0.25}, rel=1e-14)
    assert [(row.value, row.flag) for row in found.assumed if row.what in {"point", "labels"}] == [
        ("x", "--at"),
        ("t", "--at"),
    ]


@pytest.mark.parametrize("text", ["floor(x)", "where(x > 0, 1, 2)", "y + round(x)"])
def test_a_value_that_does_not_move_has_a_gradient_of_zero(file: Any, text: str) -> None:
    """TensorFlow itself has none for these."""
    found = evidence(file, text, point={"x": 1.5, "y": 2.0} if "y" in text else {"x": 1.5})
    (gradient,) = [row.gradient for row in found.parameters if row.name == "x"]
    assert (gradient.norm, gradient.zeros) == (0.0, 1)


def test_functions_of_tensorflow_are_not_those_of_a_recorder(file: Any) -> None:
    for _ in range(2):
        found = evidence(file, "relu(x) + sigmoid(x)", point={"x": 1.0}, training=Training(2))
        assert all(step.dead == 0 for step in found.steps)
        assert found.head is None


def test_the_framework_s_own_objects_are_not_looked_through_for_each_model(file: Any) -> None:
    """Keras collects garbage before each model: a quarter of a million objects that all stay."""
    file.evidence("""
        import gc, json, keras
        json.dump([gc.get_freeze_count(), len(gc.get_objects())], open("truth.json", "w"))
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    """)
    frozen, looked_at = file.wrote()
    assert frozen > 100_000 > looked_at


def test_models_have_every_thread_and_only_what_is_asked_about_expressions_has_one(file: Any) -> None:
    file.evidence("""
        import json, keras, tensorflow as tf
        json.dump(tf.config.threading.get_intra_op_parallelism_threads(), open("truth.json", "w"))
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    """)
    assert file.wrote() == 0  # as many as TensorFlow likes
    text = (
        "from gradtool.witness.tensorflow import expression as room; room.answer(None)\n"
        "import tensorflow as tf; print(tf.config.threading.get_intra_op_parallelism_threads(),\n"
        "tf.config.threading.get_inter_op_parallelism_threads())\n"
    )
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "1"]
