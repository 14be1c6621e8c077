"""Contract checks on TensorFlow functions: a planted fault of every kind is told, and its healthy twin is not."""

# ruff: noqa: ARG002, ARG005 - a backward pass is given more than it needs
from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradtool.evidence import Breach, CallableRequest
from gradtool.witness.callable.subject import Origin
from gradtool.witness.tensorflow.callable.contract import breaches
from gradtool.witness.tensorflow.callable.subject import subject_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Backward = Callable[..., Any]


def vector(*numbers: float, dtype: tf.DType = tf.float64) -> tf.Tensor:
    return tf.constant(numbers or (0.7, -1.3, 2.1, 0.4), dtype)


def draws(*shape: int, dtype: tf.DType = tf.float64) -> tf.Tensor:
    return tf.constant(np.random.default_rng(5).normal(size=shape), dtype)


def found(function: Callable[..., Any], *arguments: Any, order: int = 1, seed: int = 3) -> list[Breach]:
    origin = Origin("f", "function", "ops.py:1")
    subject = subject_of(function, arguments or (vector(),), {}, ["x", "y", "z"], origin, seed)
    return breaches(subject, CallableRequest(1, "ops.py", framework="tensorflow", order=order, seed=seed), "given")


def kinds(function: Callable[..., Any], *arguments: Any, **settings: Any) -> set[str]:
    return {breach.kind for breach in found(function, *arguments, **settings)}


