"""THE list of the rules of ``gradtool flow``, and what one model's evidence means by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from gradtool.evidence import Cause, ModelEvidence
from gradtool.verdict.flow.causes import causes_of
from gradtool.verdict.flow.checklist import checklist
from gradtool.verdict.flow.course import diverges, nan_in_training, units_die
from gradtool.verdict.flow.experiments import accumulation_differs, loss_rises, opposed_terms, wrong_gradient
from gradtool.verdict.flow.finite import infinite_gradients, nan_gradients, nonfinite_loss
from gradtool.verdict.flow.head import loss_head_mismatch, output_range, shapes_broadcast, softmax_axis
from gradtool.verdict.flow.loop import (
    backward_twice,
    clipping_idle,
    clipping_scaled,
    misapplied_gradients,
    rebound_variables,
    stale_steps,
    summed_targets,
    undivided_means,
)
from gradtool.verdict.flow.precision import half_precision, low_precision_digits
from gradtool.verdict.flow.program import cleared_gradients, never_stepped, program_raised
from gradtool.verdict.flow.reach import frozen, gradient_hooks, missing_gradients, missing_paths, unregistered
from gradtool.verdict.flow.record import Item
from gradtool.verdict.flow.size import absolute_sizes, exploding, forward_growth, vanishing
from gradtool.verdict.flow.start import initialisation
from gradtool.verdict.flow.units import batchnorm_of_one, dead_units, eval_mode, saturated_units, softmax_of_one
from gradtool.verdict.flow.updates import foreign_in_optimizer, lost_updates, not_in_optimizer, not_zeroed, updates
from gradtool.verdict.flow.zero import zero_gradients
from gradtool.verdict.record import Finding

__all__ = ["judge"]

Judge = Callable[[ModelEvidence], Iterator[Finding]]

JUDGES: tuple[Judge, ...] = (
    nonfinite_loss, nan_gradients, infinite_gradients, cleared_gradients, never_stepped, not_zeroed, backward_twice,
    misapplied_gradients, rebound_variables, clipping_scaled, wrong_gradient, missing_gradients, program_raised,
    softmax_of_one, dead_units, zero_gradients, vanishing, exploding, nan_in_training, diverges, units_die,
    output_range, loss_head_mismatch, shapes_broadcast, softmax_axis, updates, loss_rises, saturated_units,
    forward_growth, lost_updates, half_precision, unregistered, not_in_optimizer, stale_steps, undivided_means,
    summed_targets, clipping_idle, accumulation_differs, batchnorm_of_one, eval_mode, initialisation, frozen,
    foreign_in_optimizer, gradient_hooks, missing_paths, opposed_terms, low_precision_digits,
)  # fmt: skip
"""Among findings of one severity this is the order: causes before what follows from them."""

_SPOILT = (
    "GT103", "GT104", "GT105", "GT113", "GT115", "GT116", "GT117", "GT118", "GT119", "GT124", "GT127", "GT128",
    "GT129", "GT131", "GT134", "GT136", "GT140", "GT141",
)  # fmt: skip
"""What cannot be judged once a number is not finite."""

FOLLOWS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "GT114": _SPOILT,
        "GT101": _SPOILT,
        "GT102": _SPOILT,
        "GT103": ("GT116", "GT125"),
        "GT104": ("GT113", "GT125"),
        "GT111": ("GT112", "GT136"),
        "GT132": ("GT131",),
    }
)
"""What a finding explains, so that one cause is told once."""

LAYERS: Mapping[str, str] = MappingProxyType({"GT111": "softmax_of_one", "GT108": "dead_relu", "GT122": "norm_of_one"})
"""What findings on layers say too, on the line that calls the layer, of a gradient that is exactly zero."""

_RANK = {"error": 0, "warning": 1, "note": 2}


def judge(
    evidence: ModelEvidence, *, absolute: bool = False, wanted: Callable[[str], bool] = lambda _: True
) -> tuple[tuple[Finding, ...], tuple[Item, ...]]:
    """The findings whose code is ``wanted``, worst first, and the checklist.

    Nothing depends on the scale of the loss, except what an optimizer or float16 makes of the gradient, and the
    thresholds of tutorials (``absolute``).
    """
    judges = (*JUDGES, absolute_sizes) if absolute else JUDGES
    every = _once([finding for rule in judges for finding in rule(evidence)], causes_of(evidence, "zero"))
    # A note explains nothing away: it may stand beside a real fault.
    explained = {code for finding in every if finding.severity != "note" for code in FOLLOWS.get(finding.code, ())}
    found = [finding for finding in every if finding.code not in explained]
    found.sort(key=lambda finding: _RANK[finding.severity])
    # What nobody wants to hear of is no finding, and yet no tick.
    return tuple(finding for finding in found if wanted(finding.code)), checklist(evidence, found)


def _once(found: Sequence[Finding], zeros: Sequence[Cause]) -> list[Finding]:
    """Findings on layers with the cause of the zeros on their line, as errors, and without those on the zeros."""
    causes = {(cause.kind, cause.line.source): cause for cause in zeros if cause.line.source}
    told, left = set(), []
    for finding in found:
        cause = causes.get((LAYERS.get(finding.code, ""), finding.source))
        if cause is not None and finding.severity != "note":
            told.add(cause.line)
            left.append(replace(finding, severity="error", cause=cause, parameters=tuple(cause.parameters)))
        else:
            left.append(finding)
    return [
        finding
        for finding in left
        if finding.code != "GT105"
        or finding.cause is None
        or finding.cause.kind not in LAYERS.values()
        or finding.cause.line not in told
    ]
