"""The catalogue of what ``gradtool check`` finds: one row each."""

from __future__ import annotations

from gradtool.verdict.rule import Rule

__all__ = ["CHECK_RULES"]

CHECK_RULES = (
    Rule(
        "GT001", "wrong-gradient", "error", "Autodiff gives another number than the derivative",
        "The difference is larger than any rounding of the formula as written explains: a broken backward, an "
        "approximation inside the framework, or conventions at several kinks that add up to a wrong total.",
        "Write the operation in another way; if the framework is at fault, this record is what its maintainers need.",
    ),
    Rule(
        "GT002", "unstable-gradient", "error", "The formula is right, its evaluation loses digits or breaks",
        "Cancellation, overflow or an infinite intermediate costs more than half the digits of the dtype, although "
        "the derivative itself is an ordinary number. Training then sees noise, 0 or NaN.",
        "Rewrite the formula so that nearly equal numbers are not subtracted and nothing overflows on the way.",
    ),
    Rule(
        "GT003", "not-differentiable", "note", "The point is a kink, a jump or a vertical tangent",
        "Left and right derivatives differ or are infinite, so no gradient is right. Autodiff returns a convention of "
        "its framework.",
        "Usually harmless in training. For a check, move the point off the kink.",
    ),
    Rule(
        "GT004", "undefined-point", "note", "The function has no value at the point",
        "The point lies outside the domain of an operation, on a pole, or in a hole that could be filled. Whatever "
        "autodiff returns there means nothing.",
        "Move the point, or guard the operation with where() on its argument as well as on its result.",
    ),
    Rule(
        "GT005", "out-of-range", "note", "The true value or derivative does not fit the dtype",
        "The exact number is larger than the largest finite one of the dtype, so infinity is the best answer.",
        "Work with logarithms, rescale the inputs, or use a wider dtype.",
    ),
    Rule(
        "GT006", "inconclusive", "note", "The witnesses cannot tell",
        "A witness is missing, was stopped, or contradicts another, and what is left does not suffice for a verdict.",
        "Read the reason: install the framework, raise --timeout, or try another point.",
    ),
    Rule(
        "GT010", "unconnected", "note", "The framework returned None instead of a gradient",
        "The value does not depend on the variable in a way that the framework differentiates. None counts as 0 here; "
        "an optimizer would skip the variable silently.",
        "If the variable should matter, look for floor, sign, a comparison or a detached value on its path.",
    ),
    Rule(
        "GT011", "vanishing-link", "warning", "One link of the chain shrinks the gradient by more than a thousand",
        "The local derivative of one operation is tiny at this point (a saturated sigmoid or tanh, a large divisor), "
        "so everything before it learns a thousand times slower.",
        "Keep the argument in the operation's active range: normalise it, or use an operation that does not saturate.",
    ),
    Rule(
        "GT012", "exploding-link", "warning", "One link of the chain grows the gradient by more than a thousand",
        "The local derivative of one operation is huge at this point (a logarithm or root near 0, a steep power), so "
        "one step of an optimizer can throw the variable far away.",
        "Keep the argument away from the steep place, or clip the gradient.",
    ),
    Rule(
        "GT013", "range-edge", "warning", "The gradient is near the end of the dtype's range",
        "Its square overflows or underflows, so norms, clipping and the second moments of Adam fail.",
        "Rescale the loss or the variable, or use a wider dtype.",
    ),
    Rule(
        "GT014", "absolute-small", "warning", "The gradient is below 1e-6 (tutorial threshold, --absolute)",
        "Tutorials call this vanishing. The figure scales with the loss, so it says little by itself.",
        "Compare it with the size of the variable and with the rate of the optimizer.",
    ),
    Rule(
        "GT015", "absolute-large", "warning", "The gradient is above 10 (tutorial threshold, --absolute)",
        "Tutorials call this exploding. The figure scales with the loss, so it says little by itself.",
        "Compare it with the size of the variable and with the rate of the optimizer.",
    ),
    Rule(
        "GT016", "difference-disagrees", "note", "The finite difference disagrees with the proven derivative",
        "Differences see the rounded function. Where digits are lost, or a kink is near, their bar can be too small.",
        "Trust the symbolic value; the disagreement is about the difference, not about the gradient.",
    ),
    Rule(
        "GT017", "formula-disagrees", "note", "SymPy's formula and the exact walk give different numbers",
        "SymPy simplifies while it builds (x/x becomes 1). The verdict stands on the expression as written.",
        "If neither is a removable singularity, please report the expression.",
    ),
    Rule(
        "GT018", "value-differs", "warning", "The framework's value differs from the exact value",
        "The forward pass itself is off by more than rounding explains, or overflows on the way.",
        "Write the formula in another way; gradtool ops shows what each operation runs.",
    ),
    Rule(
        "GT019", "constant-taken", "note", "The point gives a value to the name of a constant",
        "pi, e and inf stand for numbers unless --at names them.",
        "Rename the variable if the constant was meant.",
    ),
    Rule(
        "GT020", "ones-assumed", "note", "The value is an array, and an upstream gradient of ones was assumed",
        "A gradient belongs to a single number. PyTorch refuses an array without an upstream gradient, TensorFlow sums "
        "its entries silently.",
        "Say what is meant: --jacobian for every entry, --upstream for a weighed sum, or sum(...) in the expression.",
    ),
    Rule(
        "GT021", "checker-misleads", "note", "The framework's own gradient checker says something else (--against)",
        "gradcheck and compute_gradient compare autodiff with one difference of one step, within one tolerance. A step "
        "that is too long or too short for the function or the dtype fails a right gradient, and a tolerance hides "
        "a wrong one.",
        "Trust the verdict, which stands on the exact derivative; another step can be tried with "
        "--against gradcheck:STEP.",
    ),
    Rule(
        "GT022", "ill-conditioned", "warning", "The point is too coarse for this derivative",
        "One rounding unit of the point changes the derivative by about as much as autodiff is off. That is all a "
        "sound program promises, and yet the number may have no right digit.",
        "Check in a wider dtype, or subtract from the inputs what they have in common.",
    ),
    Rule(
        "GT023", "value-lost", "warning", "The framework's value loses its digits to an underflow",
        "A number on the way falls below the normal ones of the dtype, and half the digits of the value and more go "
        "with it. TensorFlow takes every such number for 0.",
        "Rescale the inputs, work with logarithms, or use a wider dtype.",
    ),
)  # fmt: skip
