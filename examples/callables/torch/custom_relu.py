"""A ReLU with a backward of its own, and a broken twin that forgot its mask.

    gradtool check examples/callables/torch/custom_relu.py:MyReLU
    gradtool check examples/callables/torch/custom_relu.py:MyReLUBroken

MyReLU is verified. MyReLUBroken passes the upstream gradient on where the input is negative too: wrong there, 1 where
the derivative is 0.
"""

import torch


class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * (x > 0)


class MyReLUBroken(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, upstream):
        return upstream  # the fault: no mask


def gradtool_inputs():
    return (torch.tensor([-1.5, -0.2, 0.4, 2.0], dtype=torch.float64),)
