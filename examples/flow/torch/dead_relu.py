"""A layer of dead ReLUs: its bias is -20, so no sample reaches the part where a ReLU has a slope.

The layer gives 0 for every sample and passes no gradient back. gradtool flow should say GT108, dead units, at
`hidden`.
"""

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
    nn.init.constant_(model.hidden.bias, -20.0)  # the fault
    return {"model": model, "inputs": torch.randn(64, 8), "targets": torch.randn(64, 1), "loss": nn.MSELoss()}
