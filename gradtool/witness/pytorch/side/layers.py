"""THE table of PyTorch's layers, in the words of both frameworks: one row for each class, one for each function.

A row names the kind, the settings that decide what is computed (by attribute, or as read off the module), and the
arrays by their part. What does not change a gradient, such as the momentum of a running mean, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from gradtool.evidence import SideLayer
from gradtool.witness.model.words import ACTIVATIONS, RENAMED, told

__all__ = ["Row", "called", "described", "is_dropout", "row_of", "spatial_dims", "without_dropout"]

Read = str | Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A kind, its settings, and its arrays: part -> attribute."""

    kind: str
    config: Mapping[str, Read] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=lambda: {"weight": "weight", "bias": "bias"})
    dims: int = 0
    """Axes of an image or a signal that the layer runs over, in front of which stand the channels."""


_STATISTICS = {
    "weight": "weight", "bias": "bias", "running_mean": "running_mean", "running_var": "running_var",
}  # fmt: skip
_BIAS: Mapping[str, Read] = {"bias": lambda m: m.bias is not None}
_NONE: Mapping[str, str] = {}


def _padding(module: Any) -> Any:
    """The numbers on each side; ``same`` as numbers where it is symmetric."""
    if module.padding == "valid":
        return (0,) * len(module.kernel_size)
    if module.padding == "same":
        spans = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        return "same" if any(span % 2 for span in spans) else tuple(span // 2 for span in spans)
    return module.padding


_CONVOLUTION: Mapping[str, Read] = {
    "kernel size": "kernel_size", "stride": "stride", "padding": _padding, "dilation": "dilation", "groups": "groups",
    "padding mode": "padding_mode", **_BIAS,
}  # fmt: skip
_TRANSPOSED: Mapping[str, Read] = {
    "kernel size": "kernel_size", "stride": "stride", "padding": _padding, "dilation": "dilation",
    "output padding": "output_padding", **_BIAS,
}  # fmt: skip
_BATCH: Mapping[str, Read] = {
    "epsilon": "eps",
    "statistics": lambda m: "of the batch" if m.training or m.running_mean is None else "stored",
}


def _sides(module: Any) -> Any:
    """The numbers of a padding layer, which begin at the last axis, as Keras has them: one where both are alike."""
    ends = module.padding
    pairs = [(ends[k], ends[k + 1]) for k in range(0, len(ends), 2)][::-1]
    return [before if before == behind else (before, behind) for before, behind in pairs]


def _repeated(value: Any, dims: int) -> Any:
    return (value,) * dims if isinstance(value, int) else value


def _pool(function: str, dims: int) -> Row:
    config: dict[str, Read] = {
        "function": lambda _: function,
        "size": lambda m: _repeated(m.kernel_size, dims),
        "stride": lambda m: _repeated(m.stride, dims),
        "padding": lambda m: _repeated(m.padding, dims),
        "ceil": "ceil_mode",
    }
    if function == "avg":
        config["padding counted"] = lambda m: m.count_include_pad if any(_repeated(m.padding, dims)) else ""
    return Row("pool", config, _NONE, dims)


def _activation(function: str, **config: Read) -> Row:
    return Row("activation", {"function": lambda _: function, **config}, _NONE)


_ROWS: dict[type[nn.Module], Row] = {
    nn.Linear: Row("dense", _BIAS),
    nn.Embedding: Row("embedding", {"padding index": lambda m: "" if m.padding_idx is None else m.padding_idx}),
    nn.LayerNorm: Row("layer_norm", {"epsilon": "eps", "axes": lambda m: len(m.normalized_shape)}),
    nn.GroupNorm: Row("group_norm", {"epsilon": "eps", "groups": "num_groups"}),
    nn.LSTM: Row("lstm", {"bidirectional": "bidirectional"}),
    nn.GRU: Row("gru", {"bidirectional": "bidirectional", "reset after": lambda _: True}),
    nn.RNN: Row("rnn", {"bidirectional": "bidirectional", "function": "nonlinearity"}),
    nn.MultiheadAttention: Row(
        "attention",
        {"heads": "num_heads", "bias": lambda m: m.in_proj_bias is not None},
        {
            "in_proj_weight": "in_proj_weight",
            "in_proj_bias": "in_proj_bias",
            "out_weight": "out_proj.weight",
            "out_bias": "out_proj.bias",
        },
    ),
    nn.Flatten: Row("flatten", {}, _NONE),
    nn.GELU: _activation("gelu", approximate="approximate"),
    nn.LeakyReLU: _activation("leaky_relu", slope="negative_slope"),
    nn.ELU: _activation("elu", alpha="alpha"),
    nn.CELU: _activation("celu", alpha="alpha"),
    nn.Softmax: _activation("softmax", axis="dim"),
    nn.LogSoftmax: _activation("log_softmax", axis="dim"),
    nn.PReLU: Row("prelu", {}, {"weight": "weight"}),
}
_PLAIN = {
    nn.ReLU: "relu", nn.ReLU6: "relu6", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh", nn.SiLU: "silu", nn.SELU: "selu",
    nn.Softplus: "softplus", nn.Softsign: "softsign", nn.Hardtanh: "hardtanh", nn.Mish: "mish",
    nn.Hardsigmoid: "hard_sigmoid", nn.Hardswish: "hard_silu", nn.LogSigmoid: "log_sigmoid",
}  # fmt: skip
_ROWS |= {kind: _activation(name) for kind, name in _PLAIN.items()}
if hasattr(nn, "RMSNorm"):
    _ROWS[nn.RMSNorm] = Row("rms_norm", {"epsilon": "eps"})
for _dims in (1, 2, 3):
    _ROWS |= {
        getattr(nn, f"Conv{_dims}d"): Row("conv", _CONVOLUTION, dims=_dims),
        getattr(nn, f"ConvTranspose{_dims}d"): Row("conv_transpose", _TRANSPOSED, dims=_dims),
        getattr(nn, f"BatchNorm{_dims}d"): Row("batch_norm", _BATCH, _STATISTICS, _dims),
        getattr(nn, f"MaxPool{_dims}d"): _pool("max", _dims),
        getattr(nn, f"AvgPool{_dims}d"): _pool("avg", _dims),
        getattr(nn, f"AdaptiveAvgPool{_dims}d"): Row("global_pool", {"function": lambda _: "avg"}, _NONE, _dims),
        getattr(nn, f"AdaptiveMaxPool{_dims}d"): Row("global_pool", {"function": lambda _: "max"}, _NONE, _dims),
    }
_PREFIXES = {"Dropout": "dropout", "AlphaDropout": "dropout", "FeatureAlphaDropout": "dropout"}
_PADS = ("ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad")


def row_of(module: nn.Module) -> Row | None:
    """The row of a module, by its class or a class above it; None for one of the user's own."""
    for kind in type(module).__mro__:
        if kind in _ROWS:
            return _ROWS[kind]
        name = re.sub(r"\dd$", "", kind.__name__)
        if kind.__module__.startswith("torch.") and name in _PREFIXES:
            return Row("dropout", {"rate": "p"}, _NONE)
        if kind.__module__.startswith("torch.") and name in _PADS:
            return Row(
                "pad",
                {"mode": lambda m: re.sub(r"\dd$", "", type(m).__name__), "padding": _sides},
                _NONE,
                int(kind.__name__[-2]),
            )
    return None


def described(
    name: str, module: nn.Module, row: Row | None, names: Mapping[int, str], source: str, *, first: bool
) -> Iterator[SideLayer]:
    """The layers that a call of a module stands for: one, or several for a recurrent one with layers inside."""
    title = type(module).__name__
    if row is None:
        own = {part: part for part, _ in module.named_parameters(recurse=False)}
        yield _layer(name, "custom", title, {}, module, own if first else {}, names, source)
        return
    config = {key: told(read(module) if callable(read) else getattr(module, read)) for key, read in row.config.items()}
    kind = f"{row.kind}{row.dims}d" if row.dims and row.kind not in ("batch_norm", "pad") else row.kind
    if not isinstance(module, nn.RNNBase):
        yield _layer(name, kind, title, config, module, row.weights if first else {}, names, source)
        return
    for place in range(module.num_layers):
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ends = ("", "_reverse") if module.bidirectional else ("",)
        weights = {f"{part}{end}": f"{part}_l{place}{end}" for part in parts for end in ends}
        inner = f"{name}[{place}]" if module.num_layers > 1 else name
        yield _layer(inner, kind, title, config, module, weights if first else {}, names, source)


def _layer(
    name: str, kind: str, title: str, config: dict[str, str], module: nn.Module, parts: Mapping[str, str],
    names: Mapping[int, str], source: str,
) -> SideLayer:  # fmt: skip
    weights, shapes = {}, {}
    for part, attribute in parts.items():
        found: Any = module
        for step in attribute.split("."):
            found = getattr(found, step, None)
        if isinstance(found, torch.Tensor) and id(found) in names:
            weights[part], shapes[part] = names[id(found)], list(found.shape)
    return SideLayer(name, kind, title, config, weights, shapes, source=source)


# ---- functions that count as a layer where no module calls them

_FUNCTIONS: dict[Callable[..., Any], str] = {
    getattr(place, name + end): RENAMED.get(name, name)
    for place in (torch, torch.Tensor, functional)
    for name in (*ACTIVATIONS, *RENAMED)
    for end in ("", "_")
    if hasattr(place, name + end)
}
_POOLS = {
    getattr(functional, f"{function}_pool{dims}d"): (function, dims)
    for function in ("max", "avg")
    for dims in (1, 2, 3)
}
_MEANS = {
    getattr(place, name): function
    for place in (torch, torch.Tensor)
    for name, function in (("mean", "avg"), ("amax", "max"), ("sum", "sum"))
}
_SHAPES = (torch.flatten, torch.Tensor.flatten, torch.reshape, torch.Tensor.reshape, torch.Tensor.view)
_DROPS = tuple(getattr(functional, name) for name in ("dropout", "dropout1d", "dropout2d", "dropout3d"))


def called(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], output: Any) -> SideLayer | None:
    """The layer that a call of a function is; None for anything else."""
    try:
        name = _FUNCTIONS.get(function, "")
        pool, mean = _POOLS.get(function), _MEANS.get(function, "")
    except TypeError:  # some of the functions that pass by can't be hashed
        return None
    if name:
        return SideLayer(name, "activation", name, {"function": name, **_arguments(name, args, kwargs)})
    if pool:
        return SideLayer(f"{pool[0]}_pool", f"pool{pool[1]}d", function.__name__, {"function": pool[0]})
    taken = args[0] if args else None
    if not (isinstance(taken, torch.Tensor) and isinstance(output, torch.Tensor)):
        return None
    if mean and 1 <= output.ndim < taken.ndim:
        return SideLayer(f"{mean}_over_axes", "global_pool", function.__name__, {"function": mean})
    if function in _SHAPES and output.ndim == 2 < taken.ndim and output.shape[0] == taken.shape[0]:
        return SideLayer("flatten", "flatten", "flatten")
    if function in _DROPS:
        return SideLayer("dropout", "dropout", "dropout")
    return None


