"""The healthy twin of linear_diverges.py: a rate of 0.0001 for inputs of size 10. No finding, and the loss falls."""

import torch
from torch import nn


def gradtool_case():
    model = nn.Linear(2, 1)
    nn.init.constant_(model.weight, 10.0)
    nn.init.zeros_(model.bias)
    return {
        "model": model,
        "inputs": torch.tensor([[10.0, 10.0], [5.0, 5.0], [-10.0, -10.0]]),
        "targets": torch.tensor([[1.0], [0.5], [-1.0]]),
        "loss": nn.MSELoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=1e-4),
    }
