"""Backward passes in PyTorch that are right as they are, and break a second derivative, forward mode or vmap."""

import torch
from callables_case import registry
from callables_duties_torch import X, function, plain_square, square

CASES = {}
case = registry(CASES)


@case(fault="x is detached in the backward pass", where="second_order_cut", order=2, plain=lambda: lambda x: x**3)
def second_order_detached():
    return function(lambda x: x**3, lambda x, u: u * 3 * x.detach() ** 2), {"x": X}


class ExpOfIntermediate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        half = torch.exp(x / 2)
        ctx.save_for_backward(half)
        return half * half

    @staticmethod
    def backward(ctx, upstream):
        (half,) = ctx.saved_tensors
        return upstream * half * half


@case(
    fault="what was saved is no input and no output", where="second_order_cut", order=2, plain=lambda: lambda x: x.exp()
)
def second_order_intermediate():
    return lambda x: ExpOfIntermediate.apply(x), {"x": X}


@case(fault="the double backward has a factor 2", where="second_order", order=2, plain=lambda: lambda x: x.sin())
def second_order_factor():
    slope = function(torch.cos, lambda x, u: -2 * u * torch.sin(x))
    return function(torch.sin, lambda x, u: u * slope(x)), {"x": X}


@case(fault="the double backward ignores the upstream gradient", where="second_order", order=2, plain=plain_square)
def second_order_without_upstream():
    return square(lambda x, u: u.detach() * 2 * x), {"x": X}


class Forwards(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, upstream):
        return upstream * 2 * ctx.saved_tensors[0]

    @staticmethod
    def jvp(ctx, tangent):
        return tangent * ctx.saved_tensors[0]


@case(fault="forward mode lacks the 2", where="forward_mode", plain=plain_square)
def forward_mode_factor():
    return lambda x: Forwards.apply(x), {"x": X}


class Batched(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, upstream):
        return BatchedSlope.apply(ctx.saved_tensors[0], upstream)


class BatchedSlope(torch.autograd.Function):
    @staticmethod
    def forward(x, upstream):
        return 2 * x * upstream

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, upstream):
        x, first = ctx.saved_tensors
        return 2 * first * upstream, 2 * x * upstream

    @staticmethod
    def vmap(info, in_dims, x, upstream):
        return 2 * x * upstream.roll(1, in_dims[1]), in_dims[1]


@case(fault="vmap mixes up the batch", where="batched", plain=plain_square)
def batched_mixed_up():
    return lambda x: Batched.apply(x), {"x": X}
