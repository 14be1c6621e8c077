"""LoRA, healthy: a frozen layer with a low-rank addition B A, where B starts at 0.

The gradient of A is exactly zero at the first step, because its partner B is 0. That is lawful: gradtool flow should
note the frozen base (GT107) and may note A, and find no error.
"""

import torch
from torch import nn


class LoraLinear(nn.Module):
    def __init__(self, inputs, outputs, rank):
        super().__init__()
        self.base = nn.Linear(inputs, outputs)
        self.base.requires_grad_(False)
        self.lora_a = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
        self.lora_b = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, x):
        return self.base(x) + x @ self.lora_a.T @ self.lora_b.T


def gradtool_case():
    torch.manual_seed(0)
    model = nn.Sequential(LoraLinear(16, 32, 4), nn.ReLU(), LoraLinear(32, 3, 4))
    return model, torch.randn(32, 16), torch.randint(0, 3, (32,)), nn.CrossEntropyLoss()
