"""Operations over whole arrays, in TensorFlow."""

import tensorflow as tf
from callables_operation_tensorflow import gradient


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


def cumulative_sum(x):
    return tf.cumsum(x)


@gradient(cumulative_sum)
def _(at, y, u):
    return tf.cumsum(u, reverse=True)


def gather(table, index):
    return tf.gather(table, index)


@gradient(gather)
def _(at, y, u):
    return tf.math.unsorted_segment_sum(u, at.index, at.table.shape[0])


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


def normalise(x):
    largest = tf.reduce_max(tf.abs(tf.stop_gradient(x)))
    scaled = x / largest
    return scaled / tf.norm(scaled)


@gradient(normalise)
def _(at, y, u):
    largest = tf.reduce_max(tf.abs(at.x))
    return (u - y * tf.reduce_sum(u * y)) / (largest * tf.norm(at.x / largest))


def quadratic(x, A):  # noqa: N803
    return tf.tensordot(x, tf.linalg.matvec(A, x), 1)


@gradient(quadratic)
def _(at, y, u):
    return u * tf.linalg.matvec(at.A + tf.transpose(at.A), at.x), u * tf.tensordot(at.x, at.x, 0)


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


def softmax(x):
    return tf.nn.softmax(x)


@gradient(softmax)
def _(at, y, u):
    return y * (u - tf.reduce_sum(u * y, -1, keepdims=True))


def variance(x):
    return tf.math.reduce_variance(x, -1)


@gradient(variance)
def _(at, y, u):
    return u[..., None] * 2 * (at.x - tf.reduce_mean(at.x, -1, keepdims=True)) / at.x.shape[-1]
