"""TensorFlow functions traced to expressions: the text, the numbers, the gradients, and what is refused."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradtool.target.expression import parse
from gradtool.target.inference import label_variables
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Call, Variable
from gradtool.values import Array
from gradtool.witness.callable.traced import NotTraced, Traced, disagreement
from gradtool.witness.tensorflow.callable.traced import traced
from gradtool.witness.tensorflow.expression import TensorFlow
from gradtool.witness.walk import bind, compile_tree

N, V, M, S = (), (3,), (2, 3), (3, 3)
W = tf.constant([[0.5, -1.25, 2.0], [3.0, 0.75, -0.5]], dtype=tf.float64)
VARIABLE = tf.Variable(2.5, dtype=tf.float64)
P = tf.constant([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]], dtype=tf.float64)
"""Rows of probabilities: of others, TensorFlow's softmax_cross_entropy_with_logits has no right gradient."""


@tf.custom_gradient
def cube(x: Any) -> Any:
    """With a gradient that is wrong on purpose."""

    def gradient(upstream: Any) -> Any:
        return 5 * upstream * x

    return tf.stop_gradient(x) * x**2, gradient


@tf.custom_gradient
def swish(x: Any, beta: Any) -> Any:
    scores = tf.nn.sigmoid(beta * x)
    return x * scores, lambda upstream: (upstream * scores, upstream)


@tf.function
def compiled(x: Any) -> Any:
    return tf.sin(x) * 2.0


def standardised(x: Any) -> Any:
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    return centred / tf.sqrt(tf.math.reduce_variance(x, axis=-1, keepdims=True) + 1e-5)


def gated(x: Any) -> Any:
    value, gate = tf.split(x, 2, axis=-1)
    return value * tf.sigmoid(gate)


def by_shape(x: Any) -> Any:
    assert x.shape.rank == x.ndim == len(x.get_shape()) == 2
    rows, columns = x.shape
    return tf.reshape(x, [tf.shape(x)[1], -1]) / (rows * columns) + tf.cast(tf.size(x), x.dtype) * len(x)


def polynomial(x: Any) -> Any:
    total = 0.0
    for power, coefficient in enumerate([1.0, 2.0, 0.5]):
        total += coefficient * x**power
    return total


