"""The healthy twin of deep_sigmoid.py: the same depth with ReLU and He initialisation.

Half of the units pass the gradient whole, and the weights make up for the other half. gradtool flow should find
nothing.
"""

from collections import OrderedDict

import torch
from torch import nn


def hidden():
    linear = nn.Linear(32, 32)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    return nn.Sequential(OrderedDict(linear=linear, relu=nn.ReLU()))


def gradtool_case():
    torch.manual_seed(0)
    layers = OrderedDict((f"hidden_{i}", hidden()) for i in range(1, 11))
    model = nn.Sequential(layers | {"head": nn.Linear(32, 3)})
    return model, torch.randn(32, 32), torch.randint(0, 3, (32,)), nn.CrossEntropyLoss()
