"""An architecture as data, built in PyTorch: [kind, settings] in a list, behind the shape of the input.

Settings under ``torch`` hold here alone: so a pair gets its planted fault. Images have channels in front here,
sequences are samples, steps, features.
"""

import torch
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        shape = spec["input"]
        if spec.get("image"):
            shape = [shape[-1], *shape[:-1]]
        x = torch.zeros(2, *shape, dtype=torch.long) if spec.get("ints") else torch.zeros(2, *shape)
        self.parts = nn.ModuleList()
        with torch.no_grad():
            for kind, plain in spec["layers"]:
                part = LAYERS[kind](x, {**plain, **plain.get("torch", {})})
                self.parts.append(part)
                x = part(x)

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


def torch_of(spec):
    return Net(spec)


class Function(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.run = run

    def forward(self, x):
        return self.run(x)


class ByHand(nn.LSTM):
    """An LSTM written by hand, which takes its gates in any order."""

    order = (0, 1, 2, 3)

    def forward(self, x):
        h = c = x.new_zeros(len(x), self.hidden_size)
        steps = []
        for step in x.unbind(1):
            z = step @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0
            parts = z.split(self.hidden_size, 1)
            i, f, g, o = (parts[k] for k in self.order)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            steps.append(h)
        return torch.stack(steps, 1), (h, c)


class Recurrent(nn.Module):
    def __init__(self, kind, size, s):
        super().__init__()
        if s.get("order"):
            self.inner = ByHand(size, s["units"], batch_first=True)
            self.inner.order = s["order"]
        else:
            self.inner = getattr(nn, kind)(
                size, s["units"], s.get("layers", 1), batch_first=True, bidirectional=s.get("bidirectional", False)
            )
        self.sequences = s.get("sequences", False)

    def forward(self, x):
        y, state = self.inner(x)
        if self.sequences:
            return y
        if not self.inner.bidirectional:
            return y[:, -1]
        state = state[0] if isinstance(state, tuple) else state
        return torch.cat([state[-2], state[-1]], 1)


class Attention(nn.Module):
    def __init__(self, size, s):
        super().__init__()
        self.inner = nn.MultiheadAttention(size, s["heads"], batch_first=True)
        self.residual, self.scale = s.get("residual", True), s.get("scale", 1.0)

    def forward(self, x):
        y = self.inner(x * self.scale, x, x, need_weights=False)[0]
        return x + y if self.residual else y


class Untransposed(nn.Linear):
    """A product with a square weight that is written without its transposition."""

    def forward(self, x):
        return x @ self.weight + self.bias


class Stored(nn.BatchNorm1d):
    """A normalisation that stays in evaluation mode."""

    def train(self, _mode=True):
        return super().train(False)

    def _check_input_dim(self, _x):
        pass


def activation(s):
    name = s["name"]
    if s.get("functional"):
        calls = {
            "gelu": lambda x: functional.gelu(x, approximate=s.get("form", "none")),
            "leaky_relu": lambda x: functional.leaky_relu(x, s.get("slope", 0.01)),
            "elu": lambda x: functional.elu(x, s.get("alpha", 1.0)),
        }
        return Function(calls.get(name) or getattr(functional, name))
    made = {
        "gelu": lambda: nn.GELU(s.get("form", "none")),
        "leaky_relu": lambda: nn.LeakyReLU(s.get("slope", 0.01)),
        "elu": lambda: nn.ELU(s.get("alpha", 1.0)),
        "silu": nn.SiLU, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "selu": nn.SELU,
        "softplus": nn.Softplus,
    }  # fmt: skip
    return made[name]()


def with_activation(layer, s):
    return nn.Sequential(layer, activation(s["act"])) if s.get("act") else layer


def dense(x, s):
    kind = Untransposed if s.get("untransposed") else nn.Linear
    return with_activation(kind(x.shape[-1], s["units"], bias=s.get("bias", True)), s)


def conv(x, s):
    kernel, dilation = s["kernel"], s.get("dilation", 1)
    padding = dilation * (kernel - 1) // 2 if s.get("padding") == "same" else s.get("pad", 0)
    layer = getattr(nn, f"Conv{s['dims']}d")(
        x.shape[1], s["filters"], kernel, s.get("stride", 1), padding, dilation, s.get("groups", 1),
        s.get("bias", True), s.get("mode", "zeros"),
    )  # fmt: skip
    return with_activation(layer, s)


def depthwise(x, s):
    channels = x.shape[1]
    kind = getattr(nn, f"Conv{s['dims']}d")
    return kind(channels, channels * s.get("multiplier", 1), s["kernel"], s.get("stride", 1), groups=channels)


def separable(x, s):
    channels = x.shape[1]
    first = nn.Conv2d(channels, channels, s["kernel"], groups=channels, bias=False)
    return nn.Sequential(first, nn.Conv2d(channels, s["filters"], 1))


def transposed(x, s):
    return getattr(nn, f"ConvTranspose{s['dims']}d")(x.shape[1], s["filters"], s["kernel"], s.get("stride", 1))


def batch_norm(x, s):
    kind = Stored if s.get("stored") else getattr(nn, f"BatchNorm{max(x.ndim - 2, 1)}d")
    return kind(x.shape[1], eps=s["eps"])


def pool(x, s):
    name = {"max": "MaxPool", "avg": "AvgPool"}[s["function"]]
    more = {"count_include_pad": s["counted"]} if "counted" in s else {}
    return getattr(nn, f"{name}{x.ndim - 2}d")(s["size"], s.get("stride"), s.get("pad", 0), **more)


def global_pool(x, s):
    axes = tuple(range(2, x.ndim))
    return Function((lambda y: y.mean(axes)) if s["function"] == "avg" else (lambda y: y.amax(axes)))


def flatten(_x, s):
    return Function(lambda y: y.flatten(1)) if s.get("functional") else nn.Flatten()


def cut(_x, s):
    return Function((lambda y: y.detach() + 0 * y) if s.get("cut") else (lambda y: y + 0 * y))


LAYERS = {
    "dense": dense,
    "act": lambda _x, s: activation(s),
    "conv": conv,
    "depthwise": depthwise,
    "separable": separable,
    "transposed": transposed,
    "bn": batch_norm,
    "ln": lambda x, s: nn.LayerNorm(x.shape[-1], eps=s["eps"]),
    "gn": lambda x, s: nn.GroupNorm(s["groups"], x.shape[1], eps=s["eps"]),
    "pool": pool,
    "global": global_pool,
    "flatten": flatten,
    "embedding": lambda _x, s: nn.Embedding(s["rows"], s["size"], s.get("padding_index")),
    "lstm": lambda x, s: Recurrent("LSTM", x.shape[-1], s),
    "gru": lambda x, s: Recurrent("GRU", x.shape[-1], s),
    "rnn": lambda x, s: Recurrent("RNN", x.shape[-1], s),
    "attention": lambda x, s: Attention(x.shape[-1], s),
    "dropout": lambda _x, s: nn.Dropout(s["rate"]),
    "steps": lambda _x, _s: Function(lambda y: y.transpose(1, 2)),
    "mean_steps": lambda _x, s: Function(lambda y: y.sum(1) if s.get("sum") else y.mean(1)),
    "cut": cut,
    "scale": lambda _x, s: Function(lambda y: y * s["by"]),
}

LOSSES = {
    "mean_squared": lambda x: (x**2).mean(),
    "sum_squared": lambda x: (x**2).sum(),
    "sum_over_samples": lambda x: (x**2).mean(1).sum(),
    "mean_absolute": lambda x: x.abs().mean(),
}


def torch_loss_of(spec):
    return LOSSES[spec["losses"]["torch"]]