CASES: dict[str, tuple[Callable[..., Any], dict[str, tuple[int, ...]], str | list[str]]] = {
    "issue": (lambda x, y: x**2 * y + tf.sin(x), {"x": V, "y": V}, "x**2*y + sin(x)"),
    "the same function": (lambda x: tf.math.sin(x) + tf.exp(x) + tf.math.exp(x) + tf.math.abs(x), {"x": V},
                          "sin(x) + exp(x) + exp(x) + abs(x)"),
    "precedence": (lambda x, y: -((x - (y - 1)) ** 2) / (x * (y / 3)), {"x": N, "y": N},
                   "-(x - (y - 1))**2/(x*(y/3))"),
    "reversed": (lambda x: 2 - 1 / x + 2**x + 7 % x, {"x": V}, "2 - 1/x + 2**x + 7 % x"),
    "floors": (lambda x: x // 0.3 + tf.math.floordiv(x, 0.2), {"x": V}, "x // 0.3 + x // 0.2"),
    "tensor first": (lambda x: W[0] + x - (W[0] - x) * (W[1] * x) / (W[0] / x), {"x": V},
                     "c1 + x - (c1 - x)*(c2*x)/(c1/x)"),
    "NumPy array first": (lambda x: np.array([1.0, 2.0, 3.0]) * x - np.ones(3) / x, {"x": V}, "c1*x - 1/x"),
    "named functions": (lambda x, y: tf.add(x, y) * tf.subtract(x, y) / tf.multiply(x, y) + tf.divide(x, y),
                        {"x": V, "y": V}, "(x + y)*(x - y)/(x*y) + x/y"),
    "matmul": (lambda x, y: x @ y + tf.matmul(x, y), {"x": M, "y": S}, "x @ y + x @ y"),
    "turned": (lambda x: tf.matmul(x, x, transpose_b=True) + x @ tf.transpose(x), {"x": M},
               "x @ transpose(x, axes=(1, 0)) + x @ transpose(x)"),
    "matmul of NumPy": (lambda x: tf.experimental.numpy.matmul(W, x), {"x": V}, "c1 @ x"),
    "matvec": (lambda x: tf.linalg.matvec(W, x) + tf.tensordot(W, x, 1), {"x": V}, "c1 @ x + c1 @ x"),
    "tensordot": (lambda x, y: tf.tensordot(x, y, 1), {"x": V, "y": V}, "dot(x, y)"),
    "index": (lambda x: x[0] * x[1:, tf.newaxis] + x[..., -1] - x[::2, 1][-1], {"x": S},
              "x[0]*x[1:, None] + x[..., -1] - x[::2, 1][-1]"),
    "reductions": (lambda x: tf.reduce_sum(tf.exp(x), axis=[0, 1]) + tf.reduce_prod(x) - tf.reduce_min(x), {"x": M},
                   "sum(exp(x), axis=(0, 1)) + prod(x) - amin(x)"),
    "keepdims": (lambda x: tf.reduce_max(x, 1, True) + tf.reduce_mean(input_tensor=x), {"x": M},
                 "amax(x, axis=1, keepdims=True) + mean(x)"),
    "spread": (lambda x: tf.math.reduce_std(x) + tf.math.reduce_variance(x, axis=0), {"x": V},
               "std(x) + var(x, axis=0)"),
    "norm": (lambda x: tf.norm(x) + tf.linalg.norm(x, axis=1), {"x": M}, "norm(x) + norm(x, axis=1)"),
    "logsumexp": (lambda x: tf.reduce_logsumexp(x) + tf.reduce_logsumexp(x, axis=1), {"x": M},
                  "logsumexp(x) + logsumexp(x, axis=1)"),
    "cumsum": (tf.math.cumsum, {"x": M}, "cumsum(x, axis=0)"),
    "activations": (lambda x: tf.nn.relu(x) + tf.nn.elu(x) + tf.nn.silu(x) + tf.nn.swish(x), {"x": V},
                    "relu(x) + elu(x) + silu(x) + silu(x)"),
    "more activations": (lambda x: tf.nn.gelu(x) + tf.nn.softplus(x) + tf.math.sigmoid(x), {"x": V},
                         "gelu(x) + softplus(x) + sigmoid(x)"),
    "Keras": (lambda x: tf.keras.activations.relu(x) + tf.keras.ops.tanh(x), {"x": V}, "relu(x) + tanh(x)"),
    "slopes": (lambda x: tf.nn.leaky_relu(x, alpha=0.01) + tf.nn.leaky_relu(x, alpha=0.25), {"x": V},
               "leaky_relu(x) + where(x > 0, x, 0.25*x)"),
    "default slope": (tf.nn.leaky_relu, {"features": V}, "where(features > 0, features, 0.20000000298023224*features)"),
    "softmax": (lambda x: tf.nn.softmax(x) + tf.nn.log_softmax(x, axis=0), {"x": M},
                "softmax(x) + log_softmax(x, axis=0)"),
    "clip": (lambda x: tf.clip_by_value(x, 0.2, 0.7), {"x": V}, "clip(x, 0.2, 0.7)"),
    "extremes": (lambda x, y: tf.maximum(x, y) + tf.minimum(0.5, x), {"x": V, "y": V}, "max(x, y) + min(0.5, x)"),
    "where": (lambda x: tf.where(x > 0.5, x**2, tf.zeros_like(x)), {"x": V}, "where(x > 0.5, x**2, 0)"),
    "conditions": (lambda x: tf.where(~((x > 0.2) & tf.less(x, 0.8)) | tf.equal(x, 0.5), x, 1.0), {"x": V},
                   "where(not (x > 0.2 and x < 0.8) or x == 0.5, x, 1)"),
    "condition as number": (lambda x: tf.cast(x > 0.5, x.dtype) * x, {"x": V}, "where(x > 0.5, 1, 0)*x"),
    "constant mask": (lambda x: tf.where([True, False, True], x, -x), {"x": V}, "where(c1 > 0.5, x, -x)"),
    "stack": (lambda x, y: tf.stack([x, y * 2])[1], {"x": V, "y": V}, "[x, y*2][1]"),
    "a list as a tensor": (lambda x: tf.reduce_sum([x[0], x[1] * 2]), {"x": V}, "sum([x[0], x[1]*2])"),
    "views": (lambda x: tf.squeeze(tf.expand_dims(tf.reshape(x, [3, -1]), 0)), {"x": M},
              "reshape(reshape(reshape(x, shape=(3, 2)), shape=(1, 3, 2)), shape=(3, 2))"),
    "joined": (lambda x, y: tf.concat([x, y], 0) + tf.concat([y, x], axis=-1), {"x": (1,), "y": (2,)},
               "[x[0], y[0], y[1]] + [y[0], y[1], x[0]]"),
    "joined columns": (lambda x: tf.stack([x[0], x[1]], axis=1), {"x": M}, "transpose([x[0], x[1]], axes=(1, 0))"),
    "pieces": (gated, {"x": (2, 4)},
               "x[..., 0:2]*sigmoid(x[..., 2:4])"),
    "more pieces": (lambda x: tf.split(x, [1, 2])[1] * tf.unstack(x)[0], {"x": (3, 2)}, "x[1:3]*x[0]"),
    "transpose": (lambda x: tf.transpose(x, perm=[2, 0, 1]), {"x": (2, 1, 3)}, "transpose(x, axes=(2, 0, 1))"),
    "formulas": (lambda x: tf.square(x) + tf.math.rsqrt(x) + tf.math.squared_difference(x, 1.0), {"x": V},
                 "x**2 + 1/sqrt(x) + (x - 1)**2"),
    "losses": (lambda x, y: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=x)),
               {"x": V, "y": V}, "mean(softplus(x) - x*y)"),
    "labels": (lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits([0, 2], x), {"x": M},
               "logsumexp(x, axis=-1) - sum(x*c1, axis=-1)"),
    "soft labels": (lambda x: tf.nn.softmax_cross_entropy_with_logits(P, x), {"x": M},
                    "-sum(c1*log_softmax(x), axis=-1)"),
    "shapes": (by_shape, {"x": M}, "reshape(x, shape=(3, 2))/6 + 12"),
    "loop": (polynomial, {"x": V}, "0 + 1*x**0 + 2*x**1 + 0.5*x**2"),
    "standardised": (standardised, {"x": M},
                     "(x - mean(x, axis=-1, keepdims=True))/sqrt(var(x, axis=-1, keepdims=True) + 1e-05)"),
    "outputs": (lambda x: {"a": x * 2, "b": (tf.reduce_sum(x), [x[0]], None, 3)}, {"x": V}, ["x*2", "sum(x)", "x[0]"]),
    "variable": (lambda x: x * VARIABLE, {"x": V}, "x*2.5"),
    "tf.function": (compiled, {"x": V}, "sin(x)*2"),
    "identity": (lambda x: tf.identity(tf.convert_to_tensor(x)) * 2, {"x": V}, "x*2"),
    "polygamma": (lambda x: tf.math.polygamma(tf.ones_like(x), x) + tf.math.digamma(x), {"x": V},
                  "trigamma(x) + digamma(x)"),
    "custom gradient": (cube, {"x": V}, "x*x**2"),
    "custom gradient inside": (lambda x, b: swish(x, b) + cube(tf.exp(x)), {"x": V, "b": N},
                               "x*sigmoid(b*x) + exp(x)*exp(x)**2"),
}  # fmt: skip


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int, *, signed: bool) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    signs = (-1.0, 1.0) if signed else (1.0,)
    return {name: random.uniform(0.15, 0.95, shape) * random.choice(signs, shape) for name, shape in shapes.items()}