def operation(forward: Callable[..., Any], backward: Backward) -> Callable[..., Any]:
    """A custom gradient from a forward over tensors and a backward over (upstream, *inputs)."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def planted(*inputs: Any) -> Any:
        return forward(*inputs), lambda *upstream: backward(*upstream, *inputs)

    return planted  # type: ignore[no-any-return]


# ---- upstream


NOT_LINEAR: dict[str, tuple[Backward, str]] = {
    "ignored": (lambda g, x: 2 * x, "upstream_ignored"),
    "sign only": (lambda g, x: 2 * x * tf.sign(g), "upstream_ignored"),
    "constant added": (lambda g, x: 2 * x * g + 0.25, "upstream_nonlinear"),
    "clipped near": (lambda g, x: tf.clip_by_value(2 * x * g, -1, 1), "upstream_nonlinear"),
    "clipped far": (lambda g, x: tf.clip_by_value(2 * x * g, -100, 100), "upstream_nonlinear"),
    "small ones dropped": (lambda g, x: tf.where(abs(g) < 1e-2, 0 * x, 2 * x * g), "upstream_nonlinear"),
    "positive only": (lambda g, x: 2 * x * tf.nn.relu(g), "upstream_nonlinear"),
    "by its largest": (lambda g, x: 2 * x * tf.reduce_max(abs(g)) * tf.sign(g), "upstream_nonlinear"),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_a_gradient_that_is_not_linear_in_the_upstream_gradient_is_told(name: str) -> None:
    backward, kind = NOT_LINEAR[name]
    told = found(operation(lambda x: x * x, backward))
    assert [(breach.kind, breach.variable) for breach in told if breach.kind.startswith("upstream")] == [(kind, "x")]


# ---- healthy


def layer(made: keras.layers.Layer, *shape: int, dtype: tf.DType = tf.float32) -> tuple[Any, tuple[Any, ...]]:
    keras.utils.set_random_seed(1)
    return made, (draws(*shape, dtype=dtype),)


HEALTHY: dict[str, Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    "square": lambda: (operation(lambda x: x * x, lambda g, x: 2 * x * g), (vector(),)),
    "product": lambda: (
        operation(lambda x, y: x * y, lambda g, x, y: (g * y, g * x)),
        (vector(), vector(1, 2, 3, 4)),
    ),
    "batch norm": lambda: (
        lambda x: NORM(x, training=True),
        (draws(5, 3, dtype=tf.float32),),
    ),
    "dense": lambda: layer(keras.layers.Dense(3, activation="tanh"), 2, 4),
    "recurrent": lambda: layer(keras.layers.GRU(3), 2, 4, 3),
    "views": lambda: (lambda x: (tf.transpose(tf.reshape(x, (2, 2))), x[1:]), (vector(),)),
    "tuple": lambda: (lambda x, y: (x * y, {"sum": x + y}), (vector(), vector(1, 2, 3, 4))),
    "constant": lambda: (lambda x: tf.ones(3, tf.float64), (vector(),)),
    "zeros": lambda: (lambda x: x * 0, (vector(),)),
    "nothing depends on y": lambda: (lambda x, y: x * 2, (vector(), vector())),
    "floor": lambda: (tf.floor, (vector(),)),
    "gather": lambda: (tf.gather, (vector(), tf.constant([0, 2, 2, 1]))),
    "complex": lambda: (
        lambda x: tf.math.real(x * tf.math.conj(x)) + tf.math.imag(x),
        (tf.complex(vector(), vector(1, 2, 3, 4)),),
    ),
    "float32": lambda: (lambda x: tf.nn.softmax(x) * tf.sin(x), (vector(dtype=tf.float32),)),
    "bfloat16": lambda: (lambda x: tf.nn.softmax(x) * tf.sin(x), (vector(dtype=tf.bfloat16),)),
    "float16": lambda: (lambda x: tf.reduce_sum(tf.tanh(x)) * x, (vector(dtype=tf.float16),)),
    "matrix": lambda: (
        lambda x: tf.linalg.inv(x @ tf.transpose(x) + tf.eye(4, dtype=x.dtype)),
        (draws(4, 4),),
    ),
    "a domain": lambda: (lambda x: tf.math.log(x) + tf.sqrt(1 - x), (vector(0.2, 0.5, 0.9),)),
    "relu at 0": lambda: (tf.nn.relu, (vector(0.0, 1.0, -1.0, 0.0),)),
    "scalar": lambda: (tf.exp, (tf.constant(0.5, tf.float64),)),
    "compiled": lambda: (tf.function(lambda x: tf.sin(x) * x), (vector(),)),
}
NORM = keras.layers.BatchNormalization()


SECOND = [name for name in HEALTHY if name != "batch norm"]
"""tf.nn.moments is wrong in second order, which is a test of its own."""


@pytest.mark.parametrize(("name", "order"), [*((name, 1) for name in HEALTHY), *((name, 2) for name in SECOND)])
def test_a_healthy_function_breaks_nothing(name: str, order: int) -> None:
    function, arguments = HEALTHY[name]()
    assert found(function, *arguments, order=order) == []


# ---- None, shapes, dtypes


def test_none_for_an_input_that_matters() -> None:
    two = (vector(), vector(1, 2, 3, 4))
    (told,) = found(lambda x, y: x * tf.stop_gradient(y), *two)
    assert (told.kind, told.variable) == ("none", "y")
    (told,) = found(operation(lambda x, y: x * y, lambda g, x, y: (g * y, None)), *two)
    assert (told.kind, told.variable) == ("none", "y")
    assert kinds(lambda x: tf.stop_gradient(x) ** 2) == {"none"}
    assert kinds(lambda x: tf.constant(np.sin(x.numpy()))) == {"none"}


def test_one_result_of_two_that_is_cut_off() -> None:
    told = found(lambda x: (x * x, tf.stop_gradient(x * 3)))
    assert [(breach.kind, breach.variable) for breach in told] == [("cut_result", "output 1")]


def test_wrong_shapes_and_dtypes_that_a_tape_lets_through() -> None:
    (told,) = found(operation(lambda x: x * 2, lambda g, x: tf.reduce_sum(g) * 2))
    assert (told.kind, told.variable) == ("shape", "x")
    single = operation(lambda x: x * 2, lambda g, x: tf.cast(g, tf.float64) * 2)
    (told,) = found(single, vector(dtype=tf.float32))
    assert (told.kind, told.variable) == ("dtype", "x")
    assert found(single) == []


def test_a_backward_that_raises_is_a_breach() -> None:
    (told,) = found(operation(lambda x: x * 2, lambda g, x: [g, g]))
    assert told.kind == "raises"


# ---- runs


@pytest.mark.parametrize("every", [2, 5, 11])
def test_a_backward_that_differs_now_and_then(every: int) -> None:
    calls = [0]

    def backward(g: Any, x: Any) -> Any:
        calls[0] += 1
        return 2 * x * g * (1.01 if calls[0] % every == 0 else 1.0)

    (told,) = found(operation(lambda x: x * x, backward))
    assert told.kind == "nondeterministic_backward"
    assert told.size == pytest.approx(0.01, rel=2e-2)


def test_a_forward_that_differs() -> None:
    draw = random.Random(1)  # noqa: S311
    assert kinds(lambda x: x * x + draw.random()) == {"nondeterministic_forward"}


def test_dropout_is_random_and_not_wrong() -> None:
    assert kinds(lambda x: tf.nn.dropout(x, 0.5), draws(20)) == {"random_forward"}


def test_dropout_of_four_entries_is_random_too() -> None:
    """Seeds 0 and 1 keep the same one of them."""
    assert kinds(lambda x: tf.nn.dropout(x, 0.5), draws(4)) == {"random_forward"}


# ---- state


def test_a_layer_that_writes_to_its_own_weights() -> None:
    class Drifting(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, x: Any) -> Any:
            self.scale.assign(self.scale * 0.5)
            return x * self.scale

    told = found(Drifting(), vector(dtype=tf.float32))
    assert ("modifies_input", "scale") in {(breach.kind, breach.variable) for breach in told}


def test_saved_tensors_of_another_call() -> None:
    kept: list[Any] = [None]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def remembers(x: Any) -> Any:
        kept[0] = x
        return x * x, lambda g: 2 * kept[0] * g

    assert kinds(remembers) == {"stale"}


def test_results_that_depend_on_the_call_before() -> None:
    peak = tf.Variable(0.0, dtype=tf.float64)

    def scaled(x: Any) -> Any:
        peak.assign(tf.maximum(peak, tf.reduce_max(tf.abs(tf.stop_gradient(x)))))
        return x / peak.value()

    assert "state" in kinds(scaled)


# ---- other modes


def test_forward_mode_that_is_right_does_not_break_the_contract_of_a_wrong_gradient() -> None:
    """TensorFlow's forward mode differentiates the operations inside: surrogates and wrong gradients differ from it."""
    assert kinds(operation(lambda x: x * x, lambda g, x: 3 * x * g)) == set()
    assert kinds(operation(lambda x: x * x, lambda g, x: -g)) == set()


