"""The healthy twin of softmax_of_one.py: one unit takes a sigmoid. No finding."""

from collections import OrderedDict

import torch
from torch import nn


def gradtool_case():
    torch.manual_seed(0)
    model = nn.Sequential(
        OrderedDict(hidden=nn.Linear(8, 32), relu=nn.ReLU(), head=nn.Linear(32, 1), head_sigmoid=nn.Sigmoid())
    )
    x = torch.randn(32, 8)
    return model, x, (x[:, :1] > 0).float(), nn.BCELoss()
