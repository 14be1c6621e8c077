"""Rounding: a step function, whose derivative is 0 wherever it has one; and the straight-through twin, which says 1.

    gradtool check examples/callables/torch/rounding.py:Rounding
    gradtool check examples/callables/torch/rounding.py:RoundingBroken

Rounding is verified. RoundingBroken passes the upstream gradient straight through: wrong, 1 where the derivative is 0.
Where that is meant, it is declared: straight_through.py beside this file, or --surrogate.
"""

import torch


class Rounding(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, upstream):
        return torch.zeros_like(upstream)


class RoundingBroken(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, upstream):
        return upstream  # the fault: not the derivative of rounding, and nobody said that this is meant


def gradtool_inputs():
    return (torch.tensor([1.2, 2.7, -0.3], dtype=torch.float64),)
