"""Right autograd Functions, modules and layers in PyTorch that a hasty check accuses."""

import torch
from callables_case import registry
from callables_twins_torch import X, Y, tensor
from torch import nn

CASES = {}
case = registry(CASES)


class Bias(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, bias):
        return x + bias

    @staticmethod
    def backward(ctx, upstream):
        return upstream, upstream  # PyTorch sums what was broadcast


@case(plain=lambda: lambda x, bias: x + bias)
def summed_by_the_framework():
    return lambda x, bias: Bias.apply(x, bias), {"x": X.reshape(2, 2), "bias": tensor(0.3, -0.4)}


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        return upstream * ctx.saved_tensors[0].exp()


@case(plain=lambda: lambda x: x.exp())
def differentiable_once():
    return lambda x: Once.apply(x), {"x": X}


class Unneeded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, upstream):
        x, y = ctx.saved_tensors
        by_x = upstream * y if ctx.needs_input_grad[0] else None
        return by_x, upstream * x if ctx.needs_input_grad[1] else None


@case(plain=lambda: lambda x, y: x * y)
def only_what_is_asked():
    return lambda x, y: Unneeded.apply(x, y), {"x": X, "y": Y}


class Jittery(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sum()

    @staticmethod
    def backward(ctx, upstream):
        return upstream * (1 + 2**-52 * torch.randint(-1, 2, (4,), dtype=torch.float64))


@case(plain=lambda: lambda x: x.sum())
def rounding_differs_between_runs():
    return lambda x: Jittery.apply(x), {"x": X}


@case()
def counts_its_calls_for_itself():
    calls = []

    def square(x):
        calls.append(1)
        return x * x

    return square, {"x": X}


@case()
def linear_layer():
    torch.manual_seed(0)
    return nn.Linear(2, 3, dtype=torch.float64), {"input": X.reshape(2, 2)}


@case()
def frozen_weight():
    torch.manual_seed(0)
    layer = nn.Linear(2, 3, dtype=torch.float64)
    layer.weight.requires_grad_(False)
    return layer, {"input": X.reshape(2, 2)}


@case()
def batch_norm_in_training():
    return nn.BatchNorm1d(2, dtype=torch.float64), {"input": torch.stack([X, Y], 1)}


@case()
def small_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 1)).double(), (X.reshape(2, 2),)


@case(dtype="float32")
def small_network_in_float32():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)), (X.float().reshape(2, 2),)


@case()
def embedding():
    torch.manual_seed(0)
    return nn.Embedding(5, 3, dtype=torch.float64), {"input": torch.tensor([0, 2, 2, 4])}


@case()
def tied_maximum():
    return lambda x: x.amax(), {"x": tensor(0.7, 0.2, 0.7)}


@case()
def norm_of_zero_offset():
    return lambda x: torch.sqrt((x**2).sum() + 1e-12), {"x": tensor(0.0, 0.0, 0.0)}
