"""Two inputs, one output, and a rate that is far too large: each step makes the gradient 29 times larger.

Mean squared error, all weights 10, bias 0, SGD with rate 0.1. The norm of the gradient over five steps (--train 5) is
4221.95, 122468, 3.5525e6, 1.0305e8, 2.9892e9, and the loss goes from 29700.75 to 1.4888e16. Clipped to norm 1 (--clip
1.0) the five losses are 29700.75, 29280.06, 28862.36, 28447.67, 28035.98: safe, and slow. gradtool flow should say
that the update is 30 times the weight.
"""

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
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
    }
