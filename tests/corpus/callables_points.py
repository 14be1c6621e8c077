"""At which inputs the operations of the corpus are tried: NumPy arrays, the same for both frameworks.

Arrays of floating-point numbers become tensors of the case's dtype, arrays of whole numbers keep their kind, and what
is no array stays what it is.
"""

import numpy as np


def drawn(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def positive(seed, *shape):
    return 0.5 + np.random.default_rng(seed).random(shape)


X = np.array([-2.1, -0.7, 0.4, 1.3, 2.6])
"""Both signs, no two of one size, nothing at 0."""
Y = np.array([1.4, -0.9, 2.2, 0.6, -1.7])

POINTS = {
    "absolute": {"x": X},
    "add_bias": {"x": drawn(1, 3, 4), "bias": drawn(2, 4)},
    "attention": {"q": drawn(3, 3, 4), "k": drawn(4, 3, 4), "v": drawn(5, 3, 4)},
    "convolve": {"x": drawn(6, 9), "kernel": drawn(7, 3)},
    "cross_entropy": {"logits": drawn(8, 4, 3), "labels": np.array([2, 0, 1, 2])},
    "cube": {"x": X},
    "cumulative_sum": {"x": X},
    "divide": {"x": X, "y": Y},
    "gather": {"table": drawn(9, 5, 3), "index": np.array([0, 2, 2, 4, 0])},
    "huber": {"x": np.array([-3.5, -0.8, 0.3, 1.6, 2.9]), "delta": 1.5},
    "hypot": {"x": X, "y": Y},
    "layer_norm": {"x": drawn(10, 3, 5), "gain": positive(11, 5), "bias": drawn(12, 5)},
    "logdet": {"A": np.array([[2.0, 0.7, -0.4], [-0.3, 1.5, 0.9], [0.6, -1.1, 2.4]])},
    "logsumexp": {"x": X},
    "matmul": {"a": drawn(13, 3, 3), "b": drawn(14, 3, 3)},
    "mean_square": {"x": X},
    "multiply": {"x": X, "y": Y},
    "normalise": {"x": X},
    "polar": {"r": positive(15, 4), "t": drawn(16, 4)},
    "power": {"x": positive(17, 5), "y": Y},
    "powers": {"x": X, "power": 3, "reduction": "mean"},
    "quadratic": {"x": drawn(18, 3), "A": drawn(19, 3, 3)},
    "relu": {"x": X},
    "rms_norm": {"x": drawn(20, 3, 5), "gain": positive(21, 5)},
    "scatter_add": {"values": drawn(22, 6), "index": np.array([0, 3, 3, 1, 4, 0])},
    "sigmoid": {"x": X},
    "softmax": {"x": drawn(23, 2, 4)},
    "softplus": {"x": X},
    "variance": {"x": drawn(24, 3, 6)},
    "wide": {"x": drawn(25, 10_000)},
}
"""Of every operation, its inputs by name."""

SYMMETRIC = np.array([[2.0, 0.5, -0.3], [0.5, 1.6, 0.8], [-0.3, 0.8, 2.2]])
OFFSET = 1e6 + np.array([[0.25, -1.5, 3.0, 0.75, -2.0, 1.25]])
"""Around a million, and exact in binary."""

TWINS = {
    "relu beside its kink": ("relu", {"x": np.array([1e-3, -1e-3, 1e-9, -1e-9, 0.7])}),
    "relu on its kink": ("relu", {"x": np.array([0.0, -0.4, 0.0, 1.2])}),
    "relu, all inactive: lawful zeros": ("relu", {"x": -np.abs(X)}),
    "absolute beside its kink": ("absolute", {"x": np.array([1e-3, -1e-3, 1e-9, -1e-9, -0.7])}),
    "absolute on its kink": ("absolute", {"x": np.array([0.0, 0.5])}),
    "huber on its seams": ("huber", {"x": np.array([-1.5, 1.5, 1.4999999, 0.0]), "delta": 1.5}),
    "cube at 1e100": ("cube", {"x": X * 1e100}),
    "cube at 1e-100": ("cube", {"x": X * 1e-100}),
    "cube at 0": ("cube", {"x": np.zeros(3)}),
    "cube, large and tiny side by side": ("cube", {"x": np.array([1e60, -1.0, 1e-60])}),
    "multiply by 0: lawful zeros": ("multiply", {"x": X, "y": np.zeros(5)}),
    "multiply 1e100 by 1e-100": ("multiply", {"x": X * 1e100, "y": Y * 1e-100}),
    "divide by 1e-30": ("divide", {"x": X, "y": Y * 1e-30}),
    "hypot at 1e100": ("hypot", {"x": X * 1e100, "y": Y * 1e100}),
    "hypot, one side 0": ("hypot", {"x": X, "y": np.zeros(5)}),
    "normalise at 1e-100": ("normalise", {"x": X * 1e-100}),
    "normalise at 1e100": ("normalise", {"x": X * 1e100}),
    "mean_square at 1e6": ("mean_square", {"x": OFFSET[0]}),
    "mean_square at 0": ("mean_square", {"x": np.zeros(4)}),
    "mean_square of one": ("mean_square", {"x": np.array([1.3])}),
    "variance around 1e6": ("variance", {"x": OFFSET}),
    "variance of equal entries": ("variance", {"x": np.full((2, 4), 0.3)}),
    "logsumexp at 1000": ("logsumexp", {"x": 1000 + X}),
    "logsumexp below -1000": ("logsumexp", {"x": -1000 + X}),
    "logsumexp of equal entries": ("logsumexp", {"x": np.full(4, 0.3)}),
    "logsumexp, one far ahead": ("logsumexp", {"x": np.array([0.0, 60.0, -60.0])}),
    "softmax saturated": ("softmax", {"x": np.array([[0.0, 50.0, -50.0, 3.0]])}),
    "softmax around 1e6": ("softmax", {"x": OFFSET}),
    "sigmoid saturated": ("sigmoid", {"x": np.array([-40.0, -15.0, 15.0])}),
    "sigmoid, lost in saturation below": ("sigmoid", {"x": np.array([-800.0, -700.0])}),
    "softplus far out": ("softplus", {"x": np.array([-700.0, -30.0, 30.0, 1000.0])}),
    "layer_norm around 1e4": ("layer_norm", {**POINTS["layer_norm"], "x": 1e4 + drawn(10, 3, 5)}),
    "layer_norm of one row": ("layer_norm", {**POINTS["layer_norm"], "x": drawn(10, 1, 5)}),
    "rms_norm at 1e50": ("rms_norm", {"x": drawn(20, 3, 5) * 1e50, "gain": positive(21, 5)}),
    "cross_entropy, sure and right": (
        "cross_entropy",
        {"logits": np.array([[8.0, 0.0, -5.0]]), "labels": np.array([0])},
    ),
    "cross_entropy, sure and wrong": (
        "cross_entropy",
        {"logits": np.array([[40.0, 0.0, -5.0]]), "labels": np.array([1])},
    ),
    "gather of one row": ("gather", {"table": drawn(9, 5, 3), "index": np.array([3])}),
    "scatter_add into one slot": ("scatter_add", {"values": drawn(22, 6), "index": np.zeros(6, int)}),
    "powers, power 1": ("powers", {"x": X, "power": 1, "reduction": "sum"}),
    "powers, power 2": ("powers", {"x": X, "power": 2, "reduction": "mean"}),
    "power, base at 1e-50": ("power", {"x": positive(17, 5) * 1e-50, "y": Y}),
    "quadratic, symmetric": ("quadratic", {"x": drawn(18, 3), "A": SYMMETRIC}),
    "logdet, symmetric": ("logdet", {"A": SYMMETRIC}),
    "matmul by 0": ("matmul", {"a": drawn(13, 3, 3), "b": np.zeros((3, 3))}),
    "cumulative_sum of one": ("cumulative_sum", {"x": np.array([0.7])}),
    "polar at angle 0": ("polar", {"r": positive(15, 4), "t": np.zeros(4)}),
}
"""Right operations at points where a hasty check accuses them: what it is, which operation, at which inputs."""

HALVES = {
    "float32": ("cube", "sigmoid", "multiply", "matmul", "softmax", "logsumexp", "layer_norm", "cross_entropy",
                "attention", "convolve", "relu", "variance"),
    "bfloat16": ("cube", "multiply", "relu", "add_bias", "matmul", "cumulative_sum"),
}  # fmt: skip
"""Right operations at their ordinary inputs in a coarser dtype."""