@pytest.mark.parametrize("dtype", [tf.float64, tf.float32])
def test_second_derivatives(dtype: tf.DType) -> None:
    at = vector(dtype=dtype)
    cut = operation(lambda x: x**3, lambda g, x: tf.stop_gradient(3 * x * x) * g)
    assert kinds(cut, at, order=2) == {"second_order_cut"}
    assert kinds(cut, at) == set()
    half = operation(lambda x: x**3, lambda g, x: 3 * x * tf.stop_gradient(x) * g)
    (told,) = found(half, at, order=2)
    assert told.kind == "second_order"
    assert "0.5 times" in told.told
    assert kinds(operation(lambda x: x**3, lambda g, x: 3 * x * x * g), at, order=2) == set()


def test_second_derivatives_of_moments_are_wrong_in_tensorflow_itself() -> None:
    """Of the variance they are 2/n (1 - 1/n) and -2/n**2; tf.nn.moments stops the gradient of the mean in it."""
    told = found(lambda x: tf.nn.moments(x, [0])[1], order=2)
    assert [breach.kind for breach in told] == ["second_order"]
    at = vector()
    with tf.GradientTape() as outer:
        outer.watch(at)
        with tf.GradientTape() as tape:
            tape.watch(at)
            variance = tf.nn.moments(at, [0])[1]
        slopes = tape.gradient(variance, at)
    assert np.allclose(outer.jacobian(slopes, at), 2 / 4 * np.eye(4))
    assert found(lambda x: tf.reduce_mean((x - tf.reduce_mean(x)) ** 2), order=2) == []


def test_the_mask_of_a_keras_layer_is_the_same_in_every_call() -> None:
    """Keras keeps its random state in a variable of the layer, which two calls inside one block would move."""

    class Noisy(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.drop = keras.layers.Dropout(0.5)

        def call(self, x: Any) -> Any:
            return self.drop(x, training=True) * x

    assert kinds(Noisy(), draws(4, 3, dtype=tf.float32)) == set()


def test_a_backward_that_draws() -> None:
    rarely = operation(
        lambda x: x * 2,
        lambda g, x: g * 2 * (1 + 1e-3 * tf.cast(tf.random.uniform(()) < 0.1, g.dtype)),
    )
    (told,) = found(rarely)
    assert told.kind == "random_backward"
    assert told.size == pytest.approx(1e-3, rel=1e-2)
    assert kinds(operation(lambda x: x * 2, lambda g, x: g * 2)) == set()
