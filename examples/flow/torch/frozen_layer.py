"""A frozen layer: lawful when it is meant, as in fine-tuning, so gradtool flow only says so.

GT107, frozen, a note, at `features`, with the line of requires_grad_. No other finding.
"""

from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(OrderedDict(features=nn.Linear(16, 32), relu=nn.ReLU(), head=nn.Linear(32, 3)))
net.features.requires_grad_(False)
example_inputs = torch.randn(32, 16)
targets = torch.randint(0, 3, (32,))
loss = nn.CrossEntropyLoss()
