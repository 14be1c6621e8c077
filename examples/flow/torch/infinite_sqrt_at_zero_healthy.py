"""The healthy twin of infinite_sqrt_at_zero.py: the logarithm of the variance is learnt, any value of it is lawful.

gradtool flow should find nothing.
"""

import torch
from torch import nn


class Gaussian(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Linear(8, 4)
        self.log_variance = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        mean = self.mean(x)
        return mean + torch.exp(0.5 * self.log_variance) * torch.randn_like(mean)


def gradtool_case():
    torch.manual_seed(0)
    return Gaussian(), torch.randn(32, 8), torch.randn(32, 4), nn.MSELoss()
