"""What to do about the exceptions of automatic differentiation itself, whose texts name no remedy, or the wrong one."""

from __future__ import annotations

__all__ = ["advice"]

CARRIED = (
    "detach what one iteration hands to the next (h = h.detach(), each part of a tuple), or compute it anew; "
    "retain_graph=True only where two losses share a graph"
)
IN_PLACE = (
    "write x = x + y instead of x += y, leave out inplace=True, and step an optimizer only behind every backward pass "
    "that uses its weights; torch.autograd.set_detect_anomaly(True) names the operation"
)
CUT = "take detach, no_grad, item, numpy and argmax out of the way to the loss, and freeze not everything"
SCALAR = "make the loss one number: .mean() or .sum()"
UNUSED = "leave out what the loss does not depend on, or pass allow_unused=True"
OUTSIDE = "compute the loss inside the with block of tf.GradientTape, from outputs that are computed there too"

_ADVICE = (
    ("Trying to backward through the graph a second time", CARRIED),
    ("modified by an inplace operation", IN_PLACE),
    ("leaf Variable that requires grad", IN_PLACE),
    ("does not require grad and does not have a grad_fn", CUT),
    ("grad can be implicitly created only for scalar outputs", SCALAR),
    ("appears to not have been used in the graph", UNUSED),
    ("No gradients provided for any variable", OUTSIDE),
)
"""By a part of the text: PyTorch's engine, then Keras' optimizers."""


def advice(error: BaseException) -> str:
    """What to do about it; empty where the exception is the program's own business."""
    text = str(error)
    return next((told for part, told in _ADVICE if part in text), "")
