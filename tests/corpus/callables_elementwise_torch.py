"""Operations that act entry by entry, in PyTorch."""

import torch
from callables_operation_torch import gradient


def absolute(x):
    return x.abs()


@gradient(absolute)
def _(at, y, u):
    return u * torch.sign(at.x)


def cube(x):
    return x**3


@gradient(cube)
def _(at, y, u):
    return u * 3 * at.x**2


def divide(x, y):
    return x / y


@gradient(divide)
def _(at, y, u):
    return u / at.y, -u * y / at.y


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


def multiply(x, y):
    return x * y


@gradient(multiply)
def _(at, y, u):
    return u * at.y, u * at.x


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


def relu(x):
    return torch.relu(x)


@gradient(relu)
def _(at, y, u):
    return u * (at.x > 0)


def sigmoid(x):
    return torch.sigmoid(x)


@gradient(sigmoid)
def _(at, y, u):
    return u * y * (1 - y)


def softplus(x):
    return torch.logaddexp(x, torch.zeros_like(x))


@gradient(softplus)
def _(at, y, u):
    return u * torch.sigmoid(at.x)


def wide(x):
    return torch.sin(x)


@gradient(wide)
def _(at, y, u):
    return u * torch.cos(at.x)
