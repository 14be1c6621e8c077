"""One architecture as data, built in PyTorch and in Keras: a list of [kind, settings] after the shape of the input.

A setting under ``torch`` or ``keras`` holds on that side alone: so a pair gets its planted fault.
"""


def _settings(row, side):
    kind, plain = row
    return kind, {**{k: v for k, v in plain.items() if k not in ("torch", "keras")}, **plain.get(side, {})}


# ---- PyTorch: images have channels in front, sequences are samples, steps, features


def torch_of(spec):
    import torch
    from torch import nn

    rows = [_settings(row, "torch") for row in spec["layers"]]

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList()
            shape = spec["input"]
            ints = spec.get("ints")
            if not ints and spec.get("image"):
                shape = [shape[-1], *shape[:-1]]
            x = torch.zeros(2, *shape, dtype=torch.long) if ints else torch.zeros(2, *shape)
            with torch.no_grad():
                for kind, s in rows:
                    part = TORCH[kind](x, s)
                    self.parts.append(part)
                    x = part(x)

        def forward(self, x):
            for part in self.parts:
                x = part(x)
            return x

    return Net()


def _module(cls):
    """A module of a class that is made on the first call: nothing here needs PyTorch before it is asked for."""

    def build(*args, **kwargs):
        import torch
        from torch import nn

        made = cls(nn, torch)
        return made(*args, **kwargs)

    return build


@_module
def _swapped(nn, torch):
    class Swapped(nn.LSTM):
        """An LSTM written by hand, which takes its gates in another order."""

        order = (0, 1, 2, 3)

        def forward(self, x):
            units = self.hidden_size
            h = c = x.new_zeros(len(x), units)
            steps = []
            for step in x.unbind(1):
                z = step @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0
                parts = z.split(units, 1)
                i, f, g, o = (parts[k] for k in self.order)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
                steps.append(h)
            return torch.stack(steps, 1), (h, c)

    return Swapped


@_module
def _recurrent(nn, torch):
    class Recurrent(nn.Module):
        def __init__(self, kind, size, s):
            super().__init__()
            if s.get("order"):
                self.inner = _swapped(size, s["units"], batch_first=True)
                self.inner.order = s["order"]
            else:
                self.inner = getattr(nn, kind)(
                    size, s["units"], batch_first=True, bidirectional=s.get("bidirectional", False),
                    num_layers=s.get("layers", 1), bias=s.get("bias", True),
                )  # fmt: skip
            self.sequences = s.get("sequences", False)

        def forward(self, x):
            y, state = self.inner(x)
            if self.sequences:
                return y
            if not self.inner.bidirectional:
                return y[:, -1]
            state = state[0] if isinstance(state, tuple) else state
            return torch.cat([state[-2], state[-1]], 1)

    return Recurrent


@_module
def _attention(nn, torch):
    class Attention(nn.Module):
        def __init__(self, size, s):
            super().__init__()
            self.inner = nn.MultiheadAttention(size, s["heads"], batch_first=True, bias=s.get("bias", True))
            self.residual, self.scale = s.get("residual", True), s.get("scale", 1.0)

        def forward(self, x):
            q = x * self.scale
            y = self.inner(q, x, x, need_weights=False)[0]
            return x + y if self.residual else y

    return Attention


@_module
def _function(nn, torch):
    class Function(nn.Module):
        def __init__(self, run):
            super().__init__()
            self.run = run

        def forward(self, x):
            return self.run(x)

    return Function


@_module
def _square(nn, torch):
    class Square(nn.Module):
        """A product with a square weight that is written without its transposition."""

        def __init__(self, size, bias):
            super().__init__()
            self.inner = nn.Linear(size, size, bias=bias)
            self.inner.forward = lambda x: x @ self.inner.weight + self.inner.bias

        def forward(self, x):
            return self.inner(x)

    return Square


