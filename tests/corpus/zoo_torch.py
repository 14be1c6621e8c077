"""Small models, healthy and ill, each as it is and varied in ways that must not change what is found.

``relu_mlp`` is the plain model, ``relu_mlp__loss_small`` the same with its loss multiplied by 1e-4, and so on.
"""

from __future__ import annotations

import torch
from torch import nn

INPUTS, CLASSES = 32, 10


def he(layer):
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer


def xavier(layer):
    nn.init.xavier_normal_(layer.weight, 5 / 3)
    nn.init.zeros_(layer.bias)
    return layer


def lecun(layer):
    nn.init.normal_(layer.weight, 0, layer.in_features**-0.5)
    nn.init.zeros_(layer.bias)
    return layer


def default(layer):
    return layer


def mlp(depth, width, activation, start=default, gain=1.0, bias=None):
    layers, size = [], INPUTS
    for _ in range(depth):
        layer = start(nn.Linear(size, width))
        layer.weight.data *= gain
        if bias is not None:
            nn.init.constant_(layer.bias, bias)
        layers += [layer, activation()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, CLASSES))


class Residual(nn.Module):
    def __init__(self, width, norm):
        super().__init__()
        self.norm, self.a, self.b = norm(width), he(nn.Linear(width, width)), nn.Linear(width, width)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(self.norm(x))))


def residual(width, norm, blocks=8):
    parts = [Residual(width, norm) for _ in range(blocks)]
    return nn.Sequential(nn.Linear(INPUTS, width), *parts, nn.LayerNorm(width), nn.Linear(width, CLASSES))


class Transformer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.embed = nn.Embedding(100, width)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, norm_first=True, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.head(self.norm(self.encoder(self.embed(x))).mean(1))


class Recurrent(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.lstm, self.head = nn.LSTM(INPUTS, width, batch_first=True), nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class LowRank(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.base = nn.Linear(INPUTS, width)
        self.a, self.b = nn.Linear(width, 4, bias=False), nn.Linear(4, width, bias=False)
        nn.init.zeros_(self.b.weight)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x):
        hidden = torch.relu(self.base(x))
        return self.head(hidden + self.b(self.a(hidden)))


def convolutional(width):
    layers, size = [], 3
    for channels in (width // 4, width // 4, width // 2, width // 2):
        layers += [nn.Conv2d(size, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
        size = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(size, CLASSES))


def vectors(batch):
    return torch.randn(batch, INPUTS)


def images(batch):
    return torch.randn(batch, 3, 8, 8)


def words(batch):
    return torch.randint(0, 100, (batch, 12))


def series(batch):
    return torch.randn(batch, 20, INPUTS)


ZOO = {
    "relu_mlp": (lambda width: mlp(5, width, nn.ReLU, he), vectors),
    "tanh_mlp": (lambda width: mlp(5, width, nn.Tanh, xavier), vectors),
    "gelu_mlp": (lambda width: mlp(8, width, nn.GELU, he), vectors),
    "selu_mlp": (lambda width: mlp(20, width, nn.SELU, lecun), vectors),
    "residual_batch_norm": (lambda width: residual(width, nn.BatchNorm1d), vectors),
    "residual_layer_norm": (lambda width: residual(width, nn.LayerNorm), vectors),
    "convolutional": (convolutional, images),
    "transformer": (Transformer, words),
    "recurrent": (Recurrent, series),
    "low_rank": (LowRank, vectors),
    "ill_sigmoid": (lambda width: mlp(12, width, nn.Sigmoid), vectors),
    "ill_small_start": (lambda width: mlp(30, width, nn.ReLU, he, gain=0.5), vectors),
    "ill_doubled_gain": (lambda width: mlp(30, width, nn.ReLU, he, gain=2.0), vectors),
    "ill_dead_relu": (lambda width: mlp(4, width, nn.ReLU, he, bias=-50.0), vectors),
}
VARIED = {
    "": {},
    "loss_small": {"scale": 1e-4},
    "loss_large": {"scale": 1e4},
    "batch": {"batch": 32 * 8},
    "width": {"width": 64 * 8},
    "converged": {"steps": 150},
}


def made(build, data, scale=1.0, batch=32, width=64, steps=0):
    torch.manual_seed(0)
    model, inputs = build(width), data(batch)
    targets = torch.randint(0, CLASSES, (batch,))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return model, inputs, targets, lambda output, goals: scale * nn.functional.cross_entropy(output, goals)


def named(build, data, options):
    def case():
        return made(build, data, **options)

    return case


for _name, (_build, _data) in ZOO.items():
    for _varied, _options in VARIED.items():
        globals()[f"{_name}__{_varied}" if _varied else _name] = named(_build, _data, _options)
