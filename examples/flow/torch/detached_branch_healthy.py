"""The healthy twin of detached_branch.py: both branches are attached. No finding."""

import torch
from torch import nn


class TwoBranches(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(8, 16)
        self.right = nn.Linear(8, 16)
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        both = torch.cat([self.left(x), self.right(x)], dim=1)
        return self.head(torch.tanh(both))


def gradtool_case():
    torch.manual_seed(0)
    return TwoBranches(), torch.randn(32, 8), torch.randn(32, 1), nn.MSELoss()
