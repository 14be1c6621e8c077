"""The catalogue of what comparing two models shows: one row each."""

from __future__ import annotations

from gradtool.verdict.rule import Rule

__all__ = ["PAIRING_RULES"]

PAIRING_RULES = (
    Rule(
        "GT320", "layers-differ", "error", "Two models part at a layer",
        "With the same weights and inputs everything before it agrees, and its output does not, in float64, where "
        "rounding explains nothing above 1e-7. Defaults differ between the frameworks: epsilon (1e-5 in PyTorch, 1e-3 "
        "in Keras), the slope of a leaky rectifier, the form of gelu, the padding of strided convolutions.",
        "Give both layers the same settings, the one that is told first; then look at what the files do in between.",
    ),
    Rule(
        "GT321", "losses-differ", "error", "Two models agree, and their losses do not",
        "Every output is the same, so the difference is in the losses themselves: a mean against a sum, another axis, "
        "logits against probabilities. A sum makes every gradient larger by the number of terms.",
        "Give both losses the same reduction, over the same axes, and the same kind of output.",
    ),
    Rule(
        "GT322", "backward-differs", "error", "Two models agree forward, and not backward",
        "Outputs and losses are the same, and the gradient parts on its way back: a custom backward, a detach or "
        "stop_gradient, a convention at a point without a derivative, or a weight that one side uses twice.",
        "Look at what the layer does with its input: detach, stop_gradient, a custom gradient; gradtool flow finds it.",
    ),
    Rule(
        "GT323", "unpaired-parameter", "error", "A parameter has no partner on the other side",
        "One layer of a pair has an array more, such as a bias. Even where it begins at 0, and nothing differs yet, it "
        "learns, and the models part.",
        "Give both layers a bias, or neither (bias=False in PyTorch, use_bias=False in Keras).",
    ),
    Rule(
        "GT324", "one-sided-gradient", "error", "A parameter gets a gradient on one side alone",
        "On the other it is frozen, or the loss does not depend on it there.",
        "Freeze it on both sides or on neither, and look for a detach or stop_gradient on its way to the loss.",
    ),
    Rule(
        "GT325", "beyond-rounding", "warning", "In a lower precision two models differ by more than rounding explains",
        "They agree in float64. In the dtype asked for they share less than half of its digits, and are farther apart "
        "than a few times what moving weights and inputs by one rounding unit does: one of the two loses digits.",
        "Look for a cast to a shorter dtype, or a formula that loses digits, at the layer that is named.",
    ),
    Rule(
        "GT326", "single-precision-constants", "note", "One side rounds constants to float32 in float64",
        "Keras keeps some numbers, such as the slope of a leaky rectifier or a constant of the exact gelu, in float32, "
        "and a layer may be told to work in it. In float64 that leaves a difference of up to about 1e-7, which is no "
        "difference between the models.",
        "Nothing needs to be done; in float32 it can't be seen.",
    ),
    Rule(
        "GT327", "too-sensitive", "warning", "Two models agree, and they are too sensitive for that to say much",
        "A tiny move of weights and inputs changes what comes out by more than a thousandth, so that another epsilon "
        "or slope would not be told from rounding.",
        "Compare with other weights or inputs, fewer layers or steps, or in evaluation mode: chaos, a division by "
        "almost 0 or an output of almost 0 is at work.",
    ),
)  # fmt: skip
