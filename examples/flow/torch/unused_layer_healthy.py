"""The healthy twin of unused_layer.py: every layer is called. No finding."""

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
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))))
