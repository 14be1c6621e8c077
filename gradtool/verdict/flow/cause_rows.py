"""THE catalogue of the causes of gradients that are None, zero or not finite: one row for each kind.

A kind is a word of ``evidence.Cause``. ``told`` says in a clause what happened, behind "got no gradient:", "is exactly
0:" or "is nan:"; ``torch`` and ``tensorflow`` say what to do. In each ``{operation}`` is the operation's name and
``{epsilon}`` the smallest round number that still counts beside 1 in the dtype of its operands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["BIRTHS", "CUTS", "EPSILONS", "ZEROS", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One row. An empty ``tensorflow`` is the remedy of ``torch``."""

    kind: str
    told: str
    torch: str
    tensorflow: str = ""


EPSILONS: Mapping[str, str] = MappingProxyType(
    {"float64": "1e-15", "float32": "1e-7", "float16": "1e-3", "bfloat16": "1e-2"}
)
"""A number that neither 1 + e nor 1 - e rounds away: more than half a unit in the last place of 1."""

_ON_PURPOSE = "where the cut is meant, freeze what lies before it"

CUTS = (
    Kind(
        "frozen", "it is frozen, so no gradient is asked for",
        "If it should learn, set requires_grad to True before the forward pass and before the optimizer is made.",
        "If it should learn, set trainable to True before the model is compiled and before the tape.",
    ),
    Kind(
        "unused", "the forward pass never uses it",
        "Use it in the forward pass, remove it, or freeze it on purpose.",
    ),
    Kind(
        "dead_branch", "what is computed from it here never reaches the loss",
        "Let the result of this line take part in the output or in the loss (returned, added, not overwritten), or "
        "remove it.",
    ),
    Kind(
        "detach", "{operation} hands on the numbers without their history",
        f"Take .detach() out of this line; {_ON_PURPOSE} with requires_grad_(False).",
    ),
    Kind(
        "no_grad", "it is computed under no_grad, where no history is kept",
        "Move this line out of the no_grad block (or take the decorator off), or open torch.enable_grad() around it.",
    ),
    Kind(
        "inference_mode", "it is computed in inference mode, where no history is kept",
        "Move this line out of the inference_mode block; enable_grad inside of it does not bring the history back.",
    ),
    Kind(
        "grad_disabled", "gradients are switched off here by set_grad_enabled(False)",
        "Call torch.set_grad_enabled(True) before this line, or use `with torch.no_grad():`, which ends by itself.",
    ),
    Kind(
        "reentrant", "{operation} with use_reentrant=True keeps no history where no input of it requires a gradient",
        "Call it with use_reentrant=False, which needs no such input.",
        "Compute it while gradients are on.",
    ),
    Kind(
        "draw", "{operation} draws numbers at random, which keep no history",
        "Draw with rsample(), which passes the gradient on (F.gumbel_softmax for a Categorical), or train through "
        "log_prob(sample) times the reward.",
        "Draw as mean + deviation * tf.random.normal(shape), or train through log_prob(sample) times the reward.",
    ),
    Kind(
        "data", ".data hands on the numbers without their history",
        f"Use the tensor itself instead of its .data; {_ON_PURPOSE}.",
    ),
    Kind(
        "item", "{operation} makes a plain number of the tensor",
        "Keep the tensor: a loss is summed as `total = total + loss`, and .item() is for printing only.",
        "Keep the tensor: sum losses with + or tf.add_n, and use .numpy().item() for printing only.",
    ),
    Kind(
        "numpy", "the numbers leave as a NumPy array",
        "Compute this line with torch functions: those of NumPy have a twin of the same name (np.exp: torch.exp).",
        "Compute this line with tf functions: those of NumPy have a twin in tf.math or tf.experimental.numpy.",
    ),
    Kind(
        "tolist", "the numbers leave as a Python list",
        "Keep the tensor: index and stack it (torch.stack, x[i]) instead of going through a list of numbers.",
        "Keep the tensor: index and stack it (tf.stack, x[i]) instead of going through a list of numbers.",
    ),
    Kind(
        "float", "{operation} makes a plain Python number of the tensor",
        "Keep the tensor: torch functions (torch.exp, torch.sqrt) take it where the math module wants a number; of a "
        "condition use torch.where.",
        "Keep the tensor: tf functions (tf.exp, tf.sqrt) take it where the math module wants a number; of a condition "
        "use tf.where.",
    ),
    Kind(
        "integer", "{operation} casts it to integers, which have no derivative",
        "Keep the floating-point dtype here, and cast only what is an index or a label.",
    ),
    Kind(
        "comparison", "{operation} answers true or false, which has no derivative",
        "Use a smooth stand-in for the step, such as torch.sigmoid(k * (x - threshold)), or a loss on x itself.",
        "Use a smooth stand-in for the step, such as tf.sigmoid(k * (x - threshold)), or a loss on x itself.",
    ),
    Kind(
        "argmax", "{operation} answers positions, which have no derivative",
        "Use softmax (weights instead of a position; F.gumbel_softmax(hard=True) where it must be one), or give the "
        "logits to F.cross_entropy.",
        "Use tf.nn.softmax (weights instead of a position), or give the logits to a cross-entropy with "
        "from_logits=True.",
    ),
    Kind(
        "new_tensor", "a new tensor is made here from the numbers, without their history",
        "Join tensors with torch.stack or torch.cat instead of torch.tensor; a tensor needs no torch.tensor() around "
        "it, and .to() changes dtype and device.",
        "Join tensors with tf.stack or tf.concat instead of tf.constant; a tensor needs no tf.constant() around it, "
        "and tf.cast changes its dtype.",
    ),
    Kind(
        "left", "the numbers leave the framework here through {operation}",
        "Do this with torch functions, or wrap it in a torch.autograd.Function with a backward of its own.",
        "Do this with tf functions, or wrap it in tf.custom_gradient with a gradient of its own.",
    ),
    Kind(
        "nondifferentiable", "{operation} has no derivative",
        "Use an operation with a derivative, a smooth stand-in, or a torch.autograd.Function with a backward of its "
        "own.",
        "Use an operation with a derivative, a smooth stand-in, or tf.custom_gradient.",
    ),
    Kind(
        "not_in_optimizer", "the optimizer does not hold it",
        "Give it to the optimizer: model.parameters() holds what is registered in the model.",
        "Give it to apply_gradients: model.trainable_variables holds what is tracked by the model.",
    ),
    Kind(
        "outside_tape", "it is computed outside the tape, which records nothing there",
        "Compute it while gradients are on.",
        "Move this line into the `with tf.GradientTape() as tape:` block, with everything from the variables to the "
        "loss.",
    ),
    Kind(
        "not_watched", "the tape does not watch it: it is a constant, or no trainable variable",
        "Set requires_grad to True before the forward pass.",
        "Call tape.watch(x) at the start of the block, or make it a tf.Variable with trainable=True.",
    ),
    Kind(
        "stop_gradient", "{operation} passes no gradient on",
        "Take it out of this line.",
        f"Take tf.stop_gradient out of this line; {_ON_PURPOSE} with trainable=False.",
    ),
    Kind(
        "assigned", "it is assigned to a variable, which keeps the numbers and forgets where they come from",
        "Use the tensor itself behind this line; what is written into a buffer keeps no history.",
        "Use the tensor itself behind this line, and assign to the variable only what the next call needs.",
    ),
    Kind(
        "recreated", "the variable is made anew here, so it is another one than the model holds",
        "Change its numbers in place under no_grad (p.copy_(new)) instead of making a new one.",
        "Change its numbers with assign() instead of making a new variable; make variables once, in __init__ or build.",
    ),
)  # fmt: skip
"""Why there is no gradient at all, and what cuts a path of one that is there."""

