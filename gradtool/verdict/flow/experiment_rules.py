"""The catalogue of what an optimizer, half precision and experiments on a model show: one row each."""

from __future__ import annotations

from gradtool.verdict.rule import Rule

__all__ = ["EXPERIMENT_RULES"]

EXPERIMENT_RULES = (
    Rule(
        "GT115", "update-too-large", "error", "One step moves the weights so far that the loss rises",
        "The size of the update beside that of the weights, by the optimizer's own rate: 1e-4 to 1e-2 is usual. "
        "Above 0.1 a few steps replace the weights, and above 1 the first one does. Where they begin far from where "
        "they belong that may be right, so one step is tried (a script's own is looked at): if the loss is higher "
        "behind it, that is a warning, above 1 an error; where no step was seen, a warning above 1. Weights that are "
        "all zero are exempt; so are optimizers whose first step is not known (Adadelta, Rprop, RAdam, LBFGS, Muon).",
        "Lower the rate, warm it up, or clip the gradient.",
    ),
    Rule(
        "GT116", "update-too-small", "warning", "One step moves weights by less than a millionth of their size",
        "At that pace a million steps change little, and float32 rounds part of every update away.",
        "Raise the rate, or use an optimizer that adapts to the gradient's size.",
    ),
    Rule(
        "GT117", "lost-updates", "warning", "Updates are smaller than the weights' dtype can hold",
        "A weight in bfloat16 has 8 bits: what is below 2^-9 of it is rounded away (2^-12 in float16), so the weight "
        "stays where it is whatever the gradient says.",
        "Keep the weights in float32 and compute in the short dtype (autocast, mixed_precision), or round "
        "stochastically.",
    ),
    Rule(
        "GT118", "half-underflow", "warning", "float16 would lose part of the gradient to zero",
        "More than 1 in 1000 of the numbers, other than 0, lie below 2^-24, the smallest that float16 can hold. Those "
        "below 2^-14 lose digits, which is told and not judged.",
        "Scale the loss by a power of two before backward (GradScaler, LossScaleOptimizer), or use bfloat16.",
    ),
    Rule(
        "GT119", "half-overflow", "warning", "float16 would overflow on the gradient",
        "The largest number is above 65504, the largest of float16, and becomes infinite.",
        "Scale the loss down by a power of two, clip, or use bfloat16.",
    ),
    Rule(
        "GT120", "not-in-optimizer", "error", "The optimizer does not hold a trainable parameter",
        "It gets a gradient and never moves: it was made, or replaced, after the optimizer. A warning as long as the "
        "optimizer holds some of the model's parameters, or nothing else.",
        "Make the optimizer last, from model.parameters(), or add a parameter group.",
    ),
    Rule(
        "GT121", "foreign-in-optimizer", "note", "The optimizer holds tensors that the model does not",
        "They belong to another model, or to one that was replaced after the optimizer was made.",
        "If they are not meant, make the optimizer from this model's parameters.",
    ),
    Rule(
        "GT124", "loss-rises", "warning", "A small step along -g raises the loss",
        "The gradient promises a decrease to first order. A rise says that it is not the gradient of this loss "
        "(a custom backward, a detached part), or that the loss jumps or draws anew at every call.",
        "Run with --verify, which tests the gradient against the loss itself.",
    ),
    Rule(
        "GT128", "accumulation-differs", "warning", "Micro-batches do not add up to the full batch",
        "The accumulated gradient differs by more than rounding: batch normalisation sees other statistics, a mean "
        "over unequal parts weighs them wrongly, or dropout draws anew.",
        "Divide each part's loss by the whole batch's count; use normalisation that does not look across samples.",
    ),
    Rule(
        "GT129", "wrong-model-gradient", "error", "The gradient is not that of the loss (--verify)",
        "The integral of the gradient along random directions differs from what the loss does along them, by more "
        "than rounding explains. A search then narrows it down to entries that differ from their own difference. A "
        "warning where the search finds no entry.",
        "Look at the backward of the custom function on the parameter's path: a wrong sign, factor or missing term.",
    ),
    Rule(
        "GT130", "not-zeroed", "error", "Gradients of earlier steps are still there when the next backward pass begins",
        "PyTorch adds to what .grad holds. Without zero_grad() every step moves along the sum of all gradients so far.",
        "Call optimizer.zero_grad() once in each step, before backward().",
    ),
    Rule(
        "GT131", "diverges", "error", "Training diverges",
        "The loss or the gradient's norm rises a thousandfold, at the end of the run or at its worst step. A norm "
        "counts where the loss has become larger too, or has fallen to minus ten times its size and beyond. A warning "
        "where the loss ends at its highest and tenfold of where it began.",
        "Lower the rate, or clip the gradient (--clip shows what that does); where the loss falls without a bound, "
        "look at its sign.",
    ),
    Rule(
        "GT132", "nan-in-training", "error", "Training reaches NaN or infinity",
        "The first pass is sound, a later one is not: usually the steps are too long, or an argument drifts to a pole.",
        "Lower the rate or clip the gradient; if the norm was calm before, guard the operation that breaks.",
    ),
    Rule(
        "GT133", "units-die-in-training", "error", "Units die while training",
        "The share of units that answer 0 to every sample rises past 80 % of a layer: long steps push biases so far "
        "down that nothing switches the units on again.",
        "Lower the rate, use a leaky activation, or widen the layer.",
    ),
    Rule(
        "GT134", "low-precision-digits", "note", "A short dtype keeps less than one digit of a gradient",
        "Beside a run in float64, the gradient has hardly a right digit: its direction is noise.",
        "Keep these layers, or the loss, in float32.",
    ),
)  # fmt: skip
