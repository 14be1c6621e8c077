"""PyTorch's words for rows of the operation table, where they do not follow from the row's call template.

One row each: the call as PyTorch's manual writes it, and what it means in the table's language or as a function of
symbolic values. A method ``torch.Tensor.name`` is ``torch.name`` with the tensor first, unless it stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch

from gradtool.witness.callable.spelling import ANYTHING
from gradtool.witness.callable.views import (
    chunks,
    concatenated,
    flattened,
    linear,
    normalised,
    pieces,
    rows,
    squeezed,
    stacked,
    stretched,
    swapped,
    unsqueezed,
)  # fmt: skip
from gradtool.witness.pytorch.callable import meanings as meant

__all__ = ["IDLE", "SPELLINGS"]

IDLE: Mapping[str, Any] = MappingProxyType(
    {"out": None, "dtype": None, "inplace": False, "size_average": None, "reduce": None, "_stacklevel": ANYTHING}
)
"""Settings that any function may be given, and the values with which they change nothing."""

_SPREAD = "(input, dim=None, unbiased=True, *, correction=None, keepdim=False)"
_REDUCED = "(input, target, reduction='mean')"

SPELLINGS: Mapping[str, str | Callable[..., Any]] = MappingProxyType({
    # ---- the same function under another name
    "torch.sub(input, other)": "input - other",
    "torch.mul(input, other)": "input*other",
    "torch.div(input, other, rounding_mode=None)": meant.quotient,
    "torch.divide(input, other, rounding_mode=None)": meant.quotient,
    "torch.true_divide(input, other)": "input/other",
    "torch.floor_divide(input, other)": "input//other",
    "torch.negative(input)": "-input",
    "torch.positive(input)": lambda x: x,
    "torch.absolute(input)": "abs(input)",
    "torch.less(input, other)": lambda x, y: x < y,
    "torch.less_equal(input, other)": lambda x, y: x <= y,
    "torch.greater(input, other)": lambda x, y: x > y,
    "torch.greater_equal(input, other)": lambda x, y: x >= y,
    "torch.not_equal(input, other)": lambda x, y: x != y,
    "torch.arcsin(input)": "asin(input)",
    "torch.arccos(input)": "acos(input)",
    "torch.arctan(input)": "atan(input)",
    "torch.arctan2(input, other)": "atan2(input, other)",
    "torch.arcsinh(input)": "asinh(input)",
    "torch.arccosh(input)": "acosh(input)",
    "torch.arctanh(input)": "atanh(input)",
    "torch.selu(input)": "selu(input)",
    "torch.nn.functional.relu(input)": "relu(input)",
    "torch.special.erf(input)": "erf(input)",
    "torch.special.erfc(input)": "erfc(input)",
    "torch.special.exp2(input)": "exp2(input)",
    "torch.special.expit(input)": "sigmoid(input)",
    "torch.special.expm1(input)": "expm1(input)",
    "torch.special.log1p(input)": "log1p(input)",
    "torch.special.gammaln(input)": "lgamma(input)",
    "torch.special.digamma(input)": "digamma(input)",
    "torch.special.psi(input)": "digamma(input)",
    "torch.special.round(input)": "round(input)",
    "torch.special.softmax(input, dim)": "softmax(input, axis=dim)",
    "torch.special.log_softmax(input, dim)": "log_softmax(input, axis=dim)",
    "torch.special.logsumexp(input, dim, keepdim=False)": "logsumexp(input, axis=dim, keepdims=keepdim)",
    "torch.nn.functional.softmax(input, dim=None)": "softmax(input, axis=dim)",
    "torch.nn.functional.log_softmax(input, dim=None)": "log_softmax(input, axis=dim)",
    "torch.nn.functional.softmin(input, dim=None)": "softmax(-input, axis=dim)",
    "torch.mm(input, mat2)": "input @ mat2",
    "torch.mv(input, vec)": "input @ vec",
    "torch.bmm(input, mat2)": "input @ mat2",
    "torch.linalg.vecdot(x, y)": "sum(x*y, axis=-1)",
    # ---- more arguments than the template shows
    "torch.nn.functional.softplus(input, beta=1, threshold=20)": "softplus(input)",
    "torch.nn.functional.elu(input, alpha=1.0)": "elu(input)",
    "torch.nn.functional.celu(input, alpha=1.0)": "elu(input)",
    "torch.nn.functional.leaky_relu(input, negative_slope=0.01)": meant.slope,
    "torch.nn.functional.gelu(input, approximate='none')": meant.gelu,
    "torch.nn.functional.hardtanh(input, min_val=-1.0, max_val=1.0)": meant.hardtanh,
    "torch.clamp(input, min=None, max=None)": meant.clamp,
    "torch.clip(input, min=None, max=None)": meant.clamp,
    "torch.clamp_min(input, min)": "max(input, min)",
    "torch.clamp_max(input, max)": "min(input, max)",
    "torch.max(input, dim=None, keepdim=False)": meant.extreme("amax", "max"),
    "torch.min(input, dim=None, keepdim=False)": meant.extreme("amin", "min"),
    f"torch.var{_SPREAD}": meant.spread("var"),
    f"torch.std{_SPREAD}": meant.spread("std"),
    "torch.norm(input, p='fro', dim=None, keepdim=False)": meant.norm,
    "torch.Tensor.norm(input, p='fro', dim=None, keepdim=False)": meant.norm,
    "torch.linalg.vector_norm(x, ord=2, dim=None, keepdim=False)": meant.norm,
    "torch.polygamma(n, input)": meant.polygamma,
    "torch.special.polygamma(n, input)": meant.polygamma,
    "torch.Tensor.polygamma(input, n)": lambda x, n: meant.polygamma(n, x),
    "torch.where(condition, input, other)": "where(condition, input, other)",
    "torch.Tensor.where(input, condition, other)": "where(condition, input, other)",
    "torch.stack(tensors, dim=0)": stacked,
    "torch.cat(tensors, dim=0)": concatenated,
    "torch.concat(tensors, dim=0)": concatenated,
    "torch.concatenate(tensors, dim=0)": concatenated,
    "torch.unbind(input, dim=0)": rows,
    "torch.split(input, sizes, dim=0)": pieces,
    "torch.Tensor.split(input, sizes, dim=0)": pieces,
    "torch.chunk(input, chunks, dim=0)": chunks,
    "torch.permute(input, dims)": "transpose(input, axes=dims)",
    "torch.Tensor.permute(input, *dims)": "transpose(input, axes=dims)",
    "torch.reshape(input, shape)": "reshape(input, shape=shape)",
    "torch.Tensor.reshape(input, *shape)": "reshape(input, shape=shape)",
    "torch.Tensor.view(input, *shape)": "reshape(input, shape=shape)",
    # ---- losses
    f"torch.nn.functional.mse_loss{_REDUCED}": meant.loss("mse"),
    f"torch.nn.functional.binary_cross_entropy{_REDUCED}": meant.loss("bce"),
    f"torch.nn.functional.binary_cross_entropy_with_logits{_REDUCED}": meant.loss("bce_logits"),
    "torch.nn.functional.cross_entropy(input, target, reduction='mean', ignore_index=-100, label_smoothing=0.0)":
        meant.cross_entropy,
    "torch.nn.functional.nll_loss(input, target, reduction='mean', ignore_index=-100)": meant.likelihood,
    # ---- formulas of the manual
    "torch.square(input)": "input**2",
    "torch.rsqrt(input)": "1/sqrt(input)",
    "torch.reciprocal(input)": "1/input",
    "torch.rad2deg(input)": "input*57.29577951308232",
    "torch.lerp(input, end, weight)": "input + weight*(end - input)",
    "torch.logit(input)": "log(input/(1 - input))",
    "torch.nn.functional.glu(input, dim=-1)": meant.gated,
    "torch.nn.functional.normalize(input, p=2.0, dim=1, eps=1e-12)":
        "input/max(norm(input, axis=dim, keepdims=True), eps)",
    "torch.nn.functional.layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5)": normalised,
    "torch.nn.functional.l1_loss(input, target)": "mean(abs(input - target))",
    "torch.nn.functional.hardsigmoid(input)": "clip(input + 3, 0, 6)/6",
    "torch.nn.functional.threshold(input, threshold, value)": "where(input > threshold, input, value)",
    "torch.nn.functional.relu6(input)": "clip(input, 0, 6)",
    "torch.nn.functional.mish(input)": "input*tanh(softplus(input))",
    "torch.nn.functional.tanhshrink(input)": "input - tanh(input)",
    "torch.nn.functional.hardswish(input)": "input*clip(input + 3, 0, 6)/6",
    "torch.nn.functional.linear(input, weight, bias=None)": linear,
    "torch.nn.functional.dropout(input, p=0.5, training=True)": meant.dropout,
    "torch.masked_fill(input, mask, value)": meant.masked,
    # ---- changes of shape
    "torch.t(input)": "transpose(input)",
    "torch.transpose(input, dim0, dim1)": swapped,
    "torch.swapaxes(input, axis0, axis1)": swapped,
    "torch.unsqueeze(input, dim)": unsqueezed,
    "torch.squeeze(input, dim=None)": squeezed,
    "torch.flatten(input, start_dim=0, end_dim=-1)": flattened,
    "torch.ravel(input)": "reshape(input, -1)",
    "torch.Tensor.expand(input, *size)": stretched,
    "torch.broadcast_to(input, size)": stretched,
    "torch.Tensor.expand_as(input, other)": lambda x, other: stretched(x, tuple(other.shape)),
    "torch.Tensor.view_as(input, other)": lambda x, other: x.reshape(tuple(other.shape)),
    "torch.Tensor.reshape_as(input, other)": lambda x, other: x.reshape(tuple(other.shape)),
    # ---- what is known without the numbers
    "torch.zeros_like(input)": meant.filled(0.0),
    "torch.ones_like(input)": meant.filled(1.0),
    "torch.full_like(input, fill_value)": lambda x, value: meant.filled(value)(x),
    "torch.Tensor.new_zeros(input, *size)": lambda x, size: torch.zeros(size, dtype=x.dtype),
    "torch.Tensor.new_ones(input, *size)": lambda x, size: torch.ones(size, dtype=x.dtype),
    "torch.Tensor.new_tensor(input, data)": lambda x, data: torch.tensor(data, dtype=x.dtype),
    "torch.numel(input)": lambda x: x.numel(),
    "torch.is_floating_point(input)": lambda x: not x.part.logical,
    "torch.is_complex(input)": lambda x: False,  # noqa: ARG005  # no input of a trace is complex
    "torch.clone(input)": lambda x: x,
    "torch.detach(input)": lambda x: x.detach(),
})  # fmt: skip
