"""A module: x @ weight * scale. In the twin the scale leaves PyTorch as a Python number, and gets no gradient.

    gradtool check examples/callables/torch/scaled_linear.py:ScaledLinear
    gradtool check examples/callables/torch/scaled_linear.py:ScaledLinearBroken

Of a module the gradient by the input and by each parameter is checked. ScaledLinear is verified; in ScaledLinearBroken
scale gets None, although the output depends on it.
"""

import torch
from torch import nn


class ScaledLinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(3, 2))
        self.scale = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def forward(self, x):
        return x @ self.weight * self.scale


class ScaledLinearBroken(ScaledLinear):
    def forward(self, x):
        return x @ self.weight * self.scale.item()  # the fault: a number has no gradient


def gradtool_inputs():
    return (torch.tensor([[0.2, -0.7, 1.1], [0.9, 0.4, -1.3]], dtype=torch.float64),)
