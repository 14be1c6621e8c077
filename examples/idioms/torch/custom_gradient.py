"""A custom gradient: log(1 + exp(x)), whose own backward pass gives NaN where exp(x) overflows."""

import torch


class Log1pExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        e = torch.exp(x)
        ctx.save_for_backward(e)
        return torch.log(1 + e)

    @staticmethod
    def backward(ctx, upstream):
        (e,) = ctx.saved_tensors
        return upstream * (1 - 1 / (1 + e))


x = torch.tensor([-2.0, 0.5, 100.0, 1000.0], dtype=torch.float64, requires_grad=True)

(plain,) = torch.autograd.grad(torch.log(1 + torch.exp(x)).sum(), x)
(custom,) = torch.autograd.grad(Log1pExp.apply(x).sum(), x)

for point, a, b in zip(x.tolist(), plain.tolist(), custom.tolist(), strict=True):
    print(f"at {point}: plain, custom = {a:.10f}, {b:.10f}")
