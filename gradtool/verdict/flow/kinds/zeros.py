"""Where a gradient becomes exactly zero."""

from __future__ import annotations

from gradtool.verdict.flow.kinds.kind import Kind

__all__ = ["ZEROS"]

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
