"""A five-layer ReLU network, healthy: every layer gets a gradient of much the same size.

gradtool flow should find nothing. It takes `model`, `sample_inputs`, `sample_targets` and `loss_fn` by their names.
"""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Linear(16, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 3),
)
sample_inputs = torch.randn(32, 16)
sample_targets = torch.randint(0, 3, (32,))
loss_fn = nn.CrossEntropyLoss()
