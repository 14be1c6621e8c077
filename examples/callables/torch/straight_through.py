"""Straight-through rounding, declared as a gradient that is wrong on purpose; the twin breaks the chain rule.

    gradtool check examples/callables/torch/straight_through.py:StraightThrough
    gradtool check examples/callables/torch/straight_through.py:StraightThroughBroken

At [1.2, 2.7, -0.3] the gradient of the sum is 1, 1, 1. Of a declared surrogate the numbers are not judged, but it must
still keep what every backward owes. StraightThrough does; StraightThroughBroken returns ones whatever comes from above,
so everything behind it learns from a gradient that belongs to another loss.
"""

import torch


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, upstream):
        return upstream


class StraightThroughBroken(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, upstream):
        return torch.ones_like(upstream)  # the fault: the upstream gradient is ignored


StraightThrough_surrogate = True
StraightThroughBroken_surrogate = True


def gradtool_inputs():
    return (torch.tensor([1.2, 2.7, -0.3], dtype=torch.float64),)
