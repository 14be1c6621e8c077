"""Operations with a backward written by hand, in PyTorch: forward(inputs) and backward(at, outputs, upstream).

``at`` holds the inputs as attributes. Both are written with differentiable operations of the saved inputs and outputs,
so that the second derivative is right too.
"""

import functools
import inspect
from types import SimpleNamespace

import torch
from torch.nn import functional as F  # noqa: N812  # as everyone writes it


def operation(forward, backward):
    """A function of the parameters of ``forward``, run as an autograd Function whose backward is ``backward``."""
    names = list(inspect.signature(forward).parameters)

    class Operation(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *values):
            outputs = forward(*values)
            several = isinstance(outputs, tuple)
            ctx.rest = [None if torch.is_tensor(value) else value for value in values]
            saved = [value for value in values if torch.is_tensor(value)]
            ctx.save_for_backward(*saved, *(outputs if several else (outputs,)))
            return outputs

        @staticmethod
        def backward(ctx, *upstream):
            saved = iter(ctx.saved_tensors)
            values = [next(saved) if rest is None else rest for rest in ctx.rest]
            gradients = backward(SimpleNamespace(**dict(zip(names, values, strict=True))), *saved, *upstream)
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            return *gradients, *(None for _ in range(len(names) - len(gradients)))

    @functools.wraps(forward)
    def run(*values, **named):
        bound = inspect.signature(forward).bind(*values, **named)
        return Operation.apply(*bound.args)

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
    return x.abs()


@gradient(absolute)
def _(at, y, u):
    return u * torch.sign(at.x)


def add_bias(x, bias):
    return x + bias


@gradient(add_bias)
def _(at, y, u):
    return u, u.sum(0)


def attention(q, k, v):
    return torch.softmax(q @ k.T / q.shape[1] ** 0.5, dim=1) @ v


@gradient(attention)
def _(at, y, u):
    root = at.q.shape[1] ** 0.5
    p = torch.softmax(at.q @ at.k.T / root, dim=1)
    inner = u @ at.v.T
    scores = p * (inner - (inner * p).sum(1, keepdim=True)) / root
    return scores @ at.k, scores.T @ at.q, p.T @ u


def convolve(x, kernel):
    return F.conv1d(x[None, None], kernel[None, None])[0, 0]


@gradient(convolve)
def _(at, y, u):
    by_x = F.conv_transpose1d(u[None, None], at.kernel[None, None])[0, 0]
    return by_x, F.conv1d(at.x[None, None], u[None, None])[0, 0]


def cross_entropy(logits, labels):
    return F.cross_entropy(logits, labels)


@gradient(cross_entropy)
def _(at, y, u):
    hot = F.one_hot(at.labels, at.logits.shape[1]).to(u.dtype)
    return u * (torch.softmax(at.logits, 1) - hot) / len(at.labels)


def cube(x):
    return x**3


@gradient(cube)
def _(at, y, u):
    return u * 3 * at.x**2


def cumulative_sum(x):
    return x.cumsum(0)


@gradient(cumulative_sum)
def _(at, y, u):
    return u.flip(0).cumsum(0).flip(0)


def divide(x, y):
    return x / y


@gradient(divide)
def _(at, y, u):
    return u / at.y, -u * y / at.y


def gather(table, index):
    return table[index]


@gradient(gather)
def _(at, y, u):
    return torch.zeros_like(at.table).index_add(0, at.index, u)


def huber(x, delta):
    return torch.where(x.abs() <= delta, x * x / 2, delta * (x.abs() - delta / 2))


@gradient(huber)
def _(at, y, u):
    return u * at.x.clamp(-at.delta, at.delta)


def hypot(x, y):
    return torch.hypot(x, y)


@gradient(hypot)
def _(at, y, u):
    return u * (at.x / y), u * (at.y / y)


def layer_norm(x, gain, bias):
    return F.layer_norm(x, x.shape[-1:], gain, bias, 1e-5)


@gradient(layer_norm)
def _(at, y, u):
    centred = at.x - at.x.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    normal, inner = centred * scale, u * at.gain
    by_x = scale * (inner - inner.mean(-1, keepdim=True) - normal * (inner * normal).mean(-1, keepdim=True))
    return by_x, (u * normal).sum(0), u.sum(0)


def logdet(A):  # noqa: N803  # a matrix
    return torch.linalg.slogdet(A).logabsdet


@gradient(logdet)
def _(at, y, u):
    return u * torch.linalg.inv(at.A).T


def logsumexp(x):
    return torch.logsumexp(x, 0)


@gradient(logsumexp)
def _(at, y, u):
    return u * torch.exp(at.x - y)


def matmul(a, b):
    return a @ b


@gradient(matmul)
def _(at, y, u):
    return u @ at.b.T, at.a.T @ u


def mean_square(x):
    return x.square().mean()


@gradient(mean_square)
def _(at, y, u):
    return u * 2 * at.x / at.x.numel()


def multiply(x, y):
    return x * y


@gradient(multiply)
def _(at, y, u):
    return u * at.y, u * at.x


def normalise(x):
    return x / torch.linalg.vector_norm(x)


@gradient(normalise)
def _(at, y, u):
    return (u - y * (u * y).sum()) / torch.linalg.vector_norm(at.x)


def polar(r, t):
    return r * torch.cos(t), r * torch.sin(t)


@gradient(polar)
def _(at, x, y, u, v):
    return u * torch.cos(at.t) + v * torch.sin(at.t), v * x - u * y


def power(x, y):
    return x**y


@gradient(power)
def _(at, y, u):
    return u * at.y * at.x ** (at.y - 1), u * y * torch.log(at.x)


def powers(x, power, reduction):
    return getattr(x**power, reduction)()


@gradient(powers)
def _(at, y, u):
    return u * at.power * at.x ** (at.power - 1) / (at.x.numel() if at.reduction == "mean" else 1)


def quadratic(x, A):  # noqa: N803
    return x @ A @ x


@gradient(quadratic)
def _(at, y, u):
    return u * (at.A + at.A.T) @ at.x, u * torch.outer(at.x, at.x)


def relu(x):
    return torch.relu(x)


@gradient(relu)
def _(at, y, u):
    return u * (at.x > 0)


def rms_norm(x, gain):
    return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * gain


@gradient(rms_norm)
def _(at, y, u):
    scale = (at.x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
    normal, inner = at.x * scale, u * at.gain
    return scale * (inner - normal * (inner * normal).mean(-1, keepdim=True)), (u * normal).sum(0)


def scatter_add(values, index):
    return torch.zeros(5, dtype=values.dtype).index_add(0, index, values)


@gradient(scatter_add)
def _(at, y, u):
    return u[at.index]


def sigmoid(x):
    return torch.sigmoid(x)


@gradient(sigmoid)
def _(at, y, u):
    return u * y * (1 - y)


def softmax(x):
    return torch.softmax(x, -1)


@gradient(softmax)
def _(at, y, u):
    return y * (u - (u * y).sum(-1, keepdim=True))


def softplus(x):
    return torch.logaddexp(x, torch.zeros_like(x))


@gradient(softplus)
def _(at, y, u):
    return u * torch.sigmoid(at.x)


def variance(x):
    return x.var(-1, correction=0)


@gradient(variance)
def _(at, y, u):
    return u[..., None] * 2 * (at.x - at.x.mean(-1, keepdim=True)) / at.x.shape[-1]


def wide(x):
    return torch.sin(x)


@gradient(wide)
def _(at, y, u):
    return u * torch.cos(at.x)
