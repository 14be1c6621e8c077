"""What the functions of PyTorch do to a gradient, by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "ARITHMETIC",
    "CUTS",
    "EXITS",
    "FREEZES",
    "FROM_NUMBERS",
    "LIKE",
    "UNRELATED",
    "name_of",
    "rough_kind",
    "writes",
]

EXITS: Mapping[str, str] = {
    "item": "item", "tolist": "tolist", "numpy": "numpy", "__array__": "numpy", "__float__": "float",
    "__int__": "float", "__bool__": "float", "__index__": "float", "__complex__": "float", "__dlpack__": "left",
    "__reduce_ex__": "left", "storage": "left", "untyped_storage": "left",
}  # fmt: skip
"""By which numbers leave PyTorch, and the kind of that."""

CUTS: Mapping[str, str] = {
    "detach": "detach", "detach_": "detach", "data.__get__": "data", "data.__set__": "data", "tensor": "new_tensor",
    "as_tensor": "new_tensor", "asarray": "new_tensor", "new_tensor": "new_tensor", "scalar_tensor": "new_tensor",
    "__deepcopy__": "new_tensor", "Parameter": "new_tensor",
}  # fmt: skip
"""By which a tensor is made that has the numbers, and no way back."""

FROM_NUMBERS = frozenset(
    ("tensor", "as_tensor", "asarray", "new_tensor", "from_numpy", "scalar_tensor", "full", "full_like", "new_full",
     "fill_")
)  # fmt: skip
"""What makes a tensor of Python's or NumPy's numbers."""

ARITHMETIC = frozenset(
    f"{start}{name}{end}"
    for name in ("add", "sub", "mul", "div", "truediv", "pow")
    for start, end in (("", ""), ("", "_"), ("__", "__"), ("__r", "__"), ("__i", "__"))
)
"""Where a whole number is one that is computed with; elsewhere it may be a shape or an axis."""

FREEZES = frozenset({"requires_grad_", "requires_grad.__set__"})

UNRELATED = frozenset({"grad.__get__", "_base.__get__"})
"""What gives a tensor that was not computed from its argument."""

LIKE = frozenset(
    ("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "randint_like", "new_zeros",
     "new_ones", "new_full", "new_empty", "new_empty_strided", "empty_strided")
)  # fmt: skip
"""What takes the shape of a tensor and nothing of its numbers."""

_IN_PLACE = frozenset({"__setitem__", "data.__set__", *(name for name in ARITHMETIC if name.startswith("__i"))})

_COMPARISONS = frozenset(
    ("gt", "ge", "lt", "le", "eq", "ne", "greater", "greater_equal", "less", "less_equal", "not_equal", "equal",
     "isnan", "isinf", "isfinite", "isclose", "signbit", "logical_and", "logical_or", "logical_not", "logical_xor",
     "__gt__", "__ge__", "__lt__", "__le__", "__eq__", "__ne__", "bool")
)  # fmt: skip
_CHOICES = frozenset(
    ("argmax", "argmin", "argsort", "sort", "topk", "max", "min", "median", "mode", "kthvalue", "cummax", "cummin",
     "nonzero", "multinomial", "searchsorted", "bucketize", "nanmedian")
)  # fmt: skip


def name_of(function: Callable[..., Any]) -> str:
    """The function's name; of an attribute's ``data.__get__``."""
    name = str(getattr(function, "__name__", ""))
    if name in ("__get__", "__set__"):
        return f"{getattr(getattr(function, '__self__', None), '__name__', '')}.{name}"
    return name.partition(".")[0]  # of an overload, as mul.Tensor


def writes(name: str) -> bool:
    """Whether a function of this name writes into its first argument."""
    return name in _IN_PLACE or (name.endswith("_") and not name.endswith("__"))


def rough_kind(name: str) -> str:
    """The kind of a cut by an operation whose output is of integers or truth values."""
    return "comparison" if name in _COMPARISONS else "argmax" if name in _CHOICES else "integer"
