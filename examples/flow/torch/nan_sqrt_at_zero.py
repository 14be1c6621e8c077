"""NaN by a square root at 0: the distance of a sample to itself.

The distance is 0 and the loss is finite. Backward multiplies the slope of the root, 1/0, by that of the square, 0:
NaN. gradtool flow should say GT101, NaN gradient, at `encoder`, and show the line of the root.
"""

import torch
from torch import nn


class Distance(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 8, bias=False)  # a bias would cancel in the difference

    def forward(self, pairs):
        left, right = self.encoder(pairs).unbind(dim=1)
        return (left - right).square().sum(dim=-1).sqrt()  # the fault


def gradtool_case():
    torch.manual_seed(0)
    pairs = torch.randn(16, 2, 4)
    pairs[5, 1] = pairs[5, 0]  # a sample beside itself
    return Distance(), pairs, torch.rand(16), nn.MSELoss()
