"""The catalogue of what breaks the contract between a callable and autodiff: one row each."""

from __future__ import annotations

from gradtool.verdict.rule import Rule

__all__ = ["CONTRACT_RULES"]

CONTRACT_RULES = (
    Rule(
        "GT201", "upstream-ignored", "error", "The backward pass ignores the upstream gradient",
        "A backward pass returns the upstream gradient times the local derivative. One that ignores it is right only "
        "as the last operation, under a plain sum, and silently wrong inside any model or loss.",
        "Multiply what the backward pass returns by the gradient that it is given.",
    ),
    Rule(
        "GT202", "upstream-nonlinear", "error", "The gradient is not linear in the upstream gradient",
        "Clipping, thresholds, signs or a constant inside a backward pass: the result depends on the scale of the "
        "loss, and two losses added give another gradient than their gradients added. What is off by less than a "
        "thousandth, as by a solver that stops early, is a warning; in a declared surrogate it is a note.",
        "Do nothing but multiply and add what comes from upstream; clip gradients in the optimizer's step.",
    ),
    Rule(
        "GT203", "none-returned", "error", "The gradient is None for an input that the outputs depend on",
        "The optimizer skips the input silently, and whatever feeds it learns nothing through this operation.",
        "Return the derivative by that input; None is right only for what is not differentiated.",
    ),
    Rule(
        "GT204", "cut-off", "error", "An input that the outputs depend on is cut off from the graph",
        "The outputs move with the input, and no path of recorded operations leads back to it: detach, .data, .item(), "
        "NumPy, or a tensor built anew from numbers.",
        "Compute the outputs with the framework's own operations, or write an operation with a backward pass.",
    ),
    Rule(
        "GT205", "cut-result", "note", "A result has no gradient, although it moves with the inputs",
        "Other results have one. Often meant, as for statistics or indices; if a loss uses this result, it learns "
        "nothing from it.",
        "Leave it if it is for looking at only; otherwise take the detach or stop_gradient away.",
    ),
    Rule(
        "GT206", "gradient-shape", "error", "The backward pass returns another shape than that of the input",
        "PyTorch sums a gradient that is too large down to the shape of its input, which is a warning here, for it may "
        "be meant; TensorFlow hands on any shape, and broadcasting then adds up wrong numbers.",
        "Sum over the axes along which the input was broadcast, and reshape to the input's shape.",
    ),
    Rule(
        "GT207", "gradient-dtype", "warning", "The backward pass returns another dtype than that of the input",
        "PyTorch converts it silently: memory and time are lost, or digits, or an imaginary part (a note here). "
        "TensorFlow hands it on, and the next operation on the way back raises.",
        "Convert the result of the backward pass to the input's dtype.",
    ),
    Rule(
        "GT208", "backward-raises", "error", "The backward pass raises",
        "The forward pass works, and no gradient can be had.",
        "Read the error; the usual causes are a gradient too many or too few, and one of a wrong shape.",
    ),
    Rule(
        "GT209", "nondeterministic-forward", "error", "The same inputs and the same seed give different outputs",
        "Random numbers from outside the framework, a counter, uninitialised memory or a race. No gradient can be "
        "checked better than the outputs repeat.",
        "Draw from the framework's generator, fill every buffer, and keep counters out of the result.",
    ),
    Rule(
        "GT210", "nondeterministic-backward", "error", "The same inputs and the same seed give different gradients",
        "The outputs repeat and the gradient does not, by more than the order of additions explains: uninitialised "
        "memory, a race, or a branch on something that changes. A backward pass that draws random numbers of its own "
        "is a warning, and an error where the outputs are random too, for then it draws another mask than they had.",
        "Fill every buffer that the backward pass allocates, and look for random numbers drawn in it anew.",
    ),
    Rule(
        "GT211", "reordered-sums", "note", "Runs differ by rounding",
        "Atomic additions or threads add in another order each time. Harmless for training; two runs are not the same "
        "to the last digit.",
        "If runs must agree: torch.use_deterministic_algorithms(True), tf.config.experimental.enable_op_determinism().",
    ),
    Rule(
        "GT212", "random-forward", "note", "The outputs depend on the random seed",
        "Dropout or noise. The gradient was checked with the seed held fixed, so it is that of one draw.",
        "Nothing needs to be done; in evaluation mode the noise should be gone.",
    ),
    Rule(
        "GT213", "modifies-input", "error", "An input is written to",
        "Whoever else uses the tensor sees other numbers, and autograd may differentiate at the wrong point. A pass "
        "that wrote the numbers that were there already is a warning: with other inputs it would change them. So is a "
        "function that returns the input it wrote to, as relu_ does.",
        "Work on a copy, or return a new tensor.",
    ),
    Rule(
        "GT214", "modifies-upstream", "error", "The backward pass writes to the gradient that it is given",
        "The same tensor may be on its way to other operations, which then get other numbers; it goes unnoticed until "
        "a result is used twice.",
        "Write grad = grad * ... into a new tensor, never grad.mul_(...) or grad[mask] = 0.",
    ),
    Rule(
        "GT215", "modifies-result", "error", "The backward pass writes to an output",
        "The output belongs to the caller, who sees it change after backward().",
        "Work on a copy of what was saved.",
    ),
    Rule(
        "GT216", "depends-on-calls", "error", "The result depends on earlier calls",
        "Something is kept between calls, as a running maximum or the last input, and enters the result. The gradient "
        "is then not that of a function of the inputs.",
        "Hand the state in and out as arguments and results, or keep it in buffers that only training mode writes.",
    ),
    Rule(
        "GT217", "stale-tensors", "error", "A backward pass uses what a later forward pass has left",
        "Two calls before the first backward, as when a layer is used twice, and the gradients are mixed up: tensors "
        "were saved on the class, the module or a global.",
        "Save what the backward pass needs with the call itself.",
    ),
    Rule(
        "GT218", "second-order-wrong", "error", "The gradient of the gradient is wrong",
        "Gradient penalties, Hessians and meta-learning differentiate the backward pass. It computes the right numbers "
        "here, from something that is not connected as it should be.",
        "Compute the backward pass from the saved inputs by differentiable operations.",
    ),
    Rule(
        "GT219", "second-order-cut", "error", "The gradient moves with the inputs, and its own derivative is 0",
        "The backward pass is computed from detached tensors, so second derivatives are silently 0 or incomplete.",
        "Compute it from the saved inputs themselves, or forbid it to be differentiated, so that it raises.",
    ),
    Rule(
        "GT220", "no-double-backward", "note", "There is no second derivative",
        "The backward pass cannot be differentiated, and says so. That is honest; it was asked for by --order 2.",
        "Write the backward pass with differentiable operations if second derivatives are needed.",
    ),
    Rule(
        "GT221", "forward-mode-differs", "error", "Forward mode gives another derivative than the gradient",
        "The dot-product test <u, Jv> = <J'u, v> fails by more than rounding explains, so the rule for forward mode, "
        "or that for the gradient, is wrong. Where forward mode gives 0 some operation has no rule for it and does not "
        "say so: a note, and a warning for an autograd Function, which may have written its own jvp.",
        "Look at the verdict on the gradient: if that is verified, the rule for forward mode is wrong.",
    ),
    Rule(
        "GT222", "batched-differs", "error", "Many upstream gradients at once give other numbers than one by one",
        "The rule for vmap treats an axis of the batch as one of the data.",
        "Correct the rule for vmap, or let the framework derive it.",
    ),
    Rule(
        "GT223", "subset-differs", "error", "The gradient by an input changes when other inputs need none",
        "With a frozen weight, or as the first layer of a model, a backward pass is told to leave some gradients out "
        "(ctx.needs_input_grad), and this one then gives other numbers for the rest, or None, or raises. A test in "
        "which every input needs a gradient passes it.",
        "Decide for each input by itself, and give back its gradient in its own place.",
    ),
    Rule(
        "GT230", "scaled-gradient", "error", "The whole gradient is a constant times the truth",
        "One factor explains all that is wrong. It does no harm with plain descent, which hides it, and all the more "
        "beside other terms of a loss or with a fixed rate.",
        "Look for a missing minus, a term counted twice, or a mean on one side and a sum on the other.",
    ),
    Rule(
        "GT231", "right-here-wrong-there", "error", "The gradient is right at some points and wrong at others",
        "A test at one kind of point, such as positive or small inputs, passes it.",
        "Look at what sets the points apart: a mask, a threshold, a symmetric matrix taken for any.",
    ),
    Rule(
        "GT232", "declared-surrogate", "note", "The gradient is declared a surrogate",
        "It is wrong on purpose (straight-through, reversal), so its numbers were not judged; the contract was.",
        "Nothing needs to be done. Without --surrogate the numbers are judged.",
    ),
    Rule(
        "GT233", "kink-convention", "warning", "The backward pass takes a convention at a kink",
        "Left and right slopes differ, and either, or a number between them, is a convention: a note. A number outside "
        "is none: a warning.",
        "Harmless within the slopes; outside them look at the comparison that decides (x < 0 or x <= 0).",
    ),
)  # fmt: skip
