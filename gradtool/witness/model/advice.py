"""What to do about the exceptions of automatic differentiation itself, whose texts name no remedy, or the wrong one."""

from __future__ import annotations

__all__ = ["advice"]

CARRIED = (
    "detach what one iteration hands to the next (h = h.detach(), each part of a tuple; total += loss.detach()), or "
    "compute it anew; retain_graph=True only where two losses share a graph"
)
IN_PLACE = (
    "write x = x + y instead of x += y, leave out inplace=True, and step an optimizer only behind every backward pass "
    "that uses its weights"
)
LEAF = "change weights by hand inside with torch.no_grad(): alone, and write x = x + y for what is computed from them"
CUT = "take detach, no_grad, item, numpy and argmax out of the way to the loss, and freeze not everything"
SCALAR = "make the loss one number: .mean() or .sum()"
UNUSED = "leave out what the loss does not depend on, or pass allow_unused=True"
NUMBER = "let the loss be a tensor until it goes backward: float(), .item() and .numpy() are for what is only shown"
NUMPY = "x.detach().numpy() for what is only shown; on the way to the loss nothing but PyTorch's own functions"
INTEGER = "let it be of floating point (torch.tensor([1.0, 2.0]), .float()): there is no derivative by an integer"
NO_LEAF = (
    "make the parameter from what was computed, moved or cast, and nothing from the parameter: "
    "w = nn.Parameter(0.1 * torch.randn(4, device=...))"
)
EMPTY = "keep layers in nn.ModuleList, not in a plain list, and call model.parameters() anew: it can be read only once"
INFERENCE = "compute it under torch.no_grad() instead of inference_mode(), or under neither where it should learn"
ONE_EACH = "return one gradient for each argument of forward() from backward(), and None for those that need none"
ITS_SHAPE = "return gradients of their arguments' shapes from backward(): sum over the axes that forward() broadcasts"
UNSCALED = "call scaler.unscale_(optimizer) once in each step, and scaler.update() at its end"
UNSCALED_LOSS = "send the loss through the scaler, scaler.scale(loss).backward(), and step an optimizer that it reaches"
NO_RULE = "use operations that have a derivative, or give this one a backward of its own"
OUTSIDE = "compute the loss inside the with block of tf.GradientTape, from outputs that are computed there too"
TAPE = (
    "compute the loss inside with tf.GradientTape() as tape:, and ask the tape once, for all variables together; "
    "to ask again, make it GradientTape(persistent=True)"
)
NOT_WATCHED = (
    "a tape gives None for a tensor that it does not watch: call tape.watch(x) inside its with block, before x is "
    "used; it gives None, too, for what its target is not computed from"
)
NO_BACKWARD = "TensorFlow has no backward(): compute the loss inside with tf.GradientTape() as tape:, and ask the tape"
NO_MINIMIZE = "Keras 3 has no minimize(): ask a tape for the gradients, and give them to optimizer.apply_gradients()"
PAIRS = "give apply_gradients pairs of gradient and variable, in this order: zip(gradients, variables)"
NO_PAIRS = "it was given no gradient, for every one was None and was left out: find out why they are None"
ITS_OWN = "make an optimizer for each model, behind the model: this one was built with other variables"

_ADVICE = (
    ("Trying to backward through the graph a second time", CARRIED),
    ("modified by an inplace operation", IN_PLACE),
    ("leaf Variable that requires grad", LEAF),
    ("does not require grad and does not have a grad_fn", CUT),
    ("grad can be implicitly created only for scalar outputs", SCALAR),
    ("appears to not have been used in the graph", UNUSED),
    ("EagerTensor' object has no attribute 'backward'", NO_BACKWARD),
    ("object has no attribute 'backward'", NUMBER),
    ("Can't call numpy() on Tensor that requires grad", NUMPY),
    ("floating point and complex dtype can require gradients", INTEGER),
    ("can't optimize a non-leaf Tensor", NO_LEAF),
    ("optimizer got an empty parameter list", EMPTY),
    ("Inference tensors cannot be saved for backward", INFERENCE),
    ("returned an incorrect number of gradients", ONE_EACH),
    ("returned an invalid gradient at index", ITS_SHAPE),
    ("unscale_() has already been called", UNSCALED),
    ("Attempted step but _scale is None", UNSCALED_LOSS),
    ("No inf checks were recorded for this optimizer", UNSCALED_LOSS),
    ("the derivative for '", NO_RULE),
    ("gradient registry has no entry for", NO_RULE),
    ("No gradient defined for operation", NO_RULE),
    ("No gradients provided for any variable", OUTSIDE),
    ("Attempt to convert a value (None)", NOT_WATCHED),
    ("A non-persistent GradientTape can only be used", TAPE),
    ("EagerTensor' object has no attribute '_unique_id'", PAIRS),
    ("numpy.float32' object has no attribute '_id'", NUMBER),
    ("numpy.ndarray' object has no attribute '_id'", NUMBER),
    ("Cannot convert the argument `type_value`", NUMBER),
    ("Unknown variable: <Variable", ITS_OWN),
    ("optimizer cannot recognize variable", ITS_OWN),
    ("object has no attribute 'minimize'", NO_MINIMIZE),
)
"""By a part of the text: PyTorch's, then TensorFlow's and Keras'."""
_ADVICE_IN = {("apply_gradients", "not enough values to unpack"): NO_PAIRS}
"""By the function that raised and a part of the text, where that alone might be anyone's."""


def advice(error: BaseException) -> str:
    """What to do about it; empty where the exception is the program's own business."""
    text, function = str(error), _raised_in(error)
    own = (told for (name, part), told in _ADVICE_IN.items() if name == function and part in text)
    return next(own, "") or next((told for part, told in _ADVICE if part in text), "")


def _raised_in(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else trace.tb_frame.f_code.co_name