def _torch_activation(s):
    from torch import nn
    from torch.nn import functional

    name = s["name"]
    if s.get("functional"):
        calls = {
            "gelu": lambda x: functional.gelu(x, approximate=s.get("form", "none")),
            "leaky_relu": lambda x: functional.leaky_relu(x, s.get("slope", 0.01)),
            "elu": lambda x: functional.elu(x, s.get("alpha", 1.0)),
            "softmax": lambda x: functional.softmax(x, dim=-1),
        }
        return _function(calls.get(name) or getattr(functional, name))
    made = {
        "gelu": lambda: nn.GELU(s.get("form", "none")),
        "leaky_relu": lambda: nn.LeakyReLU(s.get("slope", 0.01)),
        "elu": lambda: nn.ELU(s.get("alpha", 1.0)),
        "softmax": lambda: nn.Softmax(dim=-1),
        "silu": nn.SiLU, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "selu": nn.SELU,
        "softplus": nn.Softplus,
    }  # fmt: skip
    return made[name]()


def _torch_with(layer, s):
    from torch import nn

    return nn.Sequential(layer, _torch_activation(s["act"])) if s.get("act") else layer


def _torch_dense(x, s):
    from torch import nn

    if s.get("untransposed"):
        return _square(x.shape[-1], True)
    return _torch_with(nn.Linear(x.shape[-1], s["units"], bias=s.get("bias", True)), s)


def _torch_conv(x, s):
    from torch import nn

    dims, kernel, dilation = s["dims"], s["kernel"], s.get("dilation", 1)
    padding = dilation * (kernel - 1) // 2 if s.get("padding") == "same" else s.get("pad", 0)
    layer = getattr(nn, f"Conv{dims}d")(
        x.shape[1], s["filters"], kernel, s.get("stride", 1), padding, dilation, s.get("groups", 1),
        s.get("bias", True), s.get("mode", "zeros"),
    )  # fmt: skip
    return _torch_with(layer, s)


def _torch_depthwise(x, s):
    from torch import nn

    c = x.shape[1]
    return getattr(nn, f"Conv{s['dims']}d")(c, c * s.get("multiplier", 1), s["kernel"], s.get("stride", 1), groups=c)


def _torch_separable(x, s):
    from torch import nn

    c = x.shape[1]
    return nn.Sequential(
        nn.Conv2d(c, c, s["kernel"], groups=c, bias=False), nn.Conv2d(c, s["filters"], 1, bias=s.get("bias", True))
    )


def _torch_transposed(x, s):
    from torch import nn

    made = getattr(nn, f"ConvTranspose{s['dims']}d")
    return made(x.shape[1], s["filters"], s["kernel"], s.get("stride", 1), s.get("pad", 0), bias=s.get("bias", True))


def _torch_bn(x, s):
    from torch import nn

    dims = max(x.ndim - 2, 1)
    made = getattr(nn, f"BatchNorm{dims}d")(x.shape[1], eps=s.get("eps", 1e-5))
    if s.get("stored"):
        made.train = lambda mode=True: made
        made.training = False
    return made


def _torch_pool(x, s):
    from torch import nn

    name = {"max": "MaxPool", "avg": "AvgPool"}[s["function"]]
    more = {"count_include_pad": s["counted"]} if "counted" in s else {}
    return getattr(nn, f"{name}{x.ndim - 2}d")(s["size"], s.get("stride"), s.get("pad", 0), **more)


def _torch_global(x, s):
    axes = tuple(range(2, x.ndim))
    return _function(lambda y: y.mean(axes) if s["function"] == "avg" else y.amax(axes))


def _torch_cut(x, s):
    return _function((lambda y: y + (y.detach() - y)) if s.get("cut") else (lambda y: y + (y - y)))


