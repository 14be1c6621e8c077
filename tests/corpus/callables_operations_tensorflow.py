"""Operations with a gradient written by hand, in TensorFlow: forward(inputs) and backward(at, outputs, upstream).

``at`` holds the inputs as attributes. The operations and their inputs are those of callables_operations_torch.py.
"""

import functools
import inspect
from types import SimpleNamespace

import tensorflow as tf


def operation(forward, backward):
    """A function of the parameters of ``forward``, whose custom gradient is ``backward``."""
    signature = inspect.signature(forward)

    @functools.wraps(forward)
    def run(*values, **named):
        at = signature.bind(*values, **named).arguments
        tensors = [name for name, value in at.items() if tf.is_tensor(value)]

        @tf.custom_gradient
        def custom(*given):
            whole = {**at, **dict(zip(tensors, given, strict=True))}
            outputs = forward(**whole)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)

            def gradient(*upstream):
                gradients = backward(SimpleNamespace(**whole), *outputs, *upstream)
                gradients = gradients if isinstance(gradients, tuple) else (gradients,)
                return [*gradients, *(None for _ in range(len(tensors) - len(gradients)))]

            return outputs if len(outputs) > 1 else outputs[0], gradient

        return custom(*(at[name] for name in tensors))

    return run


OPERATIONS = {}
"""Of every operation, by name, its forward and its backward."""


def gradient(forward):
    """A decorator: what follows is the backward of ``forward``."""

    def register(backward):
        OPERATIONS[forward.__name__] = (forward, backward)
        return backward

    return register


def absolute(x):
    return tf.abs(x)


@gradient(absolute)
def _(at, y, u):
    return u * tf.sign(at.x)


def add_bias(x, bias):
    return x + bias


@gradient(add_bias)
def _(at, y, u):
    return u, tf.reduce_sum(u, 0)


def attention(q, k, v):
    return tf.nn.softmax(q @ tf.transpose(k) / q.shape[1] ** 0.5, axis=1) @ v


@gradient(attention)
def _(at, y, u):
    root = at.q.shape[1] ** 0.5
    p = tf.nn.softmax(at.q @ tf.transpose(at.k) / root, axis=1)
    inner = u @ tf.transpose(at.v)
    scores = p * (inner - tf.reduce_sum(inner * p, 1, keepdims=True)) / root
    return scores @ at.k, tf.transpose(scores) @ at.q, tf.transpose(p) @ u


def _windows(x, size):
    return tf.stack([x[start : start + size] for start in range(x.shape[0] - size + 1)])


def convolve(x, kernel):
    return tf.linalg.matvec(_windows(x, kernel.shape[0]), kernel)


@gradient(convolve)
def _(at, y, u):
    size = at.kernel.shape[0]
    padded = tf.pad(u, [[size - 1, size - 1]])
    by_x = tf.linalg.matvec(_windows(padded, size), tf.reverse(at.kernel, [0]))
    return by_x, tf.linalg.matvec(_windows(at.x, u.shape[0]), u)


def cross_entropy(logits, labels):
    hot = tf.one_hot(labels, logits.shape[1], dtype=logits.dtype)
    return -tf.reduce_mean(tf.reduce_sum(hot * tf.nn.log_softmax(logits, 1), 1))


@gradient(cross_entropy)
def _(at, y, u):
    hot = tf.one_hot(at.labels, at.logits.shape[1], dtype=u.dtype)
    return u * (tf.nn.softmax(at.logits, 1) - hot) / at.logits.shape[0]


def cube(x):
    return x**3


@gradient(cube)
def _(at, y, u):
    return u * 3 * at.x**2


def cumulative_sum(x):
    return tf.cumsum(x)


@gradient(cumulative_sum)
def _(at, y, u):
    return tf.cumsum(u, reverse=True)


def divide(x, y):
    return x / y


@gradient(divide)
def _(at, y, u):
    return u / at.y, -u * y / at.y


def gather(table, index):
    return tf.gather(table, index)


@gradient(gather)
def _(at, y, u):
    return tf.math.unsorted_segment_sum(u, at.index, at.table.shape[0])


def huber(x, delta):
    return tf.where(tf.abs(x) <= delta, x * x / 2, delta * (tf.abs(x) - delta / 2))


@gradient(huber)
def _(at, y, u):
    return u * tf.clip_by_value(at.x, -at.delta, at.delta)


def hypot(x, y):
    scale = tf.stop_gradient(tf.maximum(tf.abs(x), tf.abs(y)))
    return scale * tf.sqrt((x / scale) ** 2 + (y / scale) ** 2)


@gradient(hypot)
def _(at, y, u):
    return u * (at.x / y), u * (at.y / y)


