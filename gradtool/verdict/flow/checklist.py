"""The checklist for debugging a gradient: one row each, ticked by the findings and by what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gradtool.evidence import Head, ModelEvidence
from gradtool.values import shape_text
from gradtool.verdict.flow.depth import LEAST_POINTS, profile_of
from gradtool.verdict.flow.experiments import below_resolution, rounding
from gradtool.verdict.flow.groups import trainable
from gradtool.verdict.flow.head import broadcasts, same_shapes
from gradtool.verdict.flow.record import Item
from gradtool.verdict.flow.structure import FLAT, gain_of
from gradtool.verdict.record import Finding

__all__ = ["checklist"]


@dataclass(frozen=True, slots=True)
class Row:
    """``measured`` gives the detail of an item that was looked at, or nothing; ``otherwise`` says why not, or how to.

    A finding of one of the ``codes`` decides the state: an error fails the item, a warning warns; a note warns where
    ``notes`` says so.
    """

    title: str
    codes: tuple[str, ...]
    measured: Callable[[ModelEvidence], str]
    otherwise: str | Callable[[ModelEvidence], str]
    notes: bool = False


def checklist(evidence: ModelEvidence, findings: Sequence[Finding]) -> tuple[Item, ...]:
    """Every item with its state and a sentence; of an expression only those that can be told."""
    items = (_item(row, evidence, findings) for row in ROWS)
    return tuple(item for item in items if item.state != "unknown" or evidence.route != "expression")


def _item(row: Row, evidence: ModelEvidence, findings: Sequence[Finding]) -> Item:
    hit = [finding for finding in findings if finding.code in row.codes]
    for severity, state in (("error", "failed"), ("warning", "warned"), ("note", "warned")):
        told = [finding for finding in hit if finding.severity == severity]
        if told and (severity != "note" or row.notes):
            return Item(row.title, state, f"{told[0].message} ({told[0].code})")
    detail = row.measured(evidence)
    if detail:
        return Item(row.title, "passed", detail)
    return Item(row.title, "unknown", row.otherwise if isinstance(row.otherwise, str) else row.otherwise(evidence))


def _on(evidence: ModelEvidence) -> str:
    asked = trainable(evidence)
    return f"{len(asked)} of {len(evidence.parameters)} parameters are trainable" if asked else ""


def _shapes(evidence: ModelEvidence) -> str:
    head = evidence.head
    return _seen_shapes(head) if head is not None and same_shapes(head) else ""


def _seen_shapes(head: Head) -> str:
    target = shape_text(head.target_shape) if head.target_shape else "none"
    return f"output {shape_text(head.shape)}, targets {target}"


def _other_shapes(evidence: ModelEvidence) -> str:
    head = evidence.head
    if head is None:
        return "output and targets were not seen; --labels says what targets are"
    if broadcasts(head):
        return f"{_seen_shapes(head)}: Keras' own losses align these, a loss written by hand would broadcast them"
    return f"{_seen_shapes(head)}: only the loss knows whether these fit"


def _finite(evidence: ModelEvidence) -> str:
    return "the loss and every gradient are finite" if _is_sound(evidence) else ""


def _is_sound(evidence: ModelEvidence) -> bool:
    gradients = [parameter.gradient for parameter in evidence.parameters if parameter.gradient]
    return math.isfinite(evidence.loss.value) and not any(gradient.nan or gradient.inf for gradient in gradients)


def _falls(evidence: ModelEvidence) -> str:
    told, fall = _path(evidence), profile_of(evidence).fall or 0.0
    return f"it does not fall: {told}" if told and fall < 0 else told


def _rises(evidence: ModelEvidence) -> str:
    told, fall = _path(evidence), profile_of(evidence).fall or 0.0
    return f"it does not rise: {told}" if told and fall >= 0 else told


def _path(evidence: ModelEvidence) -> str:
    """What the gradient does from the last layers to the first; nothing where that cannot be told."""
    fall = profile_of(evidence).fall
    if fall is None or not _is_sound(evidence):
        return ""
    return f"the strongest path {'falls' if fall >= 0 else 'rises'} by {abs(fall):.1f} decades to the first layers"


def _no_path(evidence: ModelEvidence) -> str:
    if not _is_sound(evidence):
        return "cannot be told while numbers are not finite"
    return f"cannot be told of fewer than {LEAST_POINTS} layers with a gradient, from the first that learns on"


def _clipping(evidence: ModelEvidence) -> str:
    clipped = evidence.clipped
    if clipped is None or not math.isfinite(clipped.before):
        return ""
    told = f"norm {clipped.before:.4g} -> {clipped.after:.4g} at the limit {clipped.limit:g}"
    agrees = math.isclose(clipped.after, clipped.own, rel_tol=math.sqrt(rounding(evidence.dtype)))
    return f"{told}; the framework's own function {'agrees' if agrees else f'gives {clipped.own:.4g}'}"


def _gains(evidence: ModelEvidence) -> str:
    gains = [gain for parameter in trainable(evidence) if (gain := gain_of(parameter)) is not None]
    ends = dict.fromkeys(f"{gain:.2g}" for gain in (min(gains), max(gains))) if gains else ()
    return f"deviation times root of the fan-in is {' to '.join(ends)}" if gains else ""


def _verified(evidence: ModelEvidence) -> str:
    survey = evidence.verified
    if survey is None or not survey.agree:
        return ""
    directions = f"{len(survey.segments)} random directions"
    return f"agrees with the loss along {directions}; an error of {survey.power:.1g} of the whole would have been found"


def _living(evidence: ModelEvidence) -> str:
    shares = [layer.dead / layer.units for layer in evidence.layers if _is_rectifier(layer.activation) and layer.units]
    return f"at most {max(shares):.0%} of a layer's units are 0 for all samples of one batch" if shares else ""


def _is_rectifier(activation: str) -> bool:
    return bool(activation) and activation not in FLAT


def _reached(evidence: ModelEvidence) -> str:
    asked = trainable(evidence)
    return f"all {len(asked)} have a gradient" if asked and all(p.gradient is not None or p.late for p in asked) else ""


def _held(evidence: ModelEvidence) -> str:
    asked = trainable(evidence)
    if evidence.optimizer is None or not asked or any(parameter.group is None for parameter in asked):
        return ""
    return f"{evidence.optimizer.kind} holds all {len(asked)}"


def _descends(evidence: ModelEvidence) -> str:
    descent = evidence.descent
    if descent is None or not _is_sound(evidence) or descent.after >= descent.before:
        return ""
    share = (descent.before - descent.after) / abs(descent.promised) if descent.promised else 0.0
    return f"{descent.before:.6g} -> {descent.after:.6g}, {share:.0%} of the decrease that the gradient promises"


def _no_step(evidence: ModelEvidence) -> str:
    descent = evidence.descent
    if descent is not None and not _is_sound(evidence):
        return "cannot be told while numbers are not finite"
    if descent is not None:
        moves = "does not move" if descent.after == descent.before else f"rises by {descent.after - descent.before:.2g}"
        promised = f"the gradient promises a decrease of {abs(descent.promised):.2g}"
        below = below_resolution(descent, evidence.dtype)
        return f"the loss {moves}, and {promised}" + (f", which is below its resolution in {evidence.dtype}" * below)
    scripted = evidence.route == "script"
    return "a script is not stepped: its own steps are in --train" if scripted else "no step was tried"


def _zeroed(evidence: ModelEvidence) -> str:
    if evidence.route == "script" and evidence.framework != "torch":
        return "TensorFlow hands out fresh gradients each time"
    return "they were gone when the second step began" if evidence.zeroed else ""


def _one_step(evidence: ModelEvidence) -> str:
    scripted = evidence.route == "script"
    return f"the script ended before {SECOND}" if scripted else "only a training script shows it: --script"


SECOND = "a second step of the same loss"
"""What shows whether gradients are zeroed: those of another loss may be left over on purpose."""

ROWS = (
    Row("gradients are on", ("GT107",), _on, "no parameter is trainable"),
    Row("shapes match", ("GT135",), _shapes, _other_shapes),
    Row("no NaN or Inf", ("GT114", "GT101", "GT102", "GT132"), _finite, "a frozen parameter's gradient is not finite"),
    Row("no vanishing gradient", ("GT103", "GT140"), _falls, _no_path),
    Row("no exploding gradient", ("GT104", "GT141", "GT131"), _rises, _no_path),
    Row("clipping", ("GT153", "GT154"), _clipping, "--clip 1.0 shows what clipping would do"),
    Row("initialisation", ("GT125",), _gains, "no weight matrices were seen", notes=True),
    Row("gradient verified, custom backward included", ("GT129",), _verified, "--verify tests it against the loss"),
    Row("no dead units", ("GT108", "GT133"), _living, "no rectifying layers were seen"),
    Row("every trainable parameter reached", ("GT106", "GT105"), _reached, "no parameter is trainable"),
    Row(
        "every one in the optimizer", ("GT120", "GT137"), _held, "no optimizer was found; --optimizer and --lr name one"
    ),
    Row("the loss decreases along -g", ("GT124",), _descends, _no_step),
    Row("gradients are zeroed between steps", ("GT130", "GT145"), _zeroed, _one_step),
)
"""The checklist, in the order in which a person would go through it."""