ZEROS = (
    Kind(
        "softmax_of_one", "a softmax over an axis of length 1 answers 1, whatever its input",
        "Use a sigmoid (or F.binary_cross_entropy_with_logits) for one output, or as many outputs as there are "
        "classes; of a softmax over the wrong axis correct dim=.",
        "Use a sigmoid (or a binary loss with from_logits=True) for one output, or as many outputs as there are "
        "classes; of a softmax over the wrong axis correct axis=.",
    ),
    Kind(
        "norm_of_one", "{operation} normalises a single number, which leaves 0 of it, whatever it is",
        "Normalise over more: a batch of at least 2 for nn.BatchNorm, more than one number for nn.LayerNorm and more "
        "than one to a group for nn.GroupNorm.",
        "Normalise over more: a batch of at least 2 for BatchNormalization, more than one number for "
        "LayerNormalization and more than one to a group for GroupNormalization.",
    ),
    Kind(
        "dead_relu", "{operation} is off for every number, and passes nothing back",
        "Start biases at 0 and weights by He's rule (nn.init.kaiming_normal_), lower the rate, or use F.leaky_relu.",
        "Start biases at 0 and weights by He's rule (kernel_initializer='he_normal'), lower the rate, or use "
        "tf.nn.leaky_relu.",
    ),
    Kind(
        "clamp", "every number lies at or beyond the limits of {operation}, where it is flat",
        "Widen the limits or normalise what comes in; of probabilities work with logits, and a bound on an output is "
        "smooth as a sigmoid or tanh.",
    ),
    Kind(
        "saturated", "{operation} is so far into its flat part that its slope rounds to 0",
        "Make what comes in smaller: inputs of mean 0 and deviation 1, smaller weights, a normalisation before it; "
        "or give logits to F.binary_cross_entropy_with_logits or F.cross_entropy.",
        "Make what comes in smaller: inputs of mean 0 and deviation 1, smaller weights, a normalisation before it; "
        "or give logits to a loss with from_logits=True.",
    ),
    Kind(
        "zero_factor", "it is multiplied by a factor that is 0 everywhere",
        "Make the factor different from 0: a scale or weight that starts at 0 beside others that do blocks both, and "
        "inputs that are all 0 teach nothing.",
    ),
    Kind(
        "mask", "the mask of {operation} lets nothing through",
        "Look at how the mask is made (inverted? of the wrong axis or dtype?): at least one entry must be let through.",
    ),
    Kind(
        "underflow", "the products of {operation} are below the smallest number of their dtype",
        "Scale the loss up (torch.amp.GradScaler for float16), use bfloat16 or float32 here, or keep the gradient from "
        "vanishing on its way.",
        "Scale the loss up (a LossScaleOptimizer for float16), use mixed_bfloat16 or float32 here, or keep the "
        "gradient from vanishing on its way.",
    ),
    Kind(
        "rounding", "{operation} is flat between its steps",
        "Pass the gradient straight through: x + (x.round() - x).detach(), or keep the number unrounded in training.",
        "Pass the gradient straight through: x + tf.stop_gradient(tf.round(x) - x), or keep the number unrounded in "
        "training.",
    ),
    Kind(
        "selection", "{operation} takes every number from elsewhere",
        "Look at the condition or the index: nothing that comes from here is ever chosen. A soft maximum "
        "(torch.logsumexp) lets every argument take part.",
        "Look at the condition or the index: nothing that comes from here is ever chosen. A soft maximum "
        "(tf.reduce_logsumexp) lets every argument take part.",
    ),
    Kind(
        "other", "a gradient reaches {operation}, and all that leaves it is 0",
        "Look at what this operation is given: its slope is 0 there, or what it multiplies.",
    ),
)  # fmt: skip
"""Where a gradient becomes exactly zero."""

