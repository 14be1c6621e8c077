"""The healthy twin of zero_by_clamp.py: the network starts at 0.5, in the middle of the clamp. No finding."""

from collections import OrderedDict

import torch
from torch import nn


class Brightness(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(OrderedDict(hidden=nn.Linear(8, 32), tanh=nn.Tanh(), head=nn.Linear(32, 1)))
        nn.init.constant_(self.body.head.bias, 0.5)

    def forward(self, x):
        return torch.clamp(self.body(x), 0.0, 1.0)


def gradtool_case():
    torch.manual_seed(0)
    return Brightness(), torch.randn(32, 8), torch.rand(32, 1), nn.MSELoss()
