"""A detached branch: the right half of the network contributes to the output and never learns.

`detach` cuts it off from backward. gradtool flow should say GT106, missing gradient, at `right`, and show the line of
the detach.
"""

import torch
from torch import nn


class TwoBranches(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(8, 16)
        self.right = nn.Linear(8, 16)
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        both = torch.cat([self.left(x), self.right(x).detach()], dim=1)  # the fault
        return self.head(torch.tanh(both))


def gradtool_case():
    torch.manual_seed(0)
    return TwoBranches(), torch.randn(32, 8), torch.randn(32, 1), nn.MSELoss()
