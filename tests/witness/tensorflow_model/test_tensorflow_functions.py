"""Plain functions over variables of the file: named by the program's names, run on its data, judged as any model."""

from __future__ import annotations

from typing import Any

import pytest

from gradtool.evidence import Training
from gradtool.verdict.flow.judgement import judge

LINE = """
import tensorflow as tf
x, y = tf.constant([[1.0], [2.0], [3.0]]), tf.constant([[5.0], [8.0], [11.0]])
W, b = tf.Variable([[0.0]]), tf.Variable([0.0])
"""
WHOLE = "def loss(x, y):\n    return tf.reduce_mean((x @ W + b - y) ** 2)\n"
TWO_LAYERS = """
import tensorflow as tf
tf.random.set_seed(0)
params = {
    "layer.w": tf.Variable(tf.random.normal((4, 8))), "layer.b": tf.Variable(tf.zeros(8)),
    "head": tf.Variable(tf.random.normal((8, 2))),
}
x, y = tf.random.normal((16, 4)), tf.random.normal((16, 2))
def forward(params, x):
    return tf.tanh(x @ CUT(params["layer.w"]) + params["layer.b"]) @ params["head"]
"""
LOSS = """
def loss(params, x, y):
    return 100 * tf.reduce_mean((forward(params, x) - y) ** 2)
"""


@pytest.mark.parametrize(
    ("text", "name", "factor"),
    [
        ("def model(x):\n    return x @ W + b\n", "", 1),
        (
            "model = lambda x: x @ W + b\nloss_fn = lambda y_true, y_pred: tf.reduce_sum((y_pred - y_true) ** 2)\n",
            "",
            3,
        ),
        ("def loss(x, y):\n    return tf.reduce_mean((x @ W + b - y) ** 2) * 2\n", "", 2),
        ("@tf.function\ndef loss():\n    return tf.reduce_mean((x @ W + b - y) ** 2) * 2\n", "", 2),
        ("def one(x):\n    return x @ W + b\ndef two(x):\n    return one(x) * 0\n", "one", 1),
        ("def f(x):\n    return x @ W + b\ndef gradtool_case():\n    return f, x, y, 'mse'\n", "", 1),
        (
            WHOLE + "def gradtool_case():\n    return {'model': loss}\n",
            "",
            1,
        ),
    ],
)
def test_the_gradient_of_a_line_is_that_of_the_formula(file: Any, text: str, name: str, factor: int) -> None:
    """For y = 3 x + 2 from 0: the mean square is (25 + 64 + 121) / 3, its gradient -2 (5 + 16 + 33) / 3 and -16."""
    evidence = file.evidence(LINE + text, name=name)
    assert [p.name for p in evidence.parameters] == ["W", "b"]
    assert evidence.loss.value == pytest.approx(70 * factor)
    assert [p.gradient.norm for p in evidence.parameters] == pytest.approx([36 * factor, 16 * factor])
    assert evidence.descent.after < evidence.descent.before


def test_a_training_goes_on_from_the_files_own_variables(file: Any) -> None:
    text = LINE + "def model(x):\n    return x @ W + b\nimport keras\noptimizer = keras.optimizers.SGD(0.01)\n"
    evidence = file.evidence(text, training=Training(2), verify=True)
    assert evidence.steps[1].point == pytest.approx({"W[0,0]": 0.36, "b[0]": 0.16})
    assert evidence.optimizer.kind == "SGD"
    assert evidence.verified.agree


@pytest.mark.parametrize(("loss", "name", "factor"), [("", "", 1), (LOSS, "", 100), (LOSS, "forward", 1)])
def test_a_dictionary_of_parameters_is_named_by_its_keys(
    file: Any, truth: str, loss: str, name: str, factor: int
) -> None:
    text = TWO_LAYERS.replace("CUT", "") + loss
    own = "truth(lambda: tf.reduce_mean((forward(params, x) - y) ** 2), list(params.values()))\n"
    file.evidence(truth + text + own, name="forward")  # by name, the file's own gradients are not looked at
    told, evidence = file.wrote(), file.evidence(text, name=name)
    found = {p.name: p.gradient.norm / factor for p in evidence.parameters}
    names = ["params['layer.w']", "params['layer.b']", "params['head']"]
    assert found == pytest.approx(dict(zip(names, told["norms"], strict=True)), rel=1e-5)
    assert [layer.activation for layer in evidence.layers] == ["tanh"]
    assert (evidence.batch, evidence.route) == (16, "function")
    assert [row.code for row in judge(evidence)[0]] == []


def test_a_parameter_that_is_cut_off_inside_a_function_is_found(file: Any) -> None:
    evidence = file.evidence(TWO_LAYERS.replace("CUT", "tf.stop_gradient") + LOSS)
    ((code, severity, where),) = [(row.code, row.severity, row.where) for row in judge(evidence)[0]]
    assert (code, severity, where) == ("GT106", "error", "params['layer.w']")


def test_a_function_whose_data_are_not_there_says_what_it_needs(file: Any) -> None:
    text = "import tensorflow as tf\nW = tf.Variable(tf.ones((3, 2)))\ndef model(x):\n    return x @ W\n"
    assert "--input" in file.failure(text).hint
