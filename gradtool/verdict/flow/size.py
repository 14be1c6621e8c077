"""Findings on the size of the gradient over depth: vanishing, exploding, growing activations, tutorial thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gradtool.evidence import Layer, ModelEvidence, Parameter
from gradtool.verdict.flow.depth import DepthProfile, learning, profile_of
from gradtool.verdict.flow.groups import called, group_of, listed, paths, trainable
from gradtool.verdict.flow.structure import Structure, recurrent_matrix, structure_at, structure_of
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["VANISHED", "absolute_sizes", "exploding", "forward_decades", "forward_growth", "vanishing"]

VANISHED, FADING = 3.0, 2.0
"""Decades that the strongest path may fall before it is an error, and a warning.

On 20 healthy small models at three scales of the loss these figures raised no false alarm.
"""

EXPLODED = 3.0

STEEP = 0.3
"""A step that leaves less than this of the gradient (or grows it by the inverse) is worth naming."""

GROWTH = 4.0
"""Decades that activations may grow over the first three layers'."""

FIRST_LAYERS = 3

LOOP = 8
"""A layer called so often runs in a loop over time; a few calls are branches, each with a size of its own."""

OFF = 1.3
"""Weights whose gain is off the ideal by more than this factor, compounded over ten layers, cost a decade."""

ORTHOGONAL = 1.0
"""The gain of an orthogonal matrix: one that multiplies a state again and again must not be above it."""

State = tuple[Parameter, float] | None
"""The matrix that multiplies a state, and its gain."""

SMALL, LARGE = 1e-6, 10.0
"""The thresholds of tutorials."""


