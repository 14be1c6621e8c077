"""The catalogue of what one forward and one backward pass of a model show: one row each."""

from __future__ import annotations

from gradtool.verdict.rule import Rule

__all__ = ["FLOW_RULES"]

FLOW_RULES = (
    Rule(
        "GT101", "nan-gradient", "error", "A gradient holds NaN",
        "One NaN spreads to every weight at the next step, and no later step repairs it. It is born where 0 meets an "
        "infinity: 0/0, log of 0 times 0, the square root at 0, the branch that where() did not take.",
        "Guard the argument of the operation itself (an epsilon, a clamp, where() on the input), or use its stable "
        "form, such as a loss that takes logits.",
    ),
    Rule(
        "GT102", "infinite-gradient", "error", "A gradient holds infinities",
        "A number on the way back overflowed, or a derivative is infinite at a point (a root or a logarithm at 0). "
        "The next step makes the weights infinite, and then NaN.",
        "Find the operation that overflows: keep its argument away from the pole, or scale it down.",
    ),
    Rule(
        "GT103", "vanishing-gradient", "error", "The gradient shrinks a thousandfold on its way to the first layers",
        "The strongest path is compared, as the norm of the gradient at the layers' outputs, so a branch that is "
        "scaled down on purpose does not count, and no scale of the loss changes the figure. More than 3 decades is "
        "an error, more than 2 a warning: the first layers learn that much slower than the last. Frozen layers before "
        "the first that learns do not count.",
        "Initialise for the activation (He for ReLU, Xavier for tanh), and add normalisation or skip connections.",
    ),
    Rule(
        "GT104", "exploding-gradient", "error", "The gradient grows a thousandfold on its way to the first layers",
        "The strongest path is compared, as the norm of the gradient at the layers' outputs. A step that suits the "
        "last layers throws the first ones far away, and the loss turns to NaN.",
        "Scale the initial weights down to the activation's gain, add normalisation; clipping treats the symptom.",
    ),
    Rule(
        "GT105", "zero-gradient", "error", "A parameter's gradient is exactly zero in every entry",
        "Zero is not small: something on the way multiplies by 0 or does not depend on the parameter at all. A note "
        "where it is lawful: its partner factor is 0 and moves first (LoRA, a branch that starts at zero), or what "
        "follows cancels it (a bias before a normalisation).",
        "Look between the parameter and the first layer whose gradient is not zero: a dead activation, a clamp, "
        "rounding, a comparison, a softmax over one number.",
    ),
    Rule(
        "GT106", "missing-gradient", "error", "A trainable parameter gets no gradient at all",
        "The framework returned None: the loss does not depend on the parameter, or the path was cut by detach, "
        "no_grad, stop_gradient, a conversion to numbers or an operation without a derivative. An optimizer skips the "
        "parameter silently.",
        "Use the layer or remove it; take the detach, no_grad, stop_gradient or argmax out of its path; or freeze it "
        "on purpose.",
    ),
    Rule(
        "GT107", "frozen", "note", "Parameters are frozen",
        "They ask for no gradient and will not learn, which is right for a pretrained trunk and a mistake elsewhere. "
        "An error where nothing at all can learn.",
        "If they should learn, set requires_grad (PyTorch) or trainable (Keras) to True before the optimizer is made.",
    ),
    Rule(
        "GT108", "dead-units", "error", "Units answer 0 to every sample",
        "A rectifier that is off for the whole batch passes no gradient, so its unit cannot recover. More than 80 % of "
        "a layer is an error, more than chance explains (half of them, and 1.5 over the root of their number) a "
        "warning; on fewer than 8 samples a note.",
        "Start biases at 0 and weights by He's rule, lower the rate, or use a leaky activation.",
    ),
    Rule(
        "GT109", "saturated-units", "warning", "Most outputs lie where the activation is flat",
        "Beyond |tanh| of 0.98, or a sigmoid outside 0.01 to 0.99, the slope is below 0.04 and 0.01: what comes "
        "before learns that much slower.",
        "Scale the inputs to mean 0 and deviation 1, start with smaller weights, or normalise before the activation.",
    ),
    Rule(
        "GT110", "output-range", "error", "The output cannot reach the targets",
        "The last activation is bounded, and targets lie beyond its range: the loss has a floor that no training "
        "lowers, and the units saturate on the way there.",
        "Drop the last activation, or scale the targets into its range.",
    ),
    Rule(
        "GT111", "softmax-of-one", "error", "A softmax runs over an axis of length 1",
        "The softmax of a single number is always 1: the output is a constant, and no gradient passes.",
        "Use a sigmoid (or logits and a binary loss) for one output, or as many outputs as there are classes; of a "
        "softmax over the wrong axis, as in attention, correct the axis.",
    ),
    Rule(
        "GT112", "loss-head-mismatch", "warning", "The loss expects another kind of output",
        "A loss on logits applies its own softmax or sigmoid: given probabilities it flattens them twice, and the "
        "gradient stays weak. A loss on probabilities takes logarithms: given raw numbers it clips or breaks.",
        "Give the loss what it expects: drop the last activation, or tell the loss that it gets probabilities.",
    ),
    Rule(
        "GT113", "forward-growth", "warning", "Activations grow ten thousandfold through the model",
        "The forward pass multiplies at every layer, so the output, the loss and then the gradient overflow.",
        "Scale the weights to the activation's gain, normalise between layers, or scale residual branches down.",
    ),
    Rule(
        "GT114", "nonfinite-loss", "error", "The loss is not a finite number",
        "Its gradient means nothing, and every figure below follows from that.",
        "Follow the first output that is not finite; if all are, the loss itself takes a logarithm or a quotient at 0.",
    ),
    Rule(
        "GT122", "batchnorm-of-one", "warning", "Batch normalisation is trained on a batch of one",
        "The statistics of a single sample say little or nothing: without further axes its output is the same for "
        "every input, and no gradient passes.",
        "Use a larger batch, or layer or group normalisation.",
    ),
    Rule(
        "GT123", "eval-mode", "warning", "The model is in evaluation mode",
        "Dropout is off and batch normalisation uses its stored statistics, so the gradient is not the one that "
        "training would see. A note where no training was watched.",
        "Call model.train() (PyTorch), or training=True (Keras), before the forward pass.",
    ),
    Rule(
        "GT125", "initialisation", "note", "Weights lie far outside the Xavier and He range, or are all alike",
        "The root mean square of a matrix, times the square root of the numbers that one output sums over, is 1 by "
        "LeCun, 1.41 by He and 0.58 by PyTorch's default: below 0.03 signals fade, above 5 they grow with every layer. "
        "Units whose weights are all the same learn the same.",
        "Initialise for the activation: He (kaiming) for ReLU and its kin, Xavier (glorot) for tanh and sigmoid.",
    ),
    Rule(
        "GT126", "gradient-hooks", "note", "Hooks of the program may change gradients",
        "What the optimizer gets is what the hooks leave, not the derivative of the loss.",
        "If that is not meant, remove the hooks.",
    ),
    Rule(
        "GT127", "opposed-terms", "note", "Terms of the loss pull apart, or one drowns the others",
        "A term whose gradient points against the whole gets worse while the sum gets better; one that is a hundred "
        "times smaller than another is hardly trained at all.",
        "Weigh the terms so that their gradients are of like size, and ask whether the opposed one is meant.",
    ),
    Rule(
        "GT135", "shapes-broadcast", "warning", "Output and targets differ in shape, and the loss broadcasts",
        "An element-wise loss on shapes (N, 1) and (N) compares every output with every target, and pulls all outputs "
        "to the mean of the targets.",
        "Give both the same shape: squeeze the output, or add an axis to the targets.",
    ),
    Rule(
        "GT136", "softmax-axis", "error", "A softmax runs over another axis than that of the classes",
        "The classes of a sample compete only where the softmax runs over them. Over the batch the samples do, and the "
        "loss falls without the model learning to tell classes apart. It is seen by the numbers that the loss is "
        "given: they sum to 1 along another axis.",
        "Let the softmax run over the axis of the classes: dim=1 in PyTorch, axis=-1 in Keras.",
    ),
    Rule(
        "GT137", "unregistered", "error", "Layers or parameters are kept in a plain list or dict of a module",
        "PyTorch registers what is an attribute of a module, not what lies in a list: model.parameters() leaves it "
        "out, so the optimizer never moves it, and it is neither saved nor moved to a device. A warning where the "
        "optimizer was given it all the same.",
        "Keep layers in nn.ModuleList or nn.ModuleDict, parameters in nn.ParameterList or nn.ParameterDict.",
    ),
    Rule(
        "GT140", "small-gradient", "warning", "A gradient's norm is below 1e-6 (tutorial threshold, --absolute)",
        "Tutorials call this vanishing. The figure scales with the loss, so it says little by itself.",
        "Compare it with the gradients of the other layers: GT103 does.",
    ),
    Rule(
        "GT141", "large-gradient", "warning", "A gradient's norm is above 10 (tutorial threshold, --absolute)",
        "Tutorials call this exploding. The figure scales with the loss, so it says little by itself.",
        "Compare it with the gradients of the other layers: GT104 does.",
    ),
    Rule(
        "GT145", "cleared-gradients", "error", "An optimizer steps on gradients that were cleared",
        "zero_grad() stands between backward() and step(): the gradients are gone before they are used, and nothing is "
        "ever learnt, whatever the loss.",
        "Call zero_grad() before backward(), and nothing that clears gradients between backward() and step().",
    ),
    Rule(
        "GT146", "program-raised", "error", "The training script raises behind its first gradients",
        "The figures are those of the passes before; what should have come behind them never ran. Without gradtool the "
        "program ends there too.",
        "Mend the line that is named, and run again.",
    ),
    Rule(
        "GT147", "never-stepped", "error", "The optimizer never steps",
        "Gradients are computed, and nothing uses them: the optimizer that holds these parameters was made, and its "
        "step() or apply_gradients() is never called. A warning where there was a single backward pass.",
        "Call optimizer.step() behind backward(), or apply_gradients() with what the tape returned.",
    ),
    Rule(
        "GT148", "missing-path", "note", "A path from a parameter to the loss is cut, and others are not",
        "The gradient is there, and it is not the whole derivative: what flows along the path that is cut is missing. "
        "That is right for a target network or a straight-through estimator, and a slip elsewhere, as in "
        "(x**2).detach() + x.",
        "If the path should count, take the cut out of the line; if it should not, leave it.",
    ),
)  # fmt: skip
