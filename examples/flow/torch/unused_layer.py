"""An unused layer: `second` is made and never called, so no gradient can reach it.

gradtool flow should say GT106, missing gradient, at `second`: never used. The class is found because it is the only
one here and needs no argument; `example_input_array` says what it takes.
"""

import torch
from torch import nn


class Regressor(nn.Module):
    example_input_array = torch.linspace(-2, 2, 32 * 8).reshape(32, 8)

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.second = nn.Linear(16, 16)
        self.head = nn.Linear(16, 1)

    def forward(self, x):
        return self.head(torch.relu(self.first(x)))  # the fault: second is forgotten
