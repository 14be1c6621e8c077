"""Softmax over one unit: the output is 1 whatever the input, so nothing can be learnt.

Every gradient is exactly zero. gradtool flow should say GT111, softmax of one, at `head_softmax`.
"""

from collections import OrderedDict

import torch
from torch import nn


def gradtool_case():
    torch.manual_seed(0)
    model = nn.Sequential(
        OrderedDict(hidden=nn.Linear(8, 32), relu=nn.ReLU(), head=nn.Linear(32, 1), head_softmax=nn.Softmax(dim=1))
    )
    x = torch.randn(32, 8)
    return model, x, (x[:, :1] > 0).float(), nn.BCELoss()