def numbers(value: Any) -> list[Any]:
    if isinstance(value, tf.Tensor):
        return [value.numpy()]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return [one for part in parts for one in numbers(part)]


def tensors(point: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tf.constant(value, dtype=tf.float64) for name, value in point.items()}


def read(function: Any, shapes: Mapping[str, tuple[int, ...]], **options: Any) -> Traced:
    found = traced(function, shapes, **options)
    assert isinstance(found, Traced), found
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_function_is_written_as_its_text(name: str) -> None:
    function, shapes, text = CASES[name]
    assert read(function, shapes).expressions == ([text] if isinstance(text, str) else text)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_trace_agrees_with_the_function_itself(name: str, signed: bool) -> None:
    function, shapes, _ = CASES[name]
    found = read(function, shapes)
    for seed in range(3):
        point = drawn(shapes, seed, signed=signed)
        own = numbers(function(**tensors(point)))
        assert disagreement(TensorFlow(), tf, found, point, own) == ""


CUSTOM = ("custom gradient", "custom gradient inside")


@pytest.mark.parametrize("name", [name for name in CASES if name not in (*CUSTOM, "outputs", "floors")])
def test_the_gradient_of_a_trace_is_that_of_the_function(name: str) -> None:
    """Reverse mode through the trace, run by the table's templates, and through the function."""
    function, shapes, _ = CASES[name]
    found = read(function, shapes)
    point = drawn(shapes, 5, signed=False)
    leaves = tensors(point)
    with tf.GradientTape() as tape:
        tape.watch(leaves)
        value = function(**leaves)
    own = tape.gradient(value, leaves)
    known = {name: np.array(value.data).reshape(value.shape) for name, value in found.constants.items()
             if isinstance(value, Array)}  # fmt: skip
    expression = parse(found.expressions[0], {**point, **known})
    labels = label_variables(expression)
    given = {name: TensorFlow().tensor(value, "int64" if name in labels else "float64")
             for name, value in {**point, **known}.items()}  # fmt: skip
    steps = compile_tree(expression.tree, "tensorflow", {name: tuple(value.shape) for name, value in given.items()})
    value, pull = TensorFlow().pullback(lambda at: TensorFlow().run(steps, at, "float64"), given, list(point))
    gradients = pull(np.ones(tuple(value.shape)))
    for one, wanted in own.items():
        np.testing.assert_allclose(gradients[one], tf.convert_to_tensor(wanted).numpy(), rtol=1e-12, atol=1e-14)