_INSIDE = "the branch that where() does not take is multiplied by 0, and 0 times infinity is NaN"

BIRTHS = (
    Kind(
        "log_of_zero", "{operation} takes a logarithm of 0, which is -inf with an infinite slope",
        "Use the stable form: log(softmax(x)) is F.log_softmax(x, dim), log(sigmoid(x)) is F.logsigmoid(x), and "
        "F.cross_entropy and F.binary_cross_entropy_with_logits take logits; x*log(x) is torch.xlogy(x, x); elsewhere "
        "torch.log(x.clamp_min({epsilon})).",
        "Use the stable form: log(softmax(x)) is tf.nn.log_softmax(x), log(sigmoid(x)) is tf.math.log_sigmoid(x), and "
        "losses take logits with from_logits=True; x*log(x) is tf.math.xlogy(x, x); elsewhere "
        "tf.math.log(tf.maximum(x, {epsilon})).",
    ),
    Kind(
        "log_of_negative", "{operation} takes a logarithm of a negative number",
        "Make the argument positive where it is computed: F.softplus(x) or torch.exp(x) instead of x; a difference of "
        "probabilities needs clamp_min({epsilon}).",
        "Make the argument positive where it is computed: tf.nn.softplus(x) or tf.exp(x) instead of x; a difference "
        "of probabilities needs tf.maximum(x, {epsilon}).",
    ),
    Kind(
        "zero_over_zero", "{operation} divides 0 by 0",
        "Guard the denominator before dividing: x / y.clamp_min({epsilon}), or x / torch.where(y == 0, 1, y) where 0 "
        "is right.",
        "Guard the denominator before dividing: x / tf.maximum(y, {epsilon}), or tf.math.divide_no_nan(x, y) where 0 "
        "is right.",
    ),
    Kind(
        "division_by_zero", "{operation} divides by 0",
        "Keep the denominator away from 0: y + {epsilon} or y.clamp_min({epsilon}); of a mean over a mask divide by "
        "mask.sum().clamp_min(1).",
        "Keep the denominator away from 0: y + {epsilon}, tf.maximum(y, {epsilon}) or tf.math.divide_no_nan(x, y).",
    ),
    Kind(
        "sqrt_of_zero", "{operation} takes a root at 0, where its slope is infinite",
        "Add an epsilon inside the root: torch.sqrt(x + {epsilon}); behind the root it does not help.",
        "Add an epsilon inside the root: tf.sqrt(x + {epsilon}); behind the root it does not help.",
    ),
    Kind(
        "power_of_zero", "{operation} takes a power of 0 whose value or slope is infinite",
        "Keep the base away from 0: (x + {epsilon}) ** p; for p below 1 the slope at 0 is infinite.",
    ),
    Kind(
        "power_of_negative", "{operation} takes a power with a fraction of a negative number",
        "Take the power of what is never negative: x.abs() ** p, x.clamp_min({epsilon}) ** p, or x.square() for a "
        "power of 2 that was computed.",
        "Take the power of what is never negative: tf.abs(x) ** p, tf.maximum(x, {epsilon}) ** p, or tf.square(x) for "
        "a power of 2 that was computed.",
    ),
    Kind(
        "edge_of_domain", "{operation} is taken at the end of its domain, where its slope is infinite, or beyond",
        "Keep the argument inside: x.clamp(-1 + {epsilon}, 1 - {epsilon}) for acos, asin and atanh; an angle has a "
        "finite slope everywhere as torch.atan2(sine, cosine).",
        "Keep the argument inside: tf.clip_by_value(x, -1 + {epsilon}, 1 - {epsilon}) for acos, asin and atanh; an "
        "angle has a finite slope everywhere as tf.atan2(sine, cosine).",
    ),
    Kind(
        "sqrt_of_negative", "{operation} takes a root of a negative number",
        "Clamp what is under the root: torch.sqrt(x.clamp_min({epsilon})); a variance as mean(x*x) - mean(x)**2 goes "
        "below 0 by rounding: use torch.var.",
        "Clamp what is under the root: tf.sqrt(tf.maximum(x, {epsilon})); a variance as mean(x*x) - mean(x)**2 goes "
        "below 0 by rounding: use tf.math.reduce_variance.",
    ),
    Kind(
        "exp_overflow", "{operation} overflows: its argument is too large for an exponential",
        "Use the stable form, which subtracts the maximum: torch.softmax, torch.logsumexp, F.log_softmax, F.softplus; "
        "elsewhere clamp the argument.",
        "Use the stable form, which subtracts the maximum: tf.nn.softmax, tf.reduce_logsumexp, tf.nn.log_softmax, "
        "tf.nn.softplus; elsewhere clamp the argument.",
    ),
    Kind(
        "norm_of_zero", "{operation} takes the norm of a vector of zeros, where it has no slope: 0/0",
        "Add an epsilon inside the root: torch.sqrt((x*x).sum(-1) + {epsilon}); to normalise use F.normalize(x, dim).",
        "Add an epsilon inside the root: tf.sqrt(tf.reduce_sum(x*x, -1) + {epsilon}); to normalise use "
        "tf.math.l2_normalize(x, axis).",
    ),
    Kind(
        "where_trap", f"{_INSIDE} ({{operation}})",
        "Put where on the input: safe = torch.where(ok, x, 1), then torch.where(ok, f(safe), other).",
        "Put where on the input: safe = tf.where(ok, x, 1), then tf.where(ok, f(safe), other).",
    ),
    Kind(
        "masked_row", "{operation} runs over a row of nothing but -inf: there is nothing left to choose from",
        "Leave at least one entry of each row unmasked (a padded query may see itself), or mask with a large finite "
        "number, such as torch.finfo(x.dtype).min, and drop the row behind it.",
        "Leave at least one entry of each row unmasked (a padded query may see itself), or mask with a large finite "
        "number, such as x.dtype.min, and drop the row behind it.",
    ),
    Kind(
        "zero_times_inf", "{operation} multiplies 0 by an infinity",
        "Do not mask by multiplying: torch.where(mask, x, 0), or masked_fill before what makes the infinity; x*log(y) "
        "is torch.xlogy(x, y), and a cross-entropy is F.cross_entropy or F.binary_cross_entropy_with_logits.",
        "Do not mask by multiplying: tf.where(mask, x, 0) before what makes the infinity, or "
        "tf.math.multiply_no_nan; x*log(y) is tf.math.xlogy(x, y), and a cross-entropy takes from_logits=True.",
    ),
    Kind(
        "zero_std", "{operation} divides by, or differentiates, a standard deviation of 0",
        "Add an epsilon inside the root: (x - mean) / torch.sqrt(var + {epsilon}), as nn.LayerNorm and nn.BatchNorm "
        "do; of a single number torch.std is NaN unless correction=0.",
        "Add an epsilon inside the root: (x - mean) / tf.sqrt(variance + {epsilon}), as LayerNormalization and "
        "BatchNormalization do.",
    ),
    Kind(
        "half_overflow", "{operation} exceeds the range of its half precision (65504 in float16)",
        "Compute this line in float32 (torch.autocast(device, enabled=False), x.float()), use bfloat16, whose range is "
        "that of float32, or scale down; a GradScaler meets overflows of the gradient.",
        "Compute this line in float32 (tf.cast(x, tf.float32), dtype='float32' of the layer), use mixed_bfloat16, "
        "whose range is that of float32, or scale down; a LossScaleOptimizer meets overflows of the gradient.",
    ),
    Kind(
        "tiny_epsilon", "{operation} meets 0, for the epsilon that should prevent it is rounded away beside 1",
        "Use at least {epsilon} with this dtype, or better a form that needs none: logits with "
        "F.binary_cross_entropy_with_logits, torch.log1p(-p) instead of log(1 - p).",
        "Use at least {epsilon} with this dtype, or better a form that needs none: logits with from_logits=True, "
        "tf.math.log1p(-p) instead of log(1 - p).",
    ),
    Kind(
        "no_alignment", "{operation} has a target that no path through so few steps can spell",
        "Make each input at least as long as its target with a blank between equal neighbours, or leave such samples "
        "out: nn.CTCLoss(zero_infinity=True).",
        "Make each input at least as long as its target with a blank between equal neighbours, or leave such samples "
        "out of the mean.",
    ),
    Kind(
        "overflow", "{operation} exceeds the range of its dtype",
        "Make its arguments smaller: normalise, scale the weights down, work with logarithms; or lower the rate.",
    ),
    Kind(
        "given", "what {operation} is given from outside is not finite",
        "Mend the data: look for missing values and divisions by a deviation of 0 where it is prepared, and test it "
        "with torch.isfinite(x).all().",
        "Mend the data: look for missing values and divisions by a deviation of 0 where it is prepared, and test it "
        "with tf.debugging.assert_all_finite.",
    ),
    Kind(
        "weights", "a parameter that {operation} uses is not finite itself",
        "Look at how the parameter is set or loaded; after training steps, at the step before: lower the rate, or clip "
        "gradients.",
    ),
    Kind(
        "other", "{operation} makes it of finite numbers",
        "Look at what this operation is given: keep it away from where the operation has no value or no slope.",
    ),
)  # fmt: skip
"""How the first number that is not finite comes about, on the way forward or back."""
