"""The same architectures as in ``pair_torch``, built in Keras: channels stand last everywhere."""

import keras
from keras import layers, ops


def keras_of(spec):
    x = start = keras.Input(spec["input"], dtype="int32" if spec.get("ints") else None)
    for kind, plain in spec["layers"]:
        x = LAYERS[kind](x, {**plain, **plain.get("keras", {})})
    return keras.Model(start, x)


def activation(s):
    name = s["name"]
    if name == "gelu":
        return lambda x: ops.gelu(x, approximate=s.get("form", "none") == "tanh")
    if name == "leaky_relu":
        return layers.LeakyReLU(negative_slope=s.get("slope", 0.01))
    if name == "elu":
        return layers.ELU(alpha=s.get("alpha", 1.0))
    return layers.Activation(name)


def fused(s):
    """A layer's own activation: by name where that says all, else as a layer or a function."""
    act = s.get("act")
    if not act:
        return None
    if act["name"] == "gelu":
        return lambda x: keras.activations.gelu(x, approximate=act.get("form", "none") == "tanh")
    return activation(act) if act["name"] in ("leaky_relu", "elu") else act["name"]


def padded(x, s):
    """What PyTorch's padding is here: a layer in front."""
    dims, pad = len(x.shape) - 2, s.get("pad", 0)
    if s.get("mode") == "reflect":
        return layers.Lambda(lambda y: ops.pad(y, [[0, 0], *[[pad, pad]] * dims, [0, 0]], mode="reflect"))(x)
    if pad and s.get("padding", "valid") == "valid":
        return getattr(layers, f"ZeroPadding{dims}D")(pad)(x)
    return x


def conv(x, s):
    layer = getattr(layers, f"Conv{s['dims']}D")(
        s["filters"], s["kernel"], s.get("stride", 1), s.get("padding", "valid"), dilation_rate=s.get("dilation", 1),
        groups=s.get("groups", 1), activation=fused(s), use_bias=s.get("bias", True),
    )  # fmt: skip
    return layer(padded(x, s))


def depthwise(x, s):
    kind = getattr(layers, f"DepthwiseConv{s['dims']}D")
    return kind(s["kernel"], s.get("stride", 1), depth_multiplier=s.get("multiplier", 1))(x)


def transposed(x, s):
    return getattr(layers, f"Conv{s['dims']}DTranspose")(s["filters"], s["kernel"], s.get("stride", 1))(x)


def batch_norm(x, s):
    layer = layers.BatchNormalization(epsilon=s["eps"])
    layer.trainable = not s.get("stored")
    return layer(x)


def pool(x, s):
    name = {"max": "MaxPooling", "avg": "AveragePooling"}[s["function"]]
    kind = getattr(layers, f"{name}{len(x.shape) - 2}D")
    return kind(s["size"], s.get("stride"), padding=s.get("padding", "valid"))(padded(x, s))


def global_pool(x, s):
    name = {"avg": "GlobalAveragePooling", "max": "GlobalMaxPooling"}[s["function"]]
    return getattr(layers, f"{name}{len(x.shape) - 2}D")()(x)


def recurrent(kind):
    def build(x, s):
        more = {"reset_after": s["reset_after"]} if "reset_after" in s else {}
        more |= {"activation": s["function"]} if "function" in s else {}
        count = s.get("layers", 1)
        for place in range(count):
            sequences = s.get("sequences", False) or place < count - 1
            layer = kind(s["units"], return_sequences=sequences, go_backwards=s.get("backwards", False), **more)
            x = layers.Bidirectional(layer)(x) if s.get("bidirectional") else layer(x)
        return x

    return build


def attention(x, s):
    size = x.shape[-1] // s["heads"]
    layer = layers.MultiHeadAttention(s["heads"], size, use_bias=s.get("bias", True))
    y = layer(x, x, use_causal_mask=s.get("causal", False))
    return x + y if s.get("residual", True) else y


LAYERS = {
    "dense": lambda x, s: layers.Dense(s["units"], activation=fused(s), use_bias=s.get("bias", True))(x),
    "act": lambda x, s: activation(s)(x),
    "conv": conv,
    "depthwise": depthwise,
    "separable": lambda x, s: layers.SeparableConv2D(s["filters"], s["kernel"])(x),
    "transposed": transposed,
    "bn": batch_norm,
    "ln": lambda x, s: layers.LayerNormalization(epsilon=s["eps"])(x),
    "gn": lambda x, s: layers.GroupNormalization(s["groups"], epsilon=s["eps"])(x),
    "pool": pool,
    "global": global_pool,
    "flatten": lambda x, _s: layers.Flatten()(x),
    "embedding": lambda x, s: layers.Embedding(s["rows"], s["size"])(x),
    "lstm": recurrent(layers.LSTM),
    "gru": recurrent(layers.GRU),
    "rnn": recurrent(layers.SimpleRNN),
    "attention": attention,
    "dropout": lambda x, s: layers.Dropout(s["rate"])(x),
    "steps": lambda x, _s: x,
    "mean_steps": lambda x, _s: layers.GlobalAveragePooling1D()(x),
    "cut": lambda x, _s: x,
    "scale": lambda x, s: x * s["by"],
}

LOSSES = {
    "mean_squared": lambda x: ops.mean(x**2),
    "sum_squared": lambda x: ops.sum(x**2),
    "sum_over_samples": lambda x: ops.sum(ops.mean(x**2, axis=1)),
    "mean_absolute": lambda x: ops.mean(ops.abs(x)),
}


def keras_loss_of(spec):
    return LOSSES[spec["losses"]["keras"]]
