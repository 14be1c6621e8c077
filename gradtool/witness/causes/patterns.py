"""Which kind of cause an operation is that made a number that is not finite, by its operands: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtool.witness.causes.operands import FINITE, NAN, Array, Call, Given, level_of

__all__ = ["CONSTANT", "is_left_out", "is_mask", "kind_of", "taken"]

MANY = 10_000
"""So many of the places that are not finite are looked at."""
EXP_LIMIT = 88.7
"""The exponential of more than this is beyond float32, too."""

CONSTANT = frozenset(("full", "full_like", "new_full", "fill", "scalar_tensor", "lift_fresh", "constant"))
"""Operations that make a tensor of a number that the program states."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """``holds(operands)`` where the output is worst, for one of the ``operations``, means ``kind``."""

    operations: str
    kind: str
    holds: Callable[..., Any]


def _any(*_operands: Array) -> bool:
    return True


def _zero(first: Array, *_rest: Array) -> Any:
    return first == 0


def _negative(first: Array, *_rest: Array) -> Any:
    return first < 0


def _zero_beside_infinite(*operands: Array) -> bool:
    return any(np.isinf(one).any() and (other == 0).any() for one in operands for other in operands if one is not other)


def _infinite(*operands: Array) -> bool:
    return any(np.isinf(one).any() for one in operands)


def _elementwise_zero_times_inf(a: Array, b: Array, *_rest: Array) -> Any:
    return ((a == 0) & np.isinf(b)) | (np.isinf(a) & (b == 0))


def is_mask(given: Given) -> bool:
    """Whether every number in it is 0, 1 or infinite: it says what to leave out, and is not data."""
    numbers = given.numbers()
    return bool(np.isin(numbers, (0, 1, np.inf, -np.inf)).all())


LOG = "log log2 log10"
PRODUCT = "matmul addmm baddbmm conv dot outer"
ADDING = frozenset((*PRODUCT.split(), "sum", "mean", "cumsum"))
"""Operations that add up: of finite numbers they make a NaN only where partial sums overflow to both infinities."""

PATTERNS = (
    Pattern(LOG, "log_of_zero", _zero),
    Pattern(LOG, "log_of_negative", _negative),
    Pattern("log1p", "log_of_zero", lambda x, *_: x == -1),
    Pattern("log1p", "log_of_negative", lambda x, *_: x < -1),
    Pattern("xlogy xlog1py", "log_of_zero", lambda _, y, *__: y == 0),
    Pattern("xlogy", "log_of_negative", lambda _, y, *__: y < 0),
    Pattern("logit", "log_of_zero", lambda x, *_: (x == 0) | (x == 1)),
    Pattern("logit", "log_of_negative", lambda x, *_: (x < 0) | (x > 1)),
    Pattern("slogdet logdet", "log_of_zero", _any),
    Pattern("div", "zero_over_zero", lambda a, b, *_: (a == 0) & (b == 0)),
    Pattern("div remainder fmod", "division_by_zero", lambda _, b, *__: b == 0),
    Pattern("reciprocal rsqrt", "division_by_zero", _zero),
    Pattern("sqrt rsqrt", "sqrt_of_negative", _negative),
    Pattern("pow", "power_of_zero", lambda a, b, *_: (a == 0) & (b < 0)),
    Pattern("pow", "power_of_negative", lambda a, b=0.5, *_: (a < 0) & (b != np.round(b))),
    Pattern("exp expm1 exp2 sinh cosh", "exp_overflow", _any),
    Pattern("acos asin acosh atanh erfinv", "edge_of_domain", _any),
    Pattern("mul addcmul lerp", "zero_times_inf", _elementwise_zero_times_inf),
    Pattern(PRODUCT, "zero_times_inf", _zero_beside_infinite),
    Pattern("softmax log_softmax logsumexp attention", "masked_row", lambda x, *_: bool(np.all(np.isneginf(x)))),
    Pattern("ctc_loss", "no_alignment", lambda *x: not _infinite(*x)),
    Pattern("mean", "zero_over_zero", lambda x, *_: x.size == 0),
    Pattern("std var var_mean std_mean nll_loss", "zero_over_zero", lambda *x: not _infinite(*x)),
    Pattern("layer_norm batch_norm group_norm", "zero_std", lambda x, *_: np.abs(x).max(initial=0) < 1e15),
)

SLOPES: Mapping[str, str] = {
    **dict.fromkeys((*LOG.split(), "log1p", "xlogy", "logit"), "log_of_zero"),
    "sqrt": "sqrt_of_zero",
    "rsqrt": "division_by_zero",
    "reciprocal": "division_by_zero",
    "pow": "power_of_zero",
    "norm": "norm_of_zero",
    **dict.fromkeys(("std", "var", "var_mean", "std_mean"), "zero_std"),
    **dict.fromkeys(("layer_norm", "batch_norm", "group_norm"), "zero_std"),
    **dict.fromkeys(("exp", "expm1", "exp2", "sinh", "cosh"), "exp_overflow"),
    **dict.fromkeys(("acos", "asin", "acosh", "atanh", "erfinv"), "edge_of_domain"),
    **dict.fromkeys(("softmax", "log_softmax", "logsumexp", "attention"), "masked_row"),
    "atan2": "zero_over_zero",
}
"""In the backward phase: the kind by the operation of the forward pass, where its slope itself is not finite."""

REFINED = ("zero_over_zero", "division_by_zero", "log_of_zero", "sqrt_of_zero", "power_of_zero")
MARKS = {"epsilon": "tiny_epsilon", "std": "zero_std", "norm": "norm_of_zero"}


def kind_of(call: Call, marks: Callable[[Given], Mapping[str, str]]) -> tuple[str, str, bool]:
    """The kind of the birth, a clause for people, and whether it stands.

    It stands if it is the cause although an infinity that came in is older, since that was meant to be left out.
    ``marks`` are those of an operand, each with a clause.
    """
    worst = max(call.outputs, key=lambda given: given.level)
    with np.errstate(all="ignore"):
        operands = _where_worst(call, worst)
        if is_left_out(call, marks):
            return "where_trap", "", True
        kind = _of(call, operands, worst)
        if worst.dtype == "float16" and _fits_float32(kind, operands):
            return "half_overflow", "", False
    if kind in REFINED:
        for given, values in zip(call.inputs, operands, strict=True):
            if (values == 0).any():
                for mark, told in marks(given).items():
                    if mark in MARKS:
                        return MARKS[mark], told, False
    masks = call.phase == "forward" and call.operation == "mul" and any(is_mask(given) for given in call.inputs)
    return kind, "", kind == "zero_times_inf" and masks


def _of(call: Call, operands: Sequence[Array], worst: Given) -> str:
    if call.phase == "backward" and call.of in SLOPES and _at_an_edge(operands):
        return _slope(call, operands)
    for pattern in PATTERNS:
        if call.operation in pattern.operations.split() and np.any(pattern.holds(*operands)):
            return pattern.kind
    finite = all(given.level == FINITE for given in call.inputs)
    return "overflow" if finite and (worst.level != NAN or call.operation in ADDING) else "other"


def _at_an_edge(operands: Sequence[Array]) -> bool:
    """Whether the slope is not finite because of what it is taken at, and not for its size."""
    return any((values == 0).any() or not np.isfinite(values).all() for values in operands)


def _slope(call: Call, operands: Sequence[Array]) -> str:
    """``pow`` and ``log`` have two ways out."""
    negative = any(np.any(_real(values) < 0) for values in operands[-1:])
    if call.of == "pow" and call.operation in {"log", "pow"} and np.any(_real(operands[0]) < 0):
        return "power_of_negative"
    if call.of in LOG.split() and negative and not any((values == 0).any() for values in operands[-1:]):
        return "log_of_negative"
    return SLOPES[call.of]


def _real(values: Array) -> Array:
    return values.real if values.dtype.kind == "c" else values


def is_left_out(call: Call, marks: Callable[[Given], Mapping[str, str]]) -> bool:
    """Whether the gradient that comes in is 0 where the output is worst, because something else was selected."""
    if call.phase != "backward" or not any("selected" in marks(given) for given in call.inputs):
        return False
    worst = max(call.outputs, key=lambda given: given.level)
    pairs = zip(call.inputs, _where_worst(call, worst), strict=True)
    return any("selected" in marks(given) and (values == 0).any() for given, values in pairs)


def _fits_float32(kind: str, operands: Sequence[Array]) -> bool:
    if kind == "exp_overflow":
        return bool(np.all(np.abs(operands[0].astype(np.float64)) < EXP_LIMIT))
    return kind == "overflow"


def _where_worst(call: Call, worst: Given) -> list[Array]:
    """The operands where the output is worst, if they spread over its shape; else as they are."""
    output = worst.numbers()
    places = np.isnan(output) if worst.level == NAN else np.isinf(output)
    some = np.flatnonzero(places)[:MANY]
    found = []
    for given in call.inputs:
        values = given.numbers()
        try:
            found.append(np.broadcast_to(values, output.shape).reshape(-1)[some])
        except ValueError:
            found.append(values)
    return found


def taken(call: Call) -> Sequence[Given]:
    """The operands that the output is made of: where one branch is taken, those that are bad where the output is."""
    if call.operation != "where":
        return call.inputs
    worst = max(call.outputs, key=lambda given: given.level)
    pairs = zip(call.inputs, _where_worst(call, worst), strict=True)
    return [given for given, values in pairs if level_of(values)]
