"""How an operation with a backward pass written by hand is made in PyTorch: of forward(inputs) and
backward(at, outputs, upstream).

``at`` holds the inputs as attributes. Both are written with differentiable operations of the inputs and outputs, so
that the second derivative is right too.
"""

import functools
import inspect
from types import SimpleNamespace

import torch


def operation(forward, backward):
    """A function of the parameters of ``forward``, run as an autograd Function whose backward is ``backward``."""
    names = list(inspect.signature(forward).parameters)

    class Operation(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *values):
            outputs = forward(*values)
            several = isinstance(outputs, tuple)
            ctx.rest = [None if torch.is_tensor(value) else value for value in values]
            saved = [value for value in values if torch.is_tensor(value)]
            ctx.save_for_backward(*saved, *(outputs if several else (outputs,)))
            return outputs

        @staticmethod
        def backward(ctx, *upstream):
            saved = iter(ctx.saved_tensors)
            values = [next(saved) if rest is None else rest for rest in ctx.rest]
            gradients = backward(SimpleNamespace(**dict(zip(names, values, strict=True))), *saved, *upstream)
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            return *gradients, *(None for _ in range(len(names) - len(gradients)))

    @functools.wraps(forward)
    def run(*values, **named):
        bound = inspect.signature(forward).bind(*values, **named)
        return Operation.apply(*bound.args)

    return run


OPERATIONS = {}
"""Of every operation, by name, its forward and its backward; to be filled by the files that define them."""


def gradient(forward):
    """A decorator: what follows is the backward of ``forward``."""

    def register(backward):
        OPERATIONS[forward.__name__] = (forward, backward)
        return backward

    return register