def _arguments(name: str, args: Any, kwargs: Mapping[str, Any]) -> dict[str, str]:
    """The settings of an activation that was called as a function."""
    if name == "gelu":
        return {"approximate": kwargs.get("approximate", "none")}
    if name == "leaky_relu":
        return {"slope": told(kwargs.get("negative_slope", args[1] if len(args) > 1 else 0.01))}
    if name in ("softmax", "log_softmax"):
        return {"axis": told(kwargs.get("dim", args[1] if len(args) > 1 else -1))}
    if name in ("elu", "celu"):
        return {"alpha": told(kwargs.get("alpha", args[1] if len(args) > 1 else 1.0))}
    return {}


def is_dropout(function: Callable[..., Any]) -> bool:
    """Whether this is dropout called as a function."""
    return any(function is one for one in _DROPS)


def without_dropout(model: nn.Module) -> None:
    """Switch dropout off, also inside attention and recurrent layers; everything else stays in its mode."""
    for module in model.modules():
        row = row_of(module)
        if row is not None and row.kind == "dropout":
            module.eval()
        elif isinstance(module, nn.RNNBase | nn.MultiheadAttention):
            module.dropout = 0.0


def spatial_dims(module: nn.Module) -> int:
    """The axes behind the channels that a module runs over; 0 for one that has no channels axis of its own."""
    row = row_of(module)
    return row.dims if row else 0
