"""The healthy twin of not_in_optimizer.py: the optimizer was given every parameter. No finding."""

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
        "optimizer": torch.optim.Adam(model.parameters(), lr=1e-3),
    }
