"""The healthy twin of nan_log_of_zero.py: the same data, and the cross-entropy is taken from the logits. No finding.

log(sigmoid(z)) and log(1 - sigmoid(z)) are computed as one function of z, which is finite for every z.
"""

from collections import OrderedDict

import torch
from torch import nn


def gradtool_case():
    model = nn.Sequential(OrderedDict(linear=nn.Linear(1, 1)))
    nn.init.constant_(model.linear.weight, 0.5)
    nn.init.zeros_(model.linear.bias)
    height = torch.linspace(150, 200, 16).unsqueeze(1)
    return model, height, (height > 175).float(), nn.BCEWithLogitsLoss()
