"""A layer norm with a backward written by hand; the twin lacks the term that comes through the variance.

    gradtool check examples/callables/torch/layer_norm.py:LayerNorm
    gradtool check examples/callables/torch/layer_norm.py:LayerNormBroken

LayerNorm is verified. LayerNormBroken is right for gain and bias and wrong for x. A test that only sums the output sees
little of it: where the gain is the same everywhere, the true gradient of that sum is 0, and so is the broken one.
"""

import torch
from torch.autograd.function import once_differentiable

EPSILON = 1e-5


class LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gain, bias):
        centred = x - x.mean(-1, keepdim=True)
        scale = (centred.square().mean(-1, keepdim=True) + EPSILON).rsqrt()
        normal = centred * scale
        ctx.save_for_backward(normal, scale, gain)
        return normal * gain + bias

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        normal, scale, gain = ctx.saved_tensors
        inner = upstream * gain
        through_mean = inner.mean(-1, keepdim=True)
        through_variance = normal * (inner * normal).mean(-1, keepdim=True)
        return scale * (inner - through_mean - through_variance), (upstream * normal).sum(0), upstream.sum(0)


class LayerNormBroken(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gain, bias):
        centred = x - x.mean(-1, keepdim=True)
        scale = (centred.square().mean(-1, keepdim=True) + EPSILON).rsqrt()
        normal = centred * scale
        ctx.save_for_backward(normal, scale, gain)
        return normal * gain + bias

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        normal, scale, gain = ctx.saved_tensors
        inner = upstream * gain
        through_mean = inner.mean(-1, keepdim=True)
        # the fault: what comes through the variance is missing
        return scale * (inner - through_mean), (upstream * normal).sum(0), upstream.sum(0)


def gradtool_inputs():
    x = torch.tensor([[0.3, -1.1, 2.4, 0.6], [1.7, 0.2, -0.9, -0.5]], dtype=torch.float64)
    gain = torch.tensor([1.0, 0.8, 1.3, 0.6], dtype=torch.float64)
    return x, gain, torch.tensor([0.1, -0.2, 0.0, 0.4], dtype=torch.float64)
