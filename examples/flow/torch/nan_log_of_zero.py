"""NaN by log(0): cross-entropy written by hand, on a sigmoid that is exactly 1.

The inputs are heights in centimetres as they come, the sigmoid of 0.5 * 170 rounds to 1, and a sample with y = 1 adds
0 * log(0), which is NaN. gradtool flow should say GT114, the loss is not finite, and show the line where 0 meets the
infinity of the log.
"""

from collections import OrderedDict

import torch
from torch import nn


def binary_cross_entropy(p, y):
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()


def gradtool_case():
    model = nn.Sequential(OrderedDict(linear=nn.Linear(1, 1), sigmoid=nn.Sigmoid()))
    nn.init.constant_(model.linear.weight, 0.5)
    nn.init.zeros_(model.linear.bias)
    height = torch.linspace(150, 200, 16).unsqueeze(1)
    return model, height, (height > 175).float(), binary_cross_entropy
