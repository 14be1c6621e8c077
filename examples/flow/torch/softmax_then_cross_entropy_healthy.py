"""The healthy twin of softmax_then_cross_entropy.py: the network ends in logits. No finding."""

from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(OrderedDict(hidden=nn.Linear(16, 32), relu=nn.ReLU(), head=nn.Linear(32, 10)))
sample_inputs = torch.randn(32, 16)
sample_targets = torch.arange(32) % 10
loss_fn = nn.CrossEntropyLoss()
