"""Operations over whole arrays, in PyTorch."""

import torch
from callables_operation_torch import gradient
from torch.nn import functional as F  # noqa: N812  # as everyone writes it


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


def cumulative_sum(x):
    return x.cumsum(0)


@gradient(cumulative_sum)
def _(at, y, u):
    return u.flip(0).cumsum(0).flip(0)


def gather(table, index):
    return table[index]


@gradient(gather)
def _(at, y, u):
    return torch.zeros_like(at.table).index_add(0, at.index, u)


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


def normalise(x):
    return x / torch.linalg.vector_norm(x)


@gradient(normalise)
def _(at, y, u):
    return (u - y * (u * y).sum()) / torch.linalg.vector_norm(at.x)


def quadratic(x, A):  # noqa: N803
    return x @ A @ x


@gradient(quadratic)
def _(at, y, u):
    return u * (at.A + at.A.T) @ at.x, u * torch.outer(at.x, at.x)


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


def softmax(x):
    return torch.softmax(x, -1)


@gradient(softmax)
def _(at, y, u):
    return y * (u - (u * y).sum(-1, keepdim=True))


def variance(x):
    return x.var(-1, correction=0)


@gradient(variance)
def _(at, y, u):
    return u[..., None] * 2 * (at.x - at.x.mean(-1, keepdim=True)) / at.x.shape[-1]
