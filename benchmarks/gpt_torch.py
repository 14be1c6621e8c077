"""A language model of 110 million parameters in PyTorch; run as a script, one forward and backward pass."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

WORDS, WIDTH, LAYERS, HEADS, TOKENS = 32_000, 768, 12, 12, 512


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(TOKENS, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x):
        return self.norm(self.layers(self.words(x) + self.places.weight[: x.shape[1]])) @ self.words.weight.T


def loss(output, targets):
    return functional.cross_entropy(output.flatten(0, 1), targets.flatten())


def gradtool_case():
    torch.manual_seed(0)
    inputs = torch.randint(0, WORDS, (1, TOKENS))
    return Gpt(), inputs, inputs.roll(-1), loss


if __name__ == "__main__":
    model, inputs, targets, objective = gradtool_case()
    objective(model(inputs), targets).backward()