def layer_norm(x, gain, bias):
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    return centred / tf.sqrt(tf.reduce_mean(centred**2, -1, keepdims=True) + 1e-5) * gain + bias


@gradient(layer_norm)
def _(at, y, u):
    centred = at.x - tf.reduce_mean(at.x, -1, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(centred**2, -1, keepdims=True) + 1e-5)
    normal, inner = centred * scale, u * at.gain
    by_x = inner - tf.reduce_mean(inner, -1, keepdims=True)
    by_x = scale * (by_x - normal * tf.reduce_mean(inner * normal, -1, keepdims=True))
    return by_x, tf.reduce_sum(u * normal, 0), tf.reduce_sum(u, 0)


def logdet(A):  # noqa: N803  # a matrix
    return tf.linalg.slogdet(A).log_abs_determinant


@gradient(logdet)
def _(at, y, u):
    return u * tf.transpose(tf.linalg.inv(at.A))


def logsumexp(x):
    return tf.reduce_logsumexp(x)


@gradient(logsumexp)
def _(at, y, u):
    return u * tf.exp(at.x - y)


def matmul(a, b):
    return a @ b


@gradient(matmul)
def _(at, y, u):
    return u @ tf.transpose(at.b), tf.transpose(at.a) @ u


def mean_square(x):
    return tf.reduce_mean(x**2)


@gradient(mean_square)
def _(at, y, u):
    return u * 2 * at.x / at.x.shape[0]


def multiply(x, y):
    return x * y


@gradient(multiply)
def _(at, y, u):
    return u * at.y, u * at.x


def normalise(x):
    largest = tf.reduce_max(tf.abs(tf.stop_gradient(x)))
    scaled = x / largest
    return scaled / tf.norm(scaled)


@gradient(normalise)
def _(at, y, u):
    largest = tf.reduce_max(tf.abs(at.x))
    return (u - y * tf.reduce_sum(u * y)) / (largest * tf.norm(at.x / largest))


def polar(r, t):
    return r * tf.cos(t), r * tf.sin(t)


@gradient(polar)
def _(at, x, y, u, v):
    return u * tf.cos(at.t) + v * tf.sin(at.t), v * x - u * y


def power(x, y):
    return x**y


@gradient(power)
def _(at, y, u):
    return u * at.y * at.x ** (at.y - 1), u * y * tf.math.log(at.x)


def powers(x, power, reduction):
    return getattr(tf, f"reduce_{reduction}")(x**power)


@gradient(powers)
def _(at, y, u):
    return u * at.power * at.x ** (at.power - 1) / (at.x.shape[0] if at.reduction == "mean" else 1)


def quadratic(x, A):  # noqa: N803
    return tf.tensordot(x, tf.linalg.matvec(A, x), 1)


@gradient(quadratic)
def _(at, y, u):
    return u * tf.linalg.matvec(at.A + tf.transpose(at.A), at.x), u * tf.tensordot(at.x, at.x, 0)


def relu(x):
    return tf.nn.relu(x)


@gradient(relu)
def _(at, y, u):
    return u * tf.cast(at.x > 0, u.dtype)


def rms_norm(x, gain):
    return x * tf.math.rsqrt(tf.reduce_mean(x**2, -1, keepdims=True) + 1e-6) * gain


@gradient(rms_norm)
def _(at, y, u):
    scale = tf.math.rsqrt(tf.reduce_mean(at.x**2, -1, keepdims=True) + 1e-6)
    normal, inner = at.x * scale, u * at.gain
    by_x = scale * (inner - normal * tf.reduce_mean(inner * normal, -1, keepdims=True))
    return by_x, tf.reduce_sum(u * normal, 0)


def scatter_add(values, index):
    return tf.math.unsorted_segment_sum(values, index, 5)


@gradient(scatter_add)
def _(at, y, u):
    return tf.gather(u, at.index)


def sigmoid(x):
    return tf.sigmoid(x)


@gradient(sigmoid)
def _(at, y, u):
    return u * y * (1 - y)


def softmax(x):
    return tf.nn.softmax(x)


@gradient(softmax)
def _(at, y, u):
    return y * (u - tf.reduce_sum(u * y, -1, keepdims=True))


def softplus(x):
    return tf.maximum(x, 0) + tf.math.log1p(tf.exp(-tf.abs(x)))


@gradient(softplus)
def _(at, y, u):
    return u * tf.sigmoid(at.x)


def variance(x):
    return tf.math.reduce_variance(x, -1)


@gradient(variance)
def _(at, y, u):
    return u[..., None] * 2 * (at.x - tf.reduce_mean(at.x, -1, keepdims=True)) / at.x.shape[-1]


def wide(x):
    return tf.sin(x)


@gradient(wide)
def _(at, y, u):
    return u * tf.cos(at.x)
