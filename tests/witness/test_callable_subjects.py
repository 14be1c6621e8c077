"""Callables as functions of named arrays: gradients by closed forms in NumPy, and nothing else is changed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gradtool.witness.callable.subject import Origin
from gradtool.witness.callable.usable import notes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

torch = pytest.importorskip("torch")
tf = pytest.importorskip("tensorflow")

from gradtool.witness.pytorch.callable import subject as of_torch  # noqa: E402  # behind the skips
from gradtool.witness.tensorflow.callable import subject as of_tensorflow  # noqa: E402

Floats = NDArray[np.float64]
X, Y = np.array([0.7, -1.3, 2.1]), np.array([1.9, 0.4, -0.8])
M, N = np.array([[0.2, -1.0, 0.5], [1.4, 0.3, -0.6]]), np.array([[1.1, -0.2], [0.3, 0.9], [-0.7, 1.6]])
LABELS = np.array([2, 0])
ORIGIN = Origin("f", "function")


class TorchReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, slope: float = 0.0) -> Any:  # noqa: ARG004
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * (ctx.saved_tensors[0] > 0), None


class TorchTwo(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return x * y, x + y

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * y + h, g * x + h


@tf.custom_gradient
def tensorflow_relu(x: Any, slope: float = 0.0) -> Any:  # noqa: ARG001
    return tf.maximum(x, 0), lambda g: g * tf.cast(x > 0, x.dtype)


@tf.custom_gradient
def tensorflow_sloped(x: Any, slope: float = 0.0) -> Any:  # noqa: ARG001
    return tf.maximum(x, 0), lambda g: (g * tf.cast(x > 0, x.dtype), None)


@tf.custom_gradient
def tensorflow_two(x: Any, y: Any) -> Any:
    return (x * y, x + y), lambda g, h: (g * y + h, g * x + h)


def torch_in_place(x: Any) -> Any:
    return x.mul_(3)


def softmax(x: Floats) -> Floats:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def cross_entropy(u: Any) -> dict[str, Floats]:
    return {"logits": (softmax(M) - np.eye(3)[LABELS]) * u[0][:, None]}


Truth = Callable[[list[Floats]], dict[str, Floats]]
Z = np.array([0.6 - 1.2j, 1.5 + 0.3j])
CASES: dict[str, tuple[Any, Any, list[Any], dict[str, Any], list[str], Truth]] = {
    "two inputs": (
        lambda x, y: x**2 * y + torch.sin(x), lambda x, y: x**2 * y + tf.sin(x), [X, Y], {}, ["x", "y"],
        lambda u: {"x": u[0] * (2 * X * Y + np.cos(X)), "y": u[0] * X**2},
    ),
    "a custom operation": (
        TorchReLU.apply, tensorflow_relu, [X], {}, ["x"], lambda u: {"x": u[0] * (X > 0)},
    ),
    "a custom operation with a number": (
        TorchReLU.apply, tensorflow_sloped, [X, 0.5], {}, ["x", "slope"], lambda u: {"x": u[0] * (X > 0)},
    ),
    "two outputs": (
        TorchTwo.apply, tensorflow_two, [X, Y], {}, ["x", "y"],
        lambda u: {"x": u[0] * Y + u[1], "y": u[0] * X + u[1]},
    ),
    "a product": (
        torch.matmul, tf.matmul, [M, N], {}, ["x", "w"], lambda u: {"x": u[0] @ N.T, "w": M.T @ u[0]},
    ),
    "a list": (
        torch.cat, lambda xs: tf.concat(xs, 0), [[X, Y]], {}, ["xs"],
        lambda u: {"xs[0]": u[0][:3], "xs[1]": u[0][3:]},
    ),
    "a dict": (
        lambda p: p["a"] * p["b"][0], lambda p: p["a"] * p["b"][0], [{"a": X, "b": (Y,)}], {}, ["p"],
        lambda u: {"p['a']": u[0] * Y, "p['b'][0]": u[0] * X},
    ),
    "a keyword": (
        lambda x, *, weight: x * weight, lambda x, *, weight: x * weight, [X], {"weight": Y}, ["x"],
        lambda u: {"x": u[0] * Y, "weight": u[0] * X},
    ),
    "labels": (
        lambda logits, labels: torch.nn.functional.cross_entropy(logits, labels, reduction="none"),
        lambda logits, labels: tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits),
        [M, LABELS], {}, ["logits", "labels"], cross_entropy,
    ),
    "several outputs, one of integers": (
        lambda x: {"a": x.sin(), "b": [x.cos(), x.argmax()]},
        lambda x: {"a": tf.sin(x), "b": [tf.cos(x), tf.argmax(x)]},
        [X], {}, ["x"], lambda u: {"x": u[0] * np.cos(X) - u[1] * np.sin(X)},
    ),
    "a number": (
        lambda x: x * x, lambda x: x * x, [np.array(3.0)], {}, ["x"], lambda u: {"x": 6 * u[0]},
    ),
    "a complex input": (
        lambda z: z.real**2 + 3 * z.imag, lambda z: tf.math.real(z) ** 2 + 3 * tf.math.imag(z), [Z], {}, ["z"],
        lambda u: {"z": np.stack([2 * Z.real * u[0], 3 * u[0]], -1)},
    ),
}  # fmt: skip
"""In PyTorch and in TensorFlow, the arguments, the names of the positional ones, and the gradient in closed form."""


def tensors(framework: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.tensor(value) if framework == "torch" else tf.constant(value)
    if isinstance(value, dict):
        return {key: tensors(framework, part) for key, part in value.items()}
    return type(value)(tensors(framework, part) for part in value) if isinstance(value, list | tuple) else value


def weights(subject: Any) -> list[Floats]:
    drawn = np.random.default_rng(3)
    return [drawn.standard_normal(slot.shape) for slot in subject.results if slot.differentiated]


ROOMS = {"torch": of_torch, "tensorflow": of_tensorflow}
both = pytest.mark.parametrize("framework", ROOMS)


@both
@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_the_closed_form(framework: str, case: str) -> None:
    in_torch, in_tensorflow, positional, keywords, names, truth = CASES[case]
    function = in_torch if framework == "torch" else in_tensorflow
    arguments, named = tensors(framework, positional), tensors(framework, keywords)
    subject = ROOMS[framework].subject_of(function, arguments, named, names, ORIGIN)
    upstream = weights(subject)
    _, found = subject.gradient(subject.point, upstream)
    expected = truth(upstream)
    assert list(found) == list(expected)
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-13, atol=1e-14)


@both
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # PyTorch's own forward mode
@pytest.mark.parametrize("case", ["two inputs", "a number"])
def test_second_derivatives_forward_and_batched_products_are_those_of_the_closed_form(
    framework: str, case: str
) -> None:
    in_torch, in_tensorflow, positional, _, names, truth = CASES[case]
    function = in_torch if framework == "torch" else in_tensorflow
    subject = ROOMS[framework].subject_of(function, tensors(framework, positional), {}, names, ORIGIN)
    upstream = weights(subject)
    u, along = upstream[0], {name: 0.5 + 0 * value for name, value in subject.point.items()}
    slope, second = subject.twice(subject.point, upstream, along)
    first = truth(upstream)
    assert slope == pytest.approx(sum(0.5 * float(np.sum(first[name])) for name in first), rel=1e-12)
    if case == "a number":
        np.testing.assert_allclose(second["x"], u, rtol=1e-13)
    else:
        np.testing.assert_allclose(second["x"], 0.5 * u * (2 * Y - np.sin(X) + 2 * X), rtol=1e-12)
        np.testing.assert_allclose(second["y"], 0.5 * u * 2 * X, rtol=1e-12)
    moved = subject.forward(subject.point, along)[0]
    assert float(np.sum(moved * u)) == pytest.approx(slope, rel=1e-12)
    rows = subject.batched(subject.point, [upstream, [3 * u]])
    for name, gradient in first.items():
        np.testing.assert_allclose(rows[0][name], gradient, rtol=1e-13)
        np.testing.assert_allclose(rows[1][name], 3 * gradient, rtol=1e-13)


@both
def test_only_what_is_chosen_is_differentiated(framework: str) -> None:
    function = CASES["two inputs"][0 if framework == "torch" else 1]
    arguments = tensors(framework, [X, Y])
    subject = ROOMS[framework].subject_of(function, arguments, {}, ["x", "y"], ORIGIN, wrt=["y"])
    assert list(subject.point) == ["y"]
    assert [slot.differentiated for slot in subject.inputs] == [False, True]
    _, found = subject.gradient({"y": Y}, [np.ones(3)])
    np.testing.assert_allclose(found["y"], X**2, rtol=1e-14)


def test_what_writes_into_its_inputs_is_given_copies() -> None:
    x = torch.tensor(X)
    subject = of_torch.subject_of(torch_in_place, [x], {}, ["x"], ORIGIN)
    assert subject.changes_inputs
    np.testing.assert_array_equal(subject.gradient(subject.point, [Y])[1]["x"], 3 * Y)
    np.testing.assert_array_equal(x.numpy(), X)


def asked(subject: Any) -> None:
    """Everything that can be asked of a subject."""
    upstream = weights(subject)
    along = {name: np.ones_like(value) for name, value in subject.point.items()}
    subject.outputs(subject.point)
    subject.gradient({name: value + 1 for name, value in subject.point.items()}, upstream)
    subject.twice(subject.point, upstream, along)
    for ask in (lambda: subject.forward(subject.point, along), lambda: subject.batched(subject.point, [upstream])):
        try:
            ask()
        except of_torch.UnavailableError:
            continue


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_pytorch_is_left_as_it_was_found() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5)).double()
    net[0].bias.requires_grad_(False)
    x = torch.tensor(M, requires_grad=True)
    net(x).sum().backward()
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)

    def chance() -> list[Any]:
        return [torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()]  # noqa: NPY002

    def state() -> list[Any]:
        kept: list[Any] = [net.training, x.requires_grad]
        for tensor in (x, *net.parameters(), *net.buffers()):
            kept += [tensor.requires_grad, tensor.tolist(), None if tensor.grad is None else tensor.grad.tolist()]
        return kept + chance()

    before = state()
    subject = of_torch.subject_of(net, [x], {}, ["x"], ORIGIN)
    assert "0.bias" not in subject.point
    asked(subject)
    assert state() == before

    def noisy(x: Any) -> Any:
        return x**2 * random.random() * np.random.random() * torch.rand_like(x)  # noqa: NPY002, S311

    subject = of_torch.subject_of(noisy, [x], {}, ["x"], ORIGIN)
    asked(subject)
    np.testing.assert_array_equal(subject.outputs(subject.point)[0], subject.outputs(subject.point)[0])
    assert state() == before


def test_tensorflow_is_left_as_it_was_found() -> None:
    keras = pytest.importorskip("keras")
    normal = keras.layers.BatchNormalization()
    layer = keras.Sequential([keras.layers.Dense(4), normal, keras.layers.Dropout(0.5)])
    x = tf.constant(M, tf.float32)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    tf.random.set_seed(5)

    class Training(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = layer

        def call(self, x: Any) -> Any:
            return self.inner(x, training=True) * random.random() * np.random.random()  # noqa: NPY002, S311

    subject = of_tensorflow.subject_of(Training(), [x], {}, ["x"], ORIGIN)
    np.testing.assert_array_equal(normal.moving_mean.numpy(), np.zeros(4))  # nor has building moved it
    np.testing.assert_array_equal(normal.moving_variance.numpy(), np.ones(4))
    before = [variable.numpy().tolist() for variable in layer.variables]
    asked(subject)
    assert [variable.numpy().tolist() for variable in layer.variables] == before
    np.testing.assert_array_equal(subject.outputs(subject.point)[0], subject.outputs(subject.point)[0])
    drawn = [random.random(), np.random.random(), tf.random.normal(()).numpy()]  # noqa: NPY002, S311
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    tf.random.set_seed(5)
    assert drawn == [random.random(), np.random.random(), tf.random.normal(()).numpy()]  # noqa: NPY002, S311


def test_parameters_of_a_module_are_differentiated() -> None:
    layer = torch.nn.Linear(3, 2).double()
    subject = of_torch.subject_of(layer, [torch.tensor(M)], {}, ["input"], ORIGIN)
    upstream = weights(subject)
    _, found = subject.gradient(subject.point, upstream)
    np.testing.assert_allclose(found["weight"], upstream[0].T @ M, rtol=1e-13)
    np.testing.assert_allclose(found["bias"], upstream[0].sum(0), rtol=1e-13)


def test_variables_of_layers_are_differentiated_and_keep_their_names_apart() -> None:
    keras = pytest.importorskip("keras")
    layer = keras.layers.Dense(2, dtype="float64")
    subject = of_tensorflow.subject_of(layer, [tf.constant(M)], {}, ["inputs"], ORIGIN)
    upstream = weights(subject)
    _, found = subject.gradient(subject.point, upstream)
    np.testing.assert_allclose(found["kernel"], M.T @ upstream[0], rtol=1e-13)
    np.testing.assert_allclose(found["bias"], upstream[0].sum(0), rtol=1e-13)

    class Plain(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x, self.parts = tf.Variable(X), [tf.Variable(Y), tf.Variable(X)]

        def __call__(self, x: Any) -> Any:
            return self.x * x + self.parts[0] * self.parts[1]

    subject = of_tensorflow.subject_of(Plain(), [tf.constant(Y)], {}, ["x"], ORIGIN)
    assert sorted(subject.point) == ["Variable", "Variable (2)", "self.x", "x"]
    _, found = subject.gradient(subject.point, [np.ones(3)])
    truth = {"x": X, "self.x": Y, "Variable": X, "Variable (2)": Y}
    for name, expected in truth.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-14)


def test_a_backward_that_fails_is_told_when_it_is_asked_for() -> None:
    @tf.custom_gradient
    def wrong(x: Any, y: Any) -> Any:
        return x * y, lambda g: g

    subject = of_tensorflow.subject_of(wrong, [tf.constant(X), tf.constant(Y)], {}, ["x", "y"], ORIGIN)
    with pytest.raises(ValueError, match="expected to return 2 gradients"):
        subject.gradient(subject.point, [np.ones(3)])


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_arguments_that_are_no_tensors_are_told(framework: str) -> None:
    made = {"torch": of_torch, "tensorflow": of_tensorflow}[framework]
    x = torch.tensor(X) if framework == "torch" else tf.constant(X)
    keywords = {"scale": 3.0, "mode": "sum", "shape": [2, None], "of": object(), "long": "x" * 60}
    subject = made.subject_of(lambda x, power, **_: x**power, (x, 2), keywords, ["x", "power"], ORIGIN)
    (told,) = notes(subject)
    assert told == "power = 2, scale = 3.0, mode = 'sum', shape[0] = 2 and 3 more are passed as they are"
    subject = made.subject_of(lambda x, **_: x, (x,), {"of": object()}, ["x"], ORIGIN)
    assert notes(subject) == ["of = an object is passed as it is"]
    assert notes(made.subject_of(lambda x: x, (x,), {}, ["x"], ORIGIN)) == []
