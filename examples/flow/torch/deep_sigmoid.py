"""A deep stack of sigmoids: the gradient vanishes.

The slope of a sigmoid is at most 1/4, so every layer takes away more than three quarters of the gradient. gradtool
flow should say GT103, vanishing gradient, and name the hidden layers.
"""

from collections import OrderedDict

import torch
from torch import nn


def hidden():
    return nn.Sequential(OrderedDict(linear=nn.Linear(32, 32), sigmoid=nn.Sigmoid()))


def gradtool_case():
    torch.manual_seed(0)
    layers = OrderedDict((f"hidden_{i}", hidden()) for i in range(1, 11))
    model = nn.Sequential(layers | {"head": nn.Linear(32, 3)})
    return model, torch.randn(32, 32), torch.randint(0, 3, (32,)), nn.CrossEntropyLoss()
