"""How the first number that is not finite comes about, on the way forward or back."""

from __future__ import annotations

from gradtool.verdict.flow.kinds.kind import Kind

__all__ = ["BIRTHS"]

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
        "where_trap",
        "the branch that where() does not take is multiplied by 0, and 0 times infinity is NaN ({operation})",
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
