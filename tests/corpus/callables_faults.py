"""What is wrong in the backward pass of an operation, planted in both frameworks alike.

A fault changes what the right backward pass gave. It gets ``c``: ``c.g`` the right gradients, ``c.at`` the inputs,
``c.y`` the outputs and ``c.u`` the upstream gradients, the first of each as ``c.y0`` and ``c.u0``, and ``c.lib`` a few
functions of the framework under one name each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from callables_points import POINTS, SYMMETRIC, X, Y, drawn

FAR = np.array([-212.0, 75.0, 140.0, -60.5, 330.0])
BEYOND = "no point that is tried lies beyond 1e12"
BELOW = "the relative error is below the rounding of the dtype"
NEVER = "the one point where it is wrong is never tried"


@dataclass(frozen=True)
class Fault:
    """``change(c)`` stands for the gradient by ``by``; ``entry`` is the only wrong one, ``factor`` is everywhere.

    ``at`` are inputs other than the operation's own, ``elsewhere`` those at which the fault shows where they hide it.
    """

    operation: str
    what: str
    by: str
    change: Callable
    factor: float | None = None
    entry: str = ""
    at: dict | None = None
    elsewhere: dict | None = None
    dtype: str = "float64"
    note: str = ""


def whole(operation, what, by, factor, **more):
    """The whole gradient times a number."""
    return Fault(operation, what, by, lambda c: c.g[by] * factor, factor, **more)


def only(operation, what, by, where, factor, **more):
    """The gradient times a number, where the input has some property."""
    return Fault(operation, what, by, lambda c: c.lib.where(where(c.at[by]), c.g[by] * factor, c.g[by]), **more)


def single(operation, what, by, index, factor, **more):
    """One entry of the gradient times a number."""

    def change(c):
        factors = np.ones(c.g[by].shape)
        factors[index] = factor
        return c.g[by] * c.lib.like(factors, c.g[by])

    return Fault(
        operation,
        what,
        by,
        change,
        entry=f"{by}[{index}]" if isinstance(index, int) else f"{by}{list(index)}".replace(" ", ""),
        **more,
    )


def chosen(rows, columns, pick):
    """A matrix with ones where ``pick`` puts them: for row i the columns ``pick(i)``."""
    matrix = np.zeros((rows, columns))
    for row in range(rows):
        matrix[row, pick(row)] = 1
    return matrix


_INDEX = POINTS["gather"]["index"]
_LAST = chosen(5, 5, lambda row: np.flatnonzero(row == _INDEX)[-1:])
_NEXT = chosen(6, 5, lambda row: (POINTS["scatter_add"]["index"][row] + 1) % 5)
_SAME = np.array([1.5, 0.4, 2.0])
_EQUAL = {"x": np.full(5, 0.8)}

FAULTS = [
    whole("cube", "sign", "x", -1),
    whole("cube", "factor 2", "x", 2),
    whole("cube", "factor 1/2", "x", 0.5),
    whole("cube", "relative error 1e-2", "x", 1 + 1e-2),
    whole("cube", "relative error 1e-4", "x", 1 + 1e-4),
    whole("cube", "relative error 1e-6", "x", 1 + 1e-6),
    whole("cube", "relative error 1e-8", "x", 1 + 1e-8),
    whole("cube", "zero", "x", 0),
    whole("cube", "sign at 1e80", "x", -1, at={"x": X * 1e80}),
    whole("cube", "factor 2 at 1e-80", "x", 2, at={"x": X * 1e-80}),
    only("cube", "wrong for negative inputs", "x", lambda x: x < 0, 1.5),
    only("cube", "wrong for negative inputs, all given ones positive", "x", lambda x: x < 0, 1.5,
         at={"x": abs(X)}, elsewhere={"x": X}),
    only("cube", "wrong for large inputs", "x", lambda x: abs(x) > 50, 1.5, elsewhere={"x": FAR}),
    single("cube", "one entry 1 %", "x", 3, 1.01),
    Fault("cube", "off by one", "x", lambda c: c.lib.roll(c.g["x"])),
    Fault("cube", "wrong saved tensor", "x", lambda c: c.u0 * 3 * c.y0**2),
    Fault("sigmoid", "forgotten factor", "x", lambda c: c.u0 * c.y0),
    Fault("sigmoid", "input saved for the output", "x", lambda c: c.u0 * c.at["x"] * (1 - c.at["x"])),
    Fault("softplus", "first terms of a series", "x", lambda c: c.u0 * (0.5 + c.at["x"] / 4)),
    Fault("softplus", "the slope of relu", "x", lambda c: c.lib.where(c.at["x"] > 0, c.u0, 0 * c.u0)),
    Fault("relu", "no mask", "x", lambda c: c.u0),
    Fault("relu", "the other half", "x", lambda c: c.lib.where(c.at["x"] < 0, c.u0, 0 * c.u0)),
    Fault("relu", "leaks for negative inputs", "x", lambda c: c.lib.where(c.at["x"] < 0, 0.01 * c.u0, c.g["x"])),
    Fault("absolute", "forgotten sign", "x", lambda c: c.u0),
    Fault("huber", "not clipped", "x", lambda c: c.u0 * c.at["x"]),
    Fault("huber", "not clipped, all given ones inside", "x", lambda c: c.u0 * c.at["x"],
          at={"x": X / 2, "delta": 1.5}, elsewhere={"x": X * 3, "delta": 1.5}),
    Fault("multiply", "wrong saved tensor", "x", lambda c: c.u0 * c.at["x"]),
    whole("multiply", "detached", "y", 0),
    Fault("multiply", "wrong saved tensor, both alike", "x", lambda c: c.u0 * c.at["x"],
          at={"x": Y, "y": Y}, elsewhere=POINTS["multiply"]),
    whole("divide", "forgotten sign", "y", -1),
    Fault("divide", "one power short", "y", lambda c: -c.u0 * c.at["x"] / c.at["y"]),
    Fault("hypot", "not divided", "x", lambda c: c.u0 * c.at["x"]),
    Fault("hypot", "the other side's gradient", "x", lambda c: c.g["y"]),
    Fault("hypot", "the other side's gradient, both alike", "x", lambda c: c.g["y"],
          at={"x": Y, "y": Y}, elsewhere=POINTS["hypot"]),
    Fault("power", "forgotten logarithm", "y", lambda c: c.u0 * c.y0),
    Fault("power", "exponent not lowered", "x", lambda c: c.u0 * c.at["y"] * c.y0),
    Fault("powers", "right for squares alone", "x", lambda c: c.u0 * 2 * c.at["x"] / 5),
    whole("powers", "sum for mean", "x", 5),
    Fault("matmul", "not transposed", "a", lambda c: c.u0 @ c.at["b"]),
    Fault("matmul", "not transposed, given a symmetric one", "a", lambda c: c.u0 @ c.at["b"],
          at={"a": drawn(13, 3, 3), "b": SYMMETRIC}, elsewhere=POINTS["matmul"]),
    Fault("matmul", "result transposed", "b", lambda c: c.lib.transpose(c.g["b"])),
    Fault("quadratic", "right for symmetric matrices", "x", lambda c: 2 * c.u0 * c.lib.matvec(c.at["A"], c.at["x"])),
    Fault("quadratic", "right for symmetric matrices, given one", "x",
          lambda c: 2 * c.u0 * c.lib.matvec(c.at["A"], c.at["x"]),
          at={"x": _SAME, "A": SYMMETRIC}, elsewhere=POINTS["quadratic"]),
    Fault("logdet", "transposed", "A", lambda c: c.lib.transpose(c.g["A"])),
    single("logdet", "one entry's sign", "A", (0, 2), -1),
    whole("mean_square", "N", "x", 5),
    whole("mean_square", "1/N", "x", 1 / 5),
    whole("mean_square", "forgotten 2", "x", 0.5),
    whole("variance", "divided by N - 1", "x", 6 / 5),
    Fault("variance", "mean not subtracted", "x", lambda c: c.u0[..., None] * c.at["x"] / 3),
    whole("variance", "1 % around 1e6", "x", 1.01, at={"x": 1e6 + np.array([[0.25, -1.5, 3.0, 0.75, -2.0, 1.25]])}),
    Fault("softmax", "forgotten term", "x", lambda c: c.u0 * c.y0),
    Fault("softmax", "diagonal alone", "x", lambda c: c.u0 * c.y0 * (1 - c.y0)),
    Fault("logsumexp", "not normalised", "x", lambda c: c.u0 * c.lib.exp(c.at["x"])),
    Fault("logsumexp", "right at equal entries", "x", lambda c: c.u0 * c.at["x"] / c.lib.sum(c.at["x"]),
          at=_EQUAL, elsewhere={"x": abs(X)}),
    whole("cross_entropy", "sum for mean", "logits", 4),
    Fault("cross_entropy", "labels forgotten", "logits", lambda c: c.u0 * c.lib.softmax(c.at["logits"]) / 4),
    whole("cross_entropy", "sign", "logits", -1),
    Fault("layer_norm", "nothing through the variance", "x", lambda c: c.g["x"] + _through_variance(c)),
    Fault("layer_norm", "not normalised", "gain", lambda c: c.lib.sum(c.u0 * c.at["x"], 0)),
    whole("layer_norm", "mean for sum", "bias", 1 / 3),
    Fault("rms_norm", "nothing through the norm", "x",
          lambda c: c.u0 * c.at["gain"] * (c.y0 / (c.at["x"] * c.at["gain"]))),
    Fault("convolve", "kernel reversed", "kernel", lambda c: c.lib.reverse(c.g["kernel"])),
    Fault("convolve", "off by one", "x", lambda c: c.lib.roll(c.g["x"])),
    Fault("gather", "the last one wins", "table", lambda c: c.lib.like(_LAST, c.u0) @ c.u0),
    Fault("scatter_add", "off by one", "values", lambda c: c.lib.matvec(c.lib.like(_NEXT, c.u0), c.u0)),
    whole("attention", "forgotten scale", "q", 2),
    Fault("attention", "the query's gradient", "k", lambda c: c.g["q"]),
    Fault("attention", "not multiplied", "v", lambda c: c.u0),
    Fault("cumulative_sum", "not reversed", "x", lambda c: c.lib.reverse(c.g["x"])),
    Fault("cumulative_sum", "off by one", "x", lambda c: c.g["x"] - c.u0),
    Fault("polar", "second output ignored", "t", lambda c: -c.u0 * c.y0 * 0 - c.u0 * c.y[1]),
    Fault("normalise", "no projection", "x", lambda c: c.u0 * c.y0 / c.at["x"]),
    whole("add_bias", "mean for sum", "bias", 1 / 3),
    single("wide", "one of 1e4 entries 1 %", "x", 4711, 1.01),
    single("wide", "one of 1e4 entries, its sign", "x", 9999, -1),
    single("wide", "one of 1e4 entries 1e-4", "x", 0, 1 + 1e-4),
    only("wide", "wrong beyond 2", "x", lambda x: x > 2, 1.1),
    whole("cube", "factor 2", "x", 2, dtype="float32"),
    whole("cube", "relative error 1e-2", "x", 1.01, dtype="float32"),
    whole("multiply", "sign", "y", -1, dtype="float32"),
    Fault("matmul", "not transposed", "a", lambda c: c.u0 @ c.at["b"], dtype="float32"),
    Fault("softmax", "forgotten term", "x", lambda c: c.u0 * c.y0, dtype="float32"),
    whole("multiply", "factor 2", "x", 2, dtype="bfloat16"),
    whole("cube", "sign", "x", -1, dtype="bfloat16"),
    whole("cube", "relative error 1e-4", "x", 1 + 1e-4, dtype="bfloat16", note=BELOW),
    whole("multiply", "relative error 1e-9", "x", 1 + 1e-9, dtype="float32", note=BELOW),
    only("absolute", "wrong beyond 1e12", "x", lambda x: abs(x) > 1e12, 2, elsewhere={"x": X * 1e13}, note=BEYOND),
    only("absolute", "wrong at one point", "x", lambda x: x == 0.1234567890123, 2,
         elsewhere={"x": np.array([0.1234567890123, 1.0])}, note=NEVER),
]  # fmt: skip


def _through_variance(c):
    """What the right gradient of layer_norm subtracts for the variance."""
    x, lib = c.at["x"], c.lib
    centred = x - lib.sum(x, -1, True) / x.shape[-1]
    variance = lib.sum(centred**2, -1, True) / x.shape[-1] + 1e-5
    inner = c.u0 * c.at["gain"]
    return centred / variance**1.5 * lib.sum(inner * centred, -1, True) / x.shape[-1]
