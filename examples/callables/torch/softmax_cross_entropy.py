"""Softmax and cross-entropy in one operation, with a backward written by hand; the twin forgot to divide by N.

    gradtool check examples/callables/torch/softmax_cross_entropy.py:SoftmaxCrossEntropy
    gradtool check examples/callables/torch/softmax_cross_entropy.py:SoftmaxCrossEntropyBroken

The gradient is (softmax - one hot) / N for a mean over N samples. SoftmaxCrossEntropy is verified.
SoftmaxCrossEntropyBroken lacks the division: the whole gradient is 4 times what it should be, for 4 samples. The labels
are whole numbers and get no gradient.
"""

import torch
from torch.autograd.function import once_differentiable


class SoftmaxCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, labels):
        log_p = torch.log_softmax(logits, dim=1)
        ctx.save_for_backward(log_p, labels)
        return -log_p.gather(1, labels[:, None]).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        log_p, labels = ctx.saved_tensors
        gradient = log_p.exp()
        gradient[torch.arange(len(labels)), labels] -= 1
        return upstream * gradient / len(labels), None


class SoftmaxCrossEntropyBroken(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, labels):
        log_p = torch.log_softmax(logits, dim=1)
        ctx.save_for_backward(log_p, labels)
        return -log_p.gather(1, labels[:, None]).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        log_p, labels = ctx.saved_tensors
        gradient = log_p.exp()
        gradient[torch.arange(len(labels)), labels] -= 1
        return upstream * gradient, None  # the fault: the sum's gradient, not the mean's


def gradtool_inputs():
    logits = [[0.5, -1.2, 2.0], [1.0, 0.3, -0.7], [-0.4, 0.8, 0.1], [2.2, -0.6, 0.9]]
    return {"logits": torch.tensor(logits, dtype=torch.float64), "labels": torch.tensor([2, 0, 1, 2])}
