"""A parameter in no optimizer: the encoder gets a gradient and is never updated.

The optimizer was given the head only. gradtool flow should say GT120, not in the optimizer, at `encoder`.
"""

from collections import OrderedDict

import torch
from torch import nn


def gradtool_case():
    torch.manual_seed(0)
    model = nn.Sequential(OrderedDict(encoder=nn.Linear(16, 32), relu=nn.ReLU(), head=nn.Linear(32, 3)))
    return {
        "model": model,
        "inputs": torch.randn(32, 16),
        "targets": torch.randint(0, 3, (32,)),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.Adam(model.head.parameters(), lr=1e-3),  # the fault
    }