def vanishing(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT103: the strongest path falls by more than two decades towards the first layers."""
    profile = profile_of(evidence)
    if profile.fall is None or profile.fall <= FADING:
        return
    told = f"the gradient falls by {profile.fall:.1f} decades from the last layers to the first{_evenly(profile)}"
    below = [name for name in profile.silent if _place(evidence, name) < profile.points[0].place]
    if below:
        told += f", and is exactly 0 before {called(profile.points[0].name, profile.points[0].kind)}"
    severity = "error" if profile.fall > VANISHED else "warning"
    where, source = _guilty(profile)
    seen = _structure(evidence, profile, where)
    yield finding("GT103", where, f"{told}{_cause(seen)}", _lift(seen), severity=severity, source=source)


def exploding(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT104: the strongest path grows by more than three decades towards the first layers, or over a loop's calls."""
    loops = _loops(evidence)
    for layer, rise in loops[:1]:
        name = called(layer.name, layer.kind)
        told = f"over the {layer.calls} calls of {name} the gradient grows by {rise:.1f} decades on its way back"
        if len(loops) > 1:
            told += f"; likewise {listed(called(other.name) for other, _ in loops[1:])}"
        seen, state = structure_at(evidence, layer.name), recurrent_matrix(evidence, layer.name)
        told += _cause(seen, growing=True, state=state)
        yield finding("GT104", layer.name, told, _tame(seen, state), source=layer.source)
    profile = profile_of(evidence)
    # What grows over a loop's calls grows over depth too: one cause is told once.
    if profile.fall is not None and -profile.fall - max((rise for _, rise in loops), default=0.0) > EXPLODED:
        told = f"the gradient grows by {-profile.fall:.1f} decades from the last layers to the first{_evenly(profile)}"
        decades = forward_decades(evidence)
        if decades > 1:
            told += f"; activations grow by {decades:.1f} decades on the way forward"
        where, source = _guilty(profile)
        seen = _structure(evidence, profile, where)
        yield finding("GT104", where, f"{told}{_cause(seen, growing=True)}", _tame(seen), source=source)


def _structure(evidence: ModelEvidence, profile: DepthProfile, where: str) -> Structure:
    """The structure by the matrix of the one steep layer, where there is one, else by the usual."""
    return structure_at(evidence, where) if _is_steep(profile) else structure_of(evidence)


def _loops(evidence: ModelEvidence) -> list[tuple[Layer, float]]:
    """The layers over whose calls the gradient explodes, and by how many decades, the most first.

    A container stands for what it calls.
    """
    learns = learning(evidence.layers, evidence.parameters)
    rises = {layer.name: rise for layer in learns if (rise := _rise_over_calls(layer)) > EXPLODED}
    outer = [layer for layer in learns if layer.name in rises and not rises.keys() & set(paths(layer.name)[:-1])]
    return sorted(((layer, rises[layer.name]) for layer in outer), key=lambda pair: -pair[1])


def _rise_over_calls(layer: Layer) -> float:
    """Decades by which the gradient grows from the last call of a layer to its strongest; 0 where it is in no loop."""
    if layer.calls < LOOP or not layer.gradient or not layer.last_gradient:
        return 0.0
    rise = math.log10(layer.gradient / layer.last_gradient)
    return rise if math.isfinite(rise) else 0.0


def _evenly(profile: DepthProfile) -> str:
    """The steepest step where one is worth naming, else the usual one."""
    usual = f", by a factor of {profile.usual_gain:.2g} a layer over {len(profile.points)} layers"
    if profile.steepest is None or not _is_steep(profile):
        return usual
    point = profile.points[profile.steepest]
    return f"{usual}; steepest at {called(point.name)} ({point.kind}), by a factor of {profile.step:.2g}"


def _is_steep(profile: DepthProfile) -> bool:
    return profile.step is not None and not STEEP <= profile.step <= 1 / STEEP


def _guilty(profile: DepthProfile) -> tuple[str, str]:
    """The layer behind the steepest step, and the line that calls it."""
    point = profile.points[profile.steepest or 0]
    return point.name, point.source


def _place(evidence: ModelEvidence, name: str) -> int:
    return next(layer.place for layer in evidence.layers if layer.name == name)


def _cause(seen: Structure, *, growing: bool = False, state: State = None) -> str:
    """What in the structure explains that sizes fall, or are ``growing``, by the matrix of the ``state`` if known.

    Small weights make nothing grow, and large ones make nothing vanish, unless they saturate what follows.
    """
    parts = []
    if seen.flat and not growing:
        parts.append(f"most layers apply {seen.activation}, whose slope is below 1")
    if state is not None and state[1] > ORTHOGONAL:
        parts.append(f"{state[0].name} multiplies the state at every call: its gain is {state[1]:.2g}")
    elif seen.gain and (_is_large(seen) if growing else _is_small(seen) or (seen.flat and _is_large(seen))):
        size, of = "small" if seen.gain < seen.ideal else "large", f" of {seen.matrix}" if seen.matrix else ""
        kind = seen.activation or "a linear layer"
        parts.append(
            f"the weights{of} are {size} for {kind}: their gain is {seen.gain:.2g}, the ideal {seen.ideal:.2g}"
        )
    if not seen.normalised:
        parts.append("there is no normalisation layer")
    return f" ({'; '.join(parts)})" if parts else ""


def _is_small(seen: Structure) -> bool:
    return bool(seen.gain) and (seen.gain or 0.0) * OFF < seen.ideal


def _is_large(seen: Structure) -> bool:
    return (seen.gain or 0.0) > seen.ideal * OFF


def _lift(seen: Structure) -> str:
    """What keeps this gradient from vanishing."""
    advice = []
    if seen.flat:
        advice.append(f"replace {seen.activation} by ReLU or GELU in the hidden layers")
    if _is_small(seen):
        advice.append(_initialise(seen))
    if seen.recurrent:
        advice.append("use gates (LSTM, GRU) or orthogonal recurrent weights")
    if not seen.normalised:
        advice.append("normalise between the layers (LayerNorm, BatchNorm)")
    advice.append("add skip connections")
    return _sentence(advice)


def _tame(seen: Structure, state: State = None) -> str:
    """What keeps this gradient from exploding."""
    advice = []
    if state is not None and state[1] > ORTHOGONAL:
        advice.append(f"scale {state[0].name} down to a gain of 1, as an orthogonal matrix has")
    elif _is_large(seen):
        advice.append(_initialise(seen))
    elif seen.recurrent:
        advice.append("start recurrent weights orthogonal")
    if not seen.normalised:
        advice.append("normalise between the layers (LayerNorm, BatchNorm)")
    advice.append("clip the gradient (--clip 1 shows what that does) until the cause is gone")
    return _sentence(advice)


def _initialise(seen: Structure) -> str:
    rule = "Xavier" if seen.activation in {"tanh", "sigmoid"} else "He"
    return f"initialise by {rule}'s rule (a gain of {seen.ideal:.2g} instead of {seen.gain:.2g})"


def _sentence(parts: list[str]) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def forward_decades(evidence: ModelEvidence) -> float:
    """By how many decades the largest output exceeds the largest of the first three, in root mean square.

    The first call of a layer that runs in a loop counts as the first; its largest as the largest.
    """
    ordered = [layer for layer in sorted(evidence.layers, key=lambda layer: layer.place) if layer.name]
    calls, first = 0, 0.0
    for layer in ordered:
        if calls < FIRST_LAYERS:
            first = max(first, layer.rms if layer.first_rms is None else layer.first_rms)
        calls += layer.calls
    sizes = [layer.rms for layer in ordered]
    if calls < FIRST_LAYERS or not first > 0 or not all(map(math.isfinite, sizes)):
        return 0.0
    return math.log10(max(sizes) / first)


def forward_growth(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT113: activations grow by more than four decades."""
    decades = forward_decades(evidence)
    if decades > GROWTH:
        largest = max((layer for layer in evidence.layers if layer.name), key=lambda layer: layer.rms)
        cause = _cause(structure_of(evidence), growing=True)
        told = f"activations grow by {decades:.1f} decades up to {called(largest.name, largest.kind)}{cause}"
        yield finding("GT113", largest.name, told, source=largest.source)


def absolute_sizes(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT140 and GT141: the thresholds of tutorials, which are asked for."""
    sizes = [(p, p.gradient.norm) for p in trainable(evidence) if p.gradient and math.isfinite(p.gradient.norm)]
    for code, hit, word in (
        ("GT140", [(p, norm) for p, norm in sizes if norm < SMALL], f"below {SMALL:g}: vanishing?"),
        ("GT141", [(p, norm) for p, norm in sizes if norm > LARGE], f"above {LARGE:g}: exploding?"),
    ):
        if hit:
            where, named = group_of([p for p, _ in hit], [p for p, _ in sizes])
            span = listed(
                dict.fromkeys(f"{norm:.2g}" for norm in sorted({min(n for _, n in hit), max(n for _, n in hit)}))
            )
            yield finding(code, where, f"{named}: norms of {span.replace(', ', ' to ')} are {word}")
