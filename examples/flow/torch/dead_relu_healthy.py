"""The healthy twin of dead_relu.py: the bias starts at 0, and half of the units pass the gradient. No finding."""

from collections import OrderedDict

import torch
from torch import nn


def gradtool_case():
    torch.manual_seed(0)
    model = nn.Sequential(
        OrderedDict(
            first=nn.Linear(8, 32),
            first_relu=nn.ReLU(),
            hidden=nn.Linear(32, 32),
            hidden_relu=nn.ReLU(),
            head=nn.Linear(32, 1),
        )
    )
    nn.init.zeros_(model.hidden.bias)
    return {"model": model, "inputs": torch.randn(64, 8), "targets": torch.randn(64, 1), "loss": nn.MSELoss()}