TORCH = {
    "dense": _torch_dense,
    "act": lambda x, s: _torch_activation(s),
    "conv": _torch_conv,
    "depthwise": _torch_depthwise,
    "separable": _torch_separable,
    "transposed": _torch_transposed,
    "bn": _torch_bn,
    "ln": lambda x, s: __import__("torch").nn.LayerNorm(x.shape[-1], eps=s.get("eps", 1e-5)),
    "gn": lambda x, s: __import__("torch").nn.GroupNorm(s["groups"], x.shape[1], eps=s.get("eps", 1e-5)),
    "pool": _torch_pool,
    "global": _torch_global,
    "flatten": lambda x, s: _function(lambda y: y.flatten(1)) if s.get("functional") else __import__("torch").nn.Flatten(),
    "embedding": lambda x, s: __import__("torch").nn.Embedding(s["rows"], s["size"], s.get("padding_index")),
    "lstm": lambda x, s: _recurrent("LSTM", x.shape[-1], s),
    "gru": lambda x, s: _recurrent("GRU", x.shape[-1], s),
    "rnn": lambda x, s: _recurrent("RNN", x.shape[-1], s),
    "attention": lambda x, s: _attention(x.shape[-1], s),
    "dropout": lambda x, s: __import__("torch").nn.Dropout(s["rate"]),
    "steps": lambda x, s: _function(lambda y: y.transpose(1, 2)),
    "mean_steps": lambda x, s: _function(lambda y: y.sum(1) if s.get("sum") else y.mean(1)),
    "cut": _torch_cut,
    "scale": lambda x, s: _function(lambda y: y * s["by"]),
}


# ---- Keras: channels stand last everywhere


def keras_of(spec):
    import keras

    ints = spec.get("ints")
    x = i = keras.Input(spec["input"], dtype="int32" if ints else None)
    for row in spec["layers"]:
        kind, s = _settings(row, "keras")
        x = KERAS[kind](x, s)
    return keras.Model(i, x)


def _keras_activation(s):
    import keras

    name = s["name"]
    if name == "gelu":
        return lambda x: keras.ops.gelu(x, approximate=s.get("form", "none") == "tanh")
    if name == "leaky_relu":
        return keras.layers.LeakyReLU(negative_slope=s.get("slope", 0.01))
    if name == "elu":
        return keras.layers.ELU(alpha=s.get("alpha", 1.0))
    return keras.layers.Activation(name)


def _fused(s):
    """A layer's own activation, by name where the name says all, else as a function."""
    import keras

    act = s.get("act")
    if not act:
        return None
    if act["name"] == "gelu":
        return lambda x: keras.activations.gelu(x, approximate=act.get("form", "none") == "tanh")
    if act["name"] in ("leaky_relu", "elu"):
        return _keras_activation(act)
    return act["name"]


def _keras_conv(x, s):
    from keras import layers, ops

    dims, pad, padding = s["dims"], s.get("pad", 0), s.get("padding", "valid")
    if s.get("mode") == "reflect":
        x = layers.Lambda(lambda y: ops.pad(y, [[0, 0], *[[pad, pad]] * dims, [0, 0]], mode="reflect"))(x)
    elif pad and padding == "valid":
        x = getattr(layers, f"ZeroPadding{dims}D")(pad)(x)
    made = getattr(layers, f"Conv{dims}D")(
        s["filters"], s["kernel"], s.get("stride", 1), padding, dilation_rate=s.get("dilation", 1),
        groups=s.get("groups", 1), activation=_fused(s), use_bias=s.get("bias", True),
    )  # fmt: skip
    return made(x)


def _keras_depthwise(x, s):
    from keras import layers

    made = getattr(layers, f"DepthwiseConv{s['dims']}D")
    return made(s["kernel"], s.get("stride", 1), padding=s.get("padding", "valid"), depth_multiplier=s.get("multiplier", 1))(x)


def _keras_transposed(x, s):
    from keras import layers

    made = getattr(layers, f"Conv{s['dims']}DTranspose")
    return made(s["filters"], s["kernel"], s.get("stride", 1), padding=s.get("padding", "valid"), use_bias=s.get("bias", True))(x)


def _keras_bn(x, s):
    from keras import layers

    layer = layers.BatchNormalization(epsilon=s.get("eps", 1e-5))
    if s.get("stored"):
        layer.trainable = False
    return layer(x)


