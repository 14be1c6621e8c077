"""Cross-entropy from logits, given probabilities: softmax is applied twice.

The loss can fall no further than log(1 + 9/e) = 1.46 for ten classes, and its gradient is too small. gradtool flow
should say GT112, the loss expects logits and gets probabilities, at `head_softmax`.
"""

from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    OrderedDict(hidden=nn.Linear(16, 32), relu=nn.ReLU(), head=nn.Linear(32, 10), head_softmax=nn.Softmax(dim=1))
)
sample_inputs = torch.randn(32, 16)
sample_targets = torch.arange(32) % 10
loss_fn = nn.CrossEntropyLoss()
