"""A product of two inputs: at 3 and 4 the gradients are 4 and 3. The twin saved them in the other order.

    gradtool check examples/callables/torch/multiply.py:Multiply
    gradtool check examples/callables/torch/multiply.py:MultiplyBroken

Multiply is verified. MultiplyBroken gives 3 and 4: each input gets the gradient of the other.
"""

import torch


class Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, upstream):
        x, y = ctx.saved_tensors
        return upstream * y, upstream * x


class MultiplyBroken(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, upstream):
        x, y = ctx.saved_tensors
        return upstream * x, upstream * y  # the fault: swapped


def gradtool_inputs():
    return {"x": torch.tensor(3.0, dtype=torch.float64), "y": torch.tensor(4.0, dtype=torch.float64)}
