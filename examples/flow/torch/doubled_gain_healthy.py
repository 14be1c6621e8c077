"""The healthy twin of doubled_gain.py: thirty ReLU layers with He initialisation as it is. No finding."""

from collections import OrderedDict

import torch
from torch import nn


def hidden():
    linear = nn.Linear(256, 256)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    return nn.Sequential(OrderedDict(linear=linear, relu=nn.ReLU()))


def build_model():
    torch.manual_seed(0)
    layers = OrderedDict((f"hidden_{i}", hidden()) for i in range(1, 31))
    return nn.Sequential(layers | {"head": nn.Linear(256, 3)})


sample_inputs = torch.randn(128, 256, generator=torch.Generator().manual_seed(0))
sample_targets = torch.arange(128) % 3
criterion = nn.CrossEntropyLoss()
