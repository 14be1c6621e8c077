"""Thirty ReLU layers, He initialisation times 2: the gradient explodes.

He initialisation keeps the size of the gradient from layer to layer; twice that doubles it in each of the thirty
layers, 2^30 or nine decades in all. gradtool flow should say GT104, exploding gradient, and name the hidden layers.
"""

from collections import OrderedDict

import torch
from torch import nn


def hidden():
    linear = nn.Linear(256, 256)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    linear.weight.data.mul_(2)  # the fault: He initialisation has the factor already
    return nn.Sequential(OrderedDict(linear=linear, relu=nn.ReLU()))


def build_model():
    torch.manual_seed(0)
    layers = OrderedDict((f"hidden_{i}", hidden()) for i in range(1, 31))
    return nn.Sequential(layers | {"head": nn.Linear(256, 3)})


sample_inputs = torch.randn(128, 256, generator=torch.Generator().manual_seed(0))
sample_targets = torch.arange(128) % 3
criterion = nn.CrossEntropyLoss()
