"""A ReLU whose mask is x < 0, so that its gradient at 0 is 1: a convention. The twin has no excuse at 0.

    gradtool check examples/callables/torch/relu_at_zero.py:ReLUAtZero
    gradtool check examples/callables/torch/relu_at_zero.py:ReLUAtZeroBroken

At 0 a ReLU has the slope 0 on the left and 1 on the right, and no derivative. ReLUAtZero gives 1 there, torch.relu 0;
both lie between the slopes, and neither is wrong. ReLUAtZeroBroken counts 0 in both of its masks and gives 2, which no
slope near 0 explains.
"""

import torch


class ReLUAtZero(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return torch.where(x < 0, torch.zeros_like(upstream), upstream)


class ReLUAtZeroBroken(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x + x.abs()) / 2

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        slope_of_abs = 1.0 * (x >= 0) - 1.0 * (x < 0) + 2.0 * (x == 0)  # the fault: 0 is counted twice
        return upstream * (1 + slope_of_abs) / 2


def gradtool_inputs():
    return (torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64),)
