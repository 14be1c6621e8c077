"""An infinite gradient: a standard deviation as the root of a variance that starts at 0.

The slope of the root is 1/0 and nothing turns it into NaN. gradtool flow should say GT102, infinite gradient, at
`variance`.
"""

import torch
from torch import nn


class Gaussian(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Linear(8, 4)
        self.variance = nn.Parameter(torch.zeros(4))  # the fault: the root has no slope at 0

    def forward(self, x):
        mean = self.mean(x)
        return mean + torch.sqrt(self.variance) * torch.randn_like(mean)


def gradtool_case():
    torch.manual_seed(0)
    return Gaussian(), torch.randn(32, 8), torch.randn(32, 4), nn.MSELoss()
