"""Targets that the output cannot reach: a sigmoid gives 0 .. 1, and the targets go up to 10.

The best it can do is to saturate at 1. gradtool flow should say GT110, output range, at `head_sigmoid`.
"""

from collections import OrderedDict

import torch
from torch import nn


def gradtool_case():
    torch.manual_seed(0)
    model = nn.Sequential(
        OrderedDict(hidden=nn.Linear(8, 32), relu=nn.ReLU(), head=nn.Linear(32, 1), head_sigmoid=nn.Sigmoid())
    )
    return model, torch.randn(32, 8), torch.linspace(0, 10, 32).unsqueeze(1), nn.MSELoss()