def test_tracing_leaves_tensorflow_as_it_was() -> None:
    native = tf.experimental.numpy.matmul
    read(lambda x: tf.experimental.numpy.matmul(x, x), {"x": S})
    assert tf.experimental.numpy.matmul is native
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = cube(x)
    assert tape.gradient(value, x) == 10.0  # its own gradient
    assert tf.reduce_sum([1.0, 2.0]) == 3.0
    with pytest.raises(ValueError, match="unsupported type"):
        tf.sin(object())


# ---- what is refused


def assigned(x: Any) -> Any:
    x[0] = 1.0
    return x


def caught(x: Any) -> Any:
    try:
        return x if tf.reduce_sum(x) > 0 else -x
    except Exception:  # noqa: BLE001
        return 2 * x


COUNT = iter(range(1000))

REFUSALS: dict[str, tuple[Any, str]] = {
    "if": (lambda x: x if tf.reduce_sum(x) > 0 else -x, "decides on a value: if sum(x) > 0"),
    "if, and caught": (caught, "decides on a value: if sum(x) > 0"),
    "tf.cond": (lambda x: tf.cond(x[0] > 0, lambda: x, lambda: -x), "calls tf.cond, which the table does not have"),
    "max of Python": (lambda x: max(x[0], x[1]), "decides on a value: if x[1] > x[0]"),
    "float": (lambda x: x * float(x[0]), "asks for the number that a value is: float(x)"),
    "numpy": (lambda x: x.numpy() * 2, "asks for the number that a value is: x.numpy()"),
    "a function of NumPy": (np.sin, "calls NumPy's sin on a value"),
    "np.asarray": (np.asarray, "turns a value into a NumPy array or a constant"),
    "constant of a value": (lambda x: tf.constant(x) * 2, "turns a value into a NumPy array or a constant"),
    "unknown": (lambda x: tf.math.cumprod(x, 0), "calls tf.math.cumprod, which the table does not have"),
    "unknown, of parts": (lambda x: tf.linalg.det(tf.stack([x, x, x])),
                          "calls tf.linalg.det, which the table does not have"),
    "unknown setting": (lambda x: tf.math.cumsum(x, reverse=True),
                        "calls tf.math.cumsum with reverse=True, which the table does not have"),
    "in place, assigned": (assigned, "writes into an array in place: x[...] = ..."),
    "mask": (lambda x: x[x > 0], "picks entries by a condition, so that the shape depends on values"),
    "array index": (lambda x: x[tf.constant([0, 1])], "indexes with an array, or with a value that it calculates"),
    "boolean mask": (lambda x: tf.boolean_mask(x, x > 0), "calls tf.boolean_mask, which the table does not have"),
    "gather": (lambda x: tf.gather(x, [0, 1]), "calls tf.gather, which the table does not have"),
    "random": (lambda x: x * tf.random.normal([3], dtype=tf.float64),
               "is another function at its second call: it is random, or keeps a state"),
    "dropout": (lambda x: tf.nn.dropout(x, 0.5), "is random: it calls tf.nn.dropout"),
    "state": (lambda x: x * next(COUNT), "is another function at its second call: it is random, or keeps a state"),
    "stop_gradient": (lambda x: tf.stop_gradient(x) * x,
                      "cuts off the gradient with tf.stop_gradient, which a formula can't say"),
    "cast": (lambda x: tf.cast(x, tf.float16), "casts to float16"),
    "no attribute": (lambda x: x.grads, ("stops on symbolic values with AttributeError: "
                                         "'TensorFlowSymbol' object has no attribute 'grads'")),
    "constant": (lambda x: tf.ones(3), "gives a tensor that does not depend on its inputs"),  # noqa: ARG005
    "nothing": (lambda x: None, "gives nothing that depends on its inputs"),  # noqa: ARG005
    "a large constant": (lambda x: x[0] * tf.ones(20_000, tf.float64),
                         "brings along an array of 20000 entries; at most 10000 are written as a constant"),
    "own error": (lambda x: 1 // 0 * x, ("stops on symbolic values with ZeroDivisionError: "
                                        "integer division or modulo by zero")),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_no_expression_says_is_refused_with_its_reason(name: str) -> None:
    function, reason = REFUSALS[name]
    assert traced(function, {"x": V}) == NotTraced(reason)


