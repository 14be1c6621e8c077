"""The catalogue of what ``gradtool compare --modes`` finds: one row each."""

from __future__ import annotations

from gradtool.verdict.rule import Rule

__all__ = ["MODE_RULES"]

MODE_RULES = (
    Rule(
        "GT301", "mode-differs", "error", "A mode of the framework gives another gradient than its reverse mode",
        "Forward, batched, recomputed and compiled gradients are the same mathematics, so that only rounding may set "
        "them apart. A difference beyond that is a fault of one of the two: the exact derivative says of which.",
        "Use the mode that is right; the record of --json --modes is what the framework's maintainers need.",
    ),
    Rule(
        "GT302", "modes-not-adjoint", "error", "Forward and reverse mode fail the dot-product test",
        "For any v and w the product of w with J v, by forward mode, is that of J^T w, by reverse mode, with v. "
        "Where they differ by more than rounding, one of the two is not the derivative of the function.",
        "Use the mode whose gradient is verified; an operation with a derivative of its own needs both rules.",
    ),
)  # fmt: skip
