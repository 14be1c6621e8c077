"""The catalogue of what a training loop does wrong around its gradients: one row each."""

from __future__ import annotations

from gradtool.verdict.rule import Rule

__all__ = ["LOOP_RULES"]

LOOP_RULES = (
    Rule(
        "GT150", "stale-step", "warning", "The optimizer steps between a forward pass and its backward pass",
        "The gradient is taken at weights that are no longer there, and is used one step late. PyTorch raises where "
        "the backward pass needs the weights themselves, and says nothing where it does not.",
        "Keep the order: forward pass, zero_grad(), backward(), and step() behind backward().",
    ),
    Rule(
        "GT151", "undivided-mean", "warning", "Micro-batches add up, and their means are not divided by their number",
        "K means add up to K times the gradient of the mean over all their samples, so the rate is K times what it "
        "says. It is told where several backward passes of one line, on the same parameters and different data, come "
        "before one step, and each loss is a mean that nothing multiplies. A loss with reduction='sum', any factor on "
        "it, and gradients that are scaled or clipped before the step are the program's own choice, and quiet. A "
        "factor that was put into the rate cannot be seen, so this is no error; a note for optimizers that cancel the "
        "gradient's scale, as Adam does. Different losses that are meant to add up, as those of several tasks, look "
        "the same: then nothing is wrong.",
        "Divide each micro-batch's loss by their number before backward().",
    ),
    Rule(
        "GT152", "backward-twice", "error", "A loss goes backward twice before one step",
        "Gradients add up, so those of this loss count twice. With retain_graph=True nothing complains. A warning "
        "where the loss comes back as a part of another one, as in a running sum.",
        "Call backward() once for each loss, or once for their sum; detach what is only shown.",
    ),
    Rule(
        "GT153", "clipping-scaled", "error", "Gradients are clipped while they are still multiplied by the loss scale",
        "GradScaler has multiplied the loss, so the limit is that many times smaller than it says: nearly every "
        "gradient is cut down to next to nothing. A limit that the program has multiplied by the scale is right.",
        "Call scaler.unscale_(optimizer) between backward() and the clipping.",
    ),
    Rule(
        "GT154", "clipping-idle", "warning", "A call that clips gradients never changes what a step uses",
        "It stands before backward(), where there is no gradient yet, or behind step(), where they have been used, or "
        "it is given an iterator that is already at its end. Each call of the line was seen to do nothing; one with an "
        "infinite limit only measures the norm, and is quiet.",
        "Clip between backward() and step().",
    ),
    Rule(
        "GT155", "summed-target", "warning", "The gradient is asked of a loss that is no single number",
        "TensorFlow sums a tensor of losses without a word, where PyTorch raises. The gradient grows with the batch, "
        "and so does the step. A tensor with output_gradients, and a list of losses that are numbers, are quiet.",
        "Reduce the loss yourself: tf.reduce_mean, or tf.reduce_sum where the sum is meant.",
    ),
    Rule(
        "GT156", "misapplied-gradient", "error", "A variable is given the gradient of another one",
        "apply_gradients takes pairs as they come. Where the list of variables is not the one that the tape was asked "
        "with, gradients land on other variables of the same shape, and nothing complains.",
        "Ask the tape and pair with the same list of variables, in the same order.",
    ),
    Rule(
        "GT157", "rebound-variable", "error", "A tensor has taken the place of a variable",
        "w = w - rate * gradient makes a new tensor, and leaves the variable as it was. A tape watches variables by "
        "itself, and tensors only where it is told to, so from the second step on the gradient is None. Quiet where "
        "tape.watch() is told of the tensor.",
        "Keep the variable and change its value: w.assign_sub(rate * gradient).",
    ),
)  # fmt: skip
