"""A classifier in PyTorch, with its loss and its data; two_keras.py is the same in Keras. No finding."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 3))
loss_fn = nn.CrossEntropyLoss()
inputs = torch.randn(16, 6)
targets = torch.randint(0, 3, (16,))