def _keras_pool(x, s):
    from keras import layers

    name = {"max": "MaxPooling", "avg": "AveragePooling"}[s["function"]]
    dims = len(x.shape) - 2
    if s.get("pad"):
        x = getattr(layers, f"ZeroPadding{dims}D")(s["pad"])(x)
    return getattr(layers, f"{name}{dims}D")(s["size"], s.get("stride"), padding=s.get("padding", "valid"))(x)


def _keras_global(x, s):
    from keras import layers

    name = {"avg": "GlobalAveragePooling", "max": "GlobalMaxPooling"}[s["function"]]
    return getattr(layers, f"{name}{len(x.shape) - 2}D")()(x)


def _keras_recurrent(kind):
    def build(x, s):
        from keras import layers

        more = {"reset_after": s["reset_after"]} if "reset_after" in s else {}
        more |= {"activation": s["function"]} if "function" in s else {}
        count = s.get("layers", 1)
        for place in range(count):
            sequences = s.get("sequences", False) or place < count - 1
            layer = getattr(layers, kind)(
                s["units"], return_sequences=sequences, go_backwards=s.get("backwards", False),
                use_bias=s.get("bias", True), **more,
            )  # fmt: skip
            x = layers.Bidirectional(layer)(x) if s.get("bidirectional") else layer(x)
        return x

    return build


def _keras_attention(x, s):
    from keras import layers

    size = x.shape[-1]
    y = layers.MultiHeadAttention(s["heads"], size // s["heads"], use_bias=s.get("bias", True))(
        x, x, use_causal_mask=s.get("causal", False)
    )
    return x + y if s.get("residual", True) else y


def _keras_mean(x, s):
    from keras import layers

    return layers.GlobalAveragePooling1D()(x)


KERAS = {
    "dense": lambda x, s: _layers().Dense(s["units"], activation=_fused(s), use_bias=s.get("bias", True))(x),
    "act": lambda x, s: _keras_activation(s)(x),
    "conv": _keras_conv,
    "depthwise": _keras_depthwise,
    "separable": lambda x, s: _layers().SeparableConv2D(s["filters"], s["kernel"], use_bias=s.get("bias", True))(x),
    "transposed": _keras_transposed,
    "bn": _keras_bn,
    "ln": lambda x, s: _layers().LayerNormalization(epsilon=s.get("eps", 1e-5))(x),
    "gn": lambda x, s: _layers().GroupNormalization(s["groups"], epsilon=s.get("eps", 1e-5))(x),
    "pool": _keras_pool,
    "global": _keras_global,
    "flatten": lambda x, s: _layers().Flatten()(x),
    "embedding": lambda x, s: _layers().Embedding(s["rows"], s["size"])(x),
    "lstm": _keras_recurrent("LSTM"),
    "gru": _keras_recurrent("GRU"),
    "rnn": _keras_recurrent("SimpleRNN"),
    "attention": _keras_attention,
    "dropout": lambda x, s: _layers().Dropout(s["rate"])(x),
    "steps": lambda x, s: x,
    "mean_steps": _keras_mean,
    "cut": lambda x, s: x,
    "scale": lambda x, s: x * s["by"],
}


def _layers():
    from keras import layers

    return layers


# ---- losses of an output alone

LOSSES = {
    "mean_squared": lambda x: (x**2).mean(),
    "sum_squared": lambda x: (x**2).sum(),
    "sum_over_samples": lambda x: (x**2).mean(1).sum(),
    "mean_absolute": lambda x: abs(x).mean(),
}


def torch_loss_of(spec):
    return LOSSES[spec["losses"]["torch"]]


def keras_loss_of(spec):
    """The same names; tensors of TensorFlow have no such methods."""
    name = spec["losses"]["keras"]

    def loss(x):
        from keras import ops

        return {
            "mean_squared": lambda: ops.mean(x**2),
            "sum_squared": lambda: ops.sum(x**2),
            "sum_over_samples": lambda: ops.sum(ops.mean(x**2, axis=1)),
            "mean_absolute": lambda: ops.mean(ops.abs(x)),
        }[name]()

    return loss
