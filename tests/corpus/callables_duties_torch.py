"""Backward passes in PyTorch that break a duty: not (or not only) a number is wrong, but how it comes about."""

import torch
from callables_case import registry
from torch import nn

CASES = {}
case = registry(CASES)
X = torch.tensor([-1.3, 0.4, 0.9, 2.2], dtype=torch.float64)
Y = torch.tensor([0.7, -1.6, 2.1, 0.5], dtype=torch.float64)


def function(forward, backward):
    """An autograd Function of one tensor; ``backward(x, upstream)``."""

    class Op(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx, upstream):
            return backward(ctx.saved_tensors[0], upstream)

    def op(x):
        return Op.apply(x)

    return op


def square(backward):
    return function(lambda x: x * x, backward)


def plain_square():
    return lambda x: x * x


def plain_total():
    return lambda x: x.square().sum()


@case(fault="the upstream gradient is ignored", where="upstream_ignored", plain=plain_square)
def ignores_upstream():
    return square(lambda x, _u: 2 * x), {"x": X}


@case(fault="the upstream gradient is ignored, the output is one number", where="upstream_ignored", plain=plain_total)
def ignores_upstream_of_a_loss():
    return function(lambda x: x.square().sum(), lambda x, _u: 2 * x), {"x": X}


@case(fault="only the sign of the upstream gradient is used", where="upstream_ignored", plain=plain_square)
def uses_the_sign_of_upstream():
    return square(lambda x, u: 2 * x * torch.sign(u)), {"x": X}


@case(fault="the upstream gradient is clipped: not linear in it", where="upstream_ignored", plain=plain_square)
def clips_upstream():
    return square(lambda x, u: 2 * x * u.clamp(-0.1, 0.1)), {"x": X}


class ProductForgettingOne(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(y)
        return x * y

    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.saved_tensors[0], None


@case(fault="None for an input that matters", where="none", plain=lambda: lambda x, y: x * y)
def none_for_y():
    return lambda x, y: ProductForgettingOne.apply(x, y), {"x": X, "y": Y}


@case(fault="None: detached", where="cut_off", plain=lambda: lambda x, y: torch.exp(x) * torch.sin(y))
def detached_y():
    return lambda x, y: torch.exp(x) * torch.sin(y.detach()), {"x": X, "y": Y}


@case(fault="None: through NumPy", where="cut_off", plain=lambda: lambda x, y: x * y.sum())
def through_numpy():
    return lambda x, y: x * float(y.detach().numpy().sum()), {"x": X, "y": Y}


@case(fault="half of a sum detached", where="x", plain=lambda: lambda x: x.sin() + x**2)
def half_detached():
    return lambda x: x.sin() + x.detach() ** 2, {"x": X}


class Affine(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.3, -0.8], [1.1, 0.6]], dtype=torch.float64))
        self.bias = nn.Parameter(torch.tensor([0.2, -0.5], dtype=torch.float64))

    def forward(self, x):
        return torch.tanh(x @ self.weight + self.bias)


class AffineWithData(Affine):
    def forward(self, x):
        return torch.tanh(x @ self.weight.data + self.bias)


@case(fault="None: weight.data", where="cut_off", plain=Affine)
def module_with_data():
    return AffineWithData(), {"x": X.reshape(2, 2)}


class AffineTwice(Affine):
    def forward(self, x):
        return torch.tanh(x @ self.weight + 2 * self.bias - self.bias.detach())


@case(fault="a parameter's gradient doubled", where="bias", factor=2.0, plain=Affine)
def module_with_factor():
    return AffineTwice(), {"x": X.reshape(2, 2)}


@case(fault="a shape that broadcasts: PyTorch sums it", where="shape", plain=plain_square)
def larger_shape():
    return square(lambda x, u: (2 * x * u).expand(3, -1)), {"x": X}


@case(fault="a shape that does not fit: PyTorch raises", where="shape", plain=plain_square)
def smaller_shape():
    return square(lambda x, u: (2 * x * u).sum()), {"x": X}


@case(fault="float32 for float64", where="dtype", plain=plain_square)
def float32_gradient():
    return square(lambda x, u: (2 * x * u).float()), {"x": X / 3}


@case(fault="one backward pass in four is 1 % off", where="nondeterministic", plain=plain_square)
def now_and_then():
    dice = torch.Generator().manual_seed(0)
    return square(lambda x, u: 2 * x * u * (1.01 if torch.rand((), generator=dice) < 0.25 else 1)), {"x": X}


@case(fault="every backward pass is noisy, 1e-3", where="nondeterministic", plain=plain_square)
def noisy():
    dice = torch.Generator().manual_seed(0)
    return square(lambda x, u: 2 * x * u * (1 + 1e-3 * torch.randn(x.shape, generator=dice))), {"x": X}


@case(fault="dropout in the forward pass", where="nondeterministic")
def dropout():
    return lambda x: torch.nn.functional.dropout(x * x, 0.5), {"x": X}


def overwriting(x):
    x.detach().clamp_(min=0)
    return x * 1


@case(fault="the input is modified in place", where="modifies_input")
def forward_in_place():
    return overwriting, {"x": X.clone()}


def _scaled(x, u):
    x.mul_(2)
    return u * x


@case(fault="the backward pass modifies the input in place", where="modifies_input", plain=plain_square)
def backward_in_place():
    return square(_scaled), {"x": X.clone()}


@case(fault="the backward pass modifies the upstream gradient in place", where="modifies_upstream", plain=plain_square)
def upstream_in_place():
    return square(lambda x, u: u.mul_(2 * x)), {"x": X}


class Stale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        Stale.x = x
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        return upstream * 2 * Stale.x


@case(fault="the input of the last call, not of its own", where="state", plain=plain_square)
def stale_input():
    return lambda x: Stale.apply(x), {"x": X}


@case(fault="the gradient grows with each call", where="state", plain=plain_square)
def counts_calls():
    calls = []

    def backward(x, u):
        calls.append(1)
        return 2 * x * u * (1 + 1e-3 * (len(calls) - 1))

    return square(backward), {"x": X}


@case(fault="the output depends on the calls before", where="state")
def running_mean():
    kept = [torch.zeros(4, dtype=torch.float64)]

    def centred(x):
        kept[0] = 0.9 * kept[0] + 0.1 * x.detach()
        return (x - kept[0]) ** 2

    return centred, {"x": X}
