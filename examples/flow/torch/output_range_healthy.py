"""The healthy twin of output_range.py: a linear head reaches every target. No finding."""

from collections import OrderedDict

import torch
from torch import nn


def gradtool_case():
    torch.manual_seed(0)
    model = nn.Sequential(OrderedDict(hidden=nn.Linear(8, 32), relu=nn.ReLU(), head=nn.Linear(32, 1)))
    return model, torch.randn(32, 8), torch.linspace(0, 10, 32).unsqueeze(1), nn.MSELoss()
