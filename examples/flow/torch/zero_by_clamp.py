"""A gradient that is exactly zero: every output lies outside of the clamp, where the clamp is flat.

The network starts near 128, as for bytes, and is clamped to 0 .. 1. gradtool flow should say GT105, zero gradient,
for all of `body`, and show the line of the clamp.
"""

from collections import OrderedDict

import torch
from torch import nn


class Brightness(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(OrderedDict(hidden=nn.Linear(8, 32), tanh=nn.Tanh(), head=nn.Linear(32, 1)))
        nn.init.constant_(self.body.head.bias, 128.0)

    def forward(self, x):
        return torch.clamp(self.body(x), 0.0, 1.0)  # the fault


def gradtool_case():
    torch.manual_seed(0)
    return Brightness(), torch.randn(32, 8), torch.rand(32, 1), nn.MSELoss()
