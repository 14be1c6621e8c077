"""THE table of Keras's layers, in the words of both frameworks: one row for each class.

A row names the kind, the settings that decide what is computed, and the arrays by their part, each by its attribute.
What does not change a gradient, such as the momentum of a moving mean, is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from gradtool.evidence import SideLayer
from gradtool.witness.model.words import ACTIVATIONS, RENAMED, told

__all__ = ["FUNCTIONS", "Row", "activation_layer", "described", "operation_layer", "prepare", "row_of"]

Read = str | Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A kind, its settings, and its arrays: part -> attribute. ``fused``: an ``activation`` makes its output."""

    kind: str
    config: Mapping[str, Read] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    fused: bool = False
    dims: int = 0


_KERNEL = {"kernel": "kernel", "bias": "bias"}
_BIAS: Mapping[str, Read] = {"bias": "use_bias"}
_NORM = {"gamma": "gamma", "beta": "beta"}


def _padding(layer: Any) -> Any:
    """The numbers on each side; ``same`` where they are not symmetric, or depend on the size of the input."""
    if layer.padding == "valid":
        return (0,) * len(layer.kernel_size)
    spans = [d * (k - 1) for d, k in zip(layer.dilation_rate, layer.kernel_size, strict=True)]
    even = all(stride == 1 for stride in layer.strides) and not any(span % 2 for span in spans)
    return tuple(span // 2 for span in spans) if even and layer.padding == "same" else layer.padding


def _pool_padding(layer: Any) -> Any:
    """The same of pooling."""
    if layer.padding == "valid":
        return (0,) * len(layer.pool_size)
    even = all(stride == 1 for stride in layer.strides) and all(size % 2 for size in layer.pool_size)
    return tuple(size // 2 for size in layer.pool_size) if even else layer.padding


def _sides(padding: Any) -> Any:
    """The numbers of a padding layer: one for each axis that has the same before and behind."""
    pairs = [padding] if isinstance(padding[0], int) else padding
    return [before if before == behind else (before, behind) for before, behind in pairs]


def _transposed_padding(layer: Any) -> Any:
    return (0,) * len(layer.kernel_size) if layer.padding == "valid" else layer.padding


_CONVOLUTION: Mapping[str, Read] = {
    "kernel size": "kernel_size", "stride": "strides", "padding": _padding, "dilation": "dilation_rate",
    "groups": lambda m: getattr(m, "groups", 1), "padding mode": lambda _: "zeros", **_BIAS,
}  # fmt: skip
_DEPTHWISE: Mapping[str, Read] = {key: read for key, read in _CONVOLUTION.items() if key != "groups"}
_TRANSPOSED: Mapping[str, Read] = {
    "kernel size": "kernel_size", "stride": "strides", "padding": _transposed_padding,
    "dilation": "dilation_rate", **_BIAS,
}  # fmt: skip


def _pool(function: str, dims: int) -> Row:
    config: dict[str, Read] = {
        "function": lambda _: function, "size": "pool_size", "stride": "strides", "padding": _pool_padding,
    }  # fmt: skip
    if function == "avg":
        config["padding counted"] = lambda m: "" if m.padding == "valid" else False
    return Row("pool", config, dims=dims)


def _activation(function: str, **config: Read) -> Row:
    return Row("activation", {"function": lambda _: function, **config})


def _statistics(layer: Any) -> str:
    return "of the batch" if layer.trainable and layer.gradtool_training else "stored"


_CELL = {part: f"cell.{part}" for part in ("kernel", "recurrent_kernel", "bias")}
_ATTENTION = {
    f"{part}_{piece}": f"{part}_dense.{piece}"
    for part in ("query", "key", "value", "output")
    for piece in ("kernel", "bias")
}

_ROWS: dict[str, Row] = {
    "Dense": Row("dense", _BIAS, _KERNEL, fused=True),
    "Embedding": Row(
        "embedding", {"padding index": lambda _: "", "mask zero": "mask_zero"}, {"embeddings": "embeddings"}
    ),
    "BatchNormalization": Row(
        "batch_norm",
        {"epsilon": "epsilon", "statistics": _statistics},
        {**_NORM, "moving_mean": "moving_mean", "moving_variance": "moving_variance"},
    ),
    "LayerNormalization": Row(
        "layer_norm",
        {"epsilon": "epsilon", "axes": lambda m: len(m.axis) if isinstance(m.axis, list | tuple) else 1},
        _NORM,
    ),
    "RMSNormalization": Row("rms_norm", {"epsilon": "epsilon"}, {"scale": "scale"}),
    "GroupNormalization": Row("group_norm", {"epsilon": "epsilon", "groups": "groups"}, _NORM),
    "LSTM": Row("lstm", {"bidirectional": lambda _: False}, _CELL),
    "GRU": Row("gru", {"bidirectional": lambda _: False, "reset after": "reset_after"}, _CELL),
    "SimpleRNN": Row("rnn", {"bidirectional": lambda _: False, "function": lambda m: m.activation.__name__}, _CELL),
    "MultiHeadAttention": Row("attention", {"heads": "num_heads", "bias": "_use_bias"}, _ATTENTION),
    "Flatten": Row("flatten"),
    "ReLU": _activation("relu", slope=lambda m: m.negative_slope or ""),
    "LeakyReLU": _activation("leaky_relu", slope="negative_slope"),
    "ELU": _activation("elu", alpha="alpha"),
    "Softmax": _activation("softmax", axis=lambda m: "last" if m.axis == -1 else m.axis),
    "PReLU": Row("prelu", {}, {"alpha": "alpha"}),
}
for _dims in (1, 2, 3):
    _ROWS |= {
        f"Conv{_dims}D": Row("conv", _CONVOLUTION, _KERNEL, fused=True, dims=_dims),
        f"Conv{_dims}DTranspose": Row("conv_transpose", _TRANSPOSED, _KERNEL, fused=True, dims=_dims),
        f"MaxPooling{_dims}D": _pool("max", _dims),
        f"AveragePooling{_dims}D": _pool("avg", _dims),
        f"GlobalMaxPooling{_dims}D": Row("global_pool", {"function": lambda _: "max"}, dims=_dims),
        f"GlobalAveragePooling{_dims}D": Row("global_pool", {"function": lambda _: "avg"}, dims=_dims),
        f"ZeroPadding{_dims}D": Row("pad", {"padding": lambda m: _sides(m.padding)}),
    }
for _dims in (1, 2):
    _ROWS |= {
        f"DepthwiseConv{_dims}D": Row(
            "depthwise", _DEPTHWISE, {"kernel": "kernel", "bias": "bias"}, fused=True, dims=_dims
        ),
        f"SeparableConv{_dims}D": Row(
            "separable",
            _DEPTHWISE,
            {"depthwise_kernel": "depthwise_kernel", "pointwise_kernel": "pointwise_kernel", "bias": "bias"},
            fused=True,
            dims=_dims,
        ),
    }
_DROPOUTS = {
    **dict.fromkeys(("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout"), "rate"),
    "GaussianDropout": "rate", "GaussianNoise": "stddev",
}  # fmt: skip
_ROWS |= {name: Row("dropout", {"rate": lambda m: m.gradtool_rate}) for name in _DROPOUTS}


def row_of(layer: Any) -> Row | None:
    """The row of a layer, by its class or a class above it; None for one of the user's own."""
    if isinstance(layer, keras.layers.Bidirectional):
        inner = row_of(layer.forward_layer)
        return None if inner is None else Row(inner.kind, {**inner.config, "bidirectional": lambda _: True})
    for kind in type(layer).__mro__:
        if kind.__module__.startswith("keras.") and (row := _ROWS.get(kind.__name__)):
            return row
    return None


def prepare(layers: list[Any], *, training: bool) -> None:
    """Switch dropout off, also inside attention and recurrent layers; rates and mode are kept to be told."""
    for layer in layers:
        layer.gradtool_training = training
        if attribute := _DROPOUTS.get(type(layer).__name__):
            layer.gradtool_rate = getattr(layer, attribute)
            setattr(layer, attribute, 0.0)
        for attribute in ("dropout", "recurrent_dropout", "_dropout"):
            read_only = isinstance(getattr(type(layer), attribute, None), property)
            if not read_only and isinstance(getattr(layer, attribute, None), int | float):
                setattr(layer, attribute, 0.0)


def described(
    name: str, layer: Any, row: Row | None, names: Mapping[int, str], source: str, *, first: bool
) -> Iterator[SideLayer]:
    """The layers that a call of a layer stands for: two for a separable convolution."""
    title = type(layer).__name__
    if row is None:
        own = [*layer._trainable_variables, *layer._non_trainable_variables]  # noqa: SLF001  # its own, none inside
        parts = {variable.name: variable for variable in own if id(variable) in names}
        yield _layer(name, "custom", title, {}, parts if first else {}, names, source)
        return
    bare = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    config = {key: told(read(bare) if callable(read) else getattr(bare, read)) for key, read in row.config.items()}
    kind = f"{row.kind}{row.dims}d" if row.dims and row.kind != "global_pool" else row.kind
    weights = dict(_variables(layer, row)) if first else {}
    if row.kind == "separable":
        depthwise = {"kernel": weights.get("depthwise_kernel")}
        pointwise = {"kernel": weights.get("pointwise_kernel"), "bias": weights.get("bias")}
        last = {"kernel size": told((1,) * row.dims), "bias": config["bias"]}
        held = {key: text for key, text in config.items() if key != "bias"}
        yield _layer(f"{name}/depthwise", f"depthwise{row.dims}d", title, held, depthwise, names, source)
        yield _layer(f"{name}/pointwise", f"conv{row.dims}d", title, last, pointwise, names, source)
        return
    yield _layer(name, kind, title, config, weights, names, source)


def _variables(layer: Any, row: Row) -> Iterator[tuple[str, Any]]:
    """(part, variable) of everything that the layer holds."""
    if isinstance(layer, keras.layers.Bidirectional):
        for inner, end in ((layer.forward_layer, ""), (layer.backward_layer, "_reverse")):
            known = row_of(inner)
            if known is not None:
                yield from ((f"{part}{end}", variable) for part, variable in _variables(inner, known))
        return
    for part, path in row.weights.items():
        found: Any = layer
        for step in path.split("."):
            found = getattr(found, step, None)
        if found is not None:
            yield part, found


def _layer(
    name: str, kind: str, title: str, config: dict[str, str], parts: Mapping[str, Any], names: Mapping[int, str],
    source: str,
) -> SideLayer:  # fmt: skip
    held = {part: variable for part, variable in parts.items() if variable is not None and id(variable) in names}
    weights = {part: names[id(variable)] for part, variable in held.items()}
    shapes = {part: [*map(int, variable.shape)] for part, variable in held.items()}
    return SideLayer(name, kind, title, config, weights, shapes, source=source)


# ---- functions that count as a layer

FUNCTIONS = {name: RENAMED.get(name, name) for name in (*ACTIVATIONS, *RENAMED)}
_MEANS = {"Mean": "avg", "Max": "max", "Sum": "sum"}
_OPERATIONS = {
    "".join(part.capitalize() for part in name.split("_")).lower(): found for name, found in FUNCTIONS.items()
}


def activation_layer(name: str, function: Any, args: Any, kwargs: Mapping[str, Any]) -> SideLayer:
    """The layer that a call of an activation is."""
    settings: dict[str, Any] = {}
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        settings = dict(bound.arguments)
    except (TypeError, ValueError):
        settings = dict(kwargs)
    return SideLayer(name, "activation", name, {"function": name, **_settings(name, settings)})


def operation_layer(operation: Any, args: Any, output: Any) -> SideLayer | None:
    """The layer that an operation of a functional model is; None for anything else."""
    title = type(operation).__name__
    if name := _OPERATIONS.get(title.lower()):
        return SideLayer(name, "activation", title, {"function": name, **_settings(name, vars(operation))})
    if (function := _MEANS.get(title)) and args and 1 <= len(output.shape) < len(args[0].shape):
        return SideLayer(f"{function}_over_axes", "global_pool", title, {"function": function})
    if title == "Reshape" and args and len(output.shape) == 2 < len(args[0].shape):
        return SideLayer("flatten", "flatten", title)
    return None


def _settings(name: str, held: Mapping[str, Any]) -> dict[str, str]:
    if name == "gelu":
        return {"approximate": "tanh" if held.get("approximate", True) else "none"}
    if name == "leaky_relu":
        return {"slope": told(float(held.get("negative_slope", held.get("alpha", 0.2))))}
    if name in ("elu", "celu"):
        return {"alpha": told(float(held.get("alpha", 1.0)))}
    return {}