def test_a_wrong_trace_does_not_agree() -> None:
    point = {"x": np.array([0.7, -1.3]), "y": np.array([1.1, 0.4])}
    own = [tf.constant(point["x"] ** 2 * point["y"] + np.sin(point["x"])).numpy()]
    for text, healthy in (("x*x*y + sin(x)", True), ("x**2*y + sin(x) + 1e-13", False), ("x**2*y + cos(x)", False)):
        assert (disagreement(TensorFlow(), tf, Traced([text], {}), point, own) == "") == healthy


# ---- the table, read backwards

SETTINGS: dict[str, Any] = {"axis": 0, "keepdims": True, "axes": (1, 0), "shape": (3, 2), "key": (0,)}


def is_one_call(row: Any) -> bool:
    cell = row.tensorflow.replace("{", "").replace("}", "")
    tree = ast.parse(cell, mode="eval").body if cell else None
    return isinstance(tree, ast.Call) and not any(isinstance(part, ast.Call) for part in tree.args)


ROWS = [row.name for row in OPERATIONS.values() if not row.hidden and is_one_call(row)]


def test_most_rows_are_one_call() -> None:
    assert len(ROWS) > 65


@pytest.mark.parametrize("name", ROWS)
def test_the_template_of_a_row_is_traced_back_to_the_row(name: str) -> None:
    row = OPERATIONS[name]
    options = {option: SETTINGS[option] for option in row.options}
    names = ("x", "y") if row.gather else row.parameters
    shapes = dict.fromkeys(names, V if name == "dot" else M if row.shape != "matmul" else S)

    def call(**values: Any) -> Any:
        native = bind(row, "tensorflow", tf)
        given = [values[one] > 0.5 if one == "condition" or row.name.startswith("logical") else values[one]
                 for one in names]  # fmt: skip
        made = native(*given, **options)
        return tf.where(made, values["x"], 1.0) if row.logical else made

    tree = parse(read(call, shapes).expressions[0], names).tree
    assert isinstance(tree, Call)
    tree = tree.arguments[0] if row.logical else tree
    assert isinstance(tree, Call)
    assert tree.operation == name
    told = [one.arguments[0] if isinstance(one, Call) else one for one in tree.arguments]
    assert [one.name for one in told if isinstance(one, Variable)] == list(names)
    assert dict(tree.options) == {option: value for option, value in options.items() if value != row.options[option]}
