"""A residual network whose last norm in every block starts at 0, healthy: each block begins as the identity.

The gradients inside a block are exactly zero at the first step, because gamma is 0, and gamma's own gradient is not.
That is lawful: gradtool flow may note it and should not call it an error.
"""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x):
        branch = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(branch)))


def gradtool_case():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), Block(), Block(), Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)
    )
    return model, torch.randn(8, 3, 12, 12), torch.randint(0, 3, (8,)), nn.CrossEntropyLoss()
