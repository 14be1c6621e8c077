"""A small causal transformer, healthy. No finding: the -inf in the attention mask is a constant, not a fault.

It follows the conventions of a Hugging Face model: `dummy_inputs` says what it takes, and with labels its output has
a loss.
"""

from types import SimpleNamespace

import torch
from torch import nn


class SmallTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 32)
        self.position = nn.Parameter(0.02 * torch.randn(10, 32))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(32, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True) for _ in range(2)
        )
        self.head = nn.Linear(32, 50)

    @property
    def dummy_inputs(self):
        return {"input_ids": torch.arange(80).reshape(8, 10) % 50}

    def forward(self, input_ids, labels=None):
        mask = nn.Transformer.generate_square_subsequent_mask(input_ids.shape[1])
        x = self.embedding(input_ids) + self.position
        for block in self.blocks:
            x = block(x, src_mask=mask)
        logits = self.head(x)
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return SimpleNamespace(loss=loss, logits=logits)
