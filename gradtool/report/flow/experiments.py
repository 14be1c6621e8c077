"""The experiments on a model in sentences: clipping, accumulation, a step along -g, verification, digits, training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradtool.evidence import (
    Accumulated,
    Clipped,
    Descent,
    Digits,
    ModelEvidence,
    Parameter,
    Stepped,
    Survey,
    TrainingStep,
)
from gradtool.report.flow.figures import counted, number, share, wide_number
from gradtool.report.flow.section import Cell, Curve, Grid, Section, Told
from gradtool.values import label
from gradtool.verdict.flow.experiments import below_resolution

__all__ = ["experiment_section", "thinned", "training_section"]

STEPS = 12
"""So many steps of a training are listed."""
NAMED = 5
"""So many wrong entries, or parameters with the fewest digits, are named."""


def experiment_section(evidence: ModelEvidence, title: str) -> Section:
    """A sentence for each experiment that was made; ``title`` is the framework's name."""
    told: list[Told] = []
    if evidence.clipped:
        told.append(_clipped(evidence.clipped, title))
    if evidence.descent:
        told.append(_descent(evidence.descent, evidence.dtype))
    if evidence.stepped:
        told.append(_stepped(evidence.stepped, evidence))
    if evidence.accumulated:
        told.append(_accumulated(evidence.accumulated))
    if evidence.verified:
        told.append(_verified(evidence.verified))
    told += [_digits(digits) for digits in evidence.digits]
    told += _halves(evidence.parameters)
    return Section("experiments", "experiments" if told else "", tuple(told))


def _clipped(clipped: Clipped, title: str) -> Told:
    if clipped.before <= clipped.limit:
        return Told(f"clipping to {number(clipped.limit, 6)} changes nothing: the norm is {number(clipped.before, 6)}")
    factor = clipped.after / clipped.before if clipped.before else 1.0
    return Told(
        f"clipped to {number(clipped.limit, 6)}: norm {number(clipped.before, 6)} before, "
        f"{number(clipped.after, 6)} after, factor {number(factor)}; {title}'s own function: {number(clipped.own, 6)}"
    )


def _descent(descent: Descent, dtype: str) -> Told:
    gone = descent.before - descent.after
    if gone == 0:
        below = f", which is below its resolution in {dtype}" if below_resolution(descent, dtype) else ""
        return Told(
            f"one step of {number(descent.step)} along -g: the loss stays at {wide_number(descent.before)}; the "
            f"gradient promises {number(descent.promised)}{below}",
            "" if below else "warning",
        )
    verb = f"falls by {number(gone)}" if gone > 0 else f"does not fall but rises by {number(-gone)}"
    return Told(
        f"one step of {number(descent.step)} along -g: the loss {verb}, from {wide_number(descent.before)} to "
        f"{wide_number(descent.after)}; the gradient promises {number(descent.promised)}",
        "" if gone > 0 else "warning",
    )


def _stepped(stepped: Stepped, evidence: ModelEvidence) -> Told:
    kind = evidence.optimizer.kind if evidence.optimizer else "the optimizer"
    verb = "falls" if stepped.after < stepped.before else "does not fall"
    where = "" if stepped.same else " (of the next batch)"
    before, after = wide_number(stepped.before), wide_number(stepped.after)
    return Told(f"one step of {kind}: the loss {verb}, from {before} to {after}{where}")


def _accumulated(made: Accumulated) -> Told:
    relative = f", {number(made.difference / made.full, 2)} of it" if made.full else ""
    worst = f"; most in {made.worst} ({number(made.worst_difference, 2)} of its own)" if made.worst else ""
    return Told(
        f"accumulated over {made.parts} micro-batches of {', '.join(map(str, made.sizes))}: norm "
        f"{number(made.summed, 6)}, of the full batch {number(made.full, 6)}; the difference has norm "
        f"{number(made.difference)}{relative}{worst}",
        more=tuple(f"because: {reason}" for reason in made.reasons),
    )


def _verified(survey: Survey) -> Told:
    """What the path integrals along random directions say about the gradient."""
    ways = f"{counted(len(survey.segments), 'random direction')}, {counted(survey.evaluations, 'evaluation')}"
    if survey.agree:
        seen = f"errors of {number(survey.power, 1)} relative and more would have been found"
        return Told(f"verified: the gradient agrees with path integrals along {ways}; {seen}", "verified")
    wrong = [
        f"{label(entry.variable, entry.index)}: {number(entry.claimed, 6)} by backward, "
        f"{number(entry.estimated, 6)} ± {number(entry.bar, 1)} by differences"
        for entry in survey.wrong[:NAMED]
    ]
    left_out = len(survey.wrong) - NAMED
    wrong += [f"wrong entries that are not listed: {left_out}"] if left_out > 0 else []
    scaled = [
        f"{name or 'the whole gradient'} is {number(factor, 4)} times what it should be"
        for name, factor in survey.scaled.items()
    ]
    more = [] if survey.complete else ["the search was stopped: more may be wrong"]
    return Told(f"wrong: the gradient disagrees with path integrals along {ways}", "error", (*scaled, *wrong, *more))


def _digits(digits: Digits) -> Told:
    least = sorted(digits.parameters.items(), key=lambda item: item[1])[:NAMED]
    told = ", ".join(f"{name} {number(kept, 2)}" for name, kept in least)
    return Told(
        f"{digits.dtype} keeps {number(digits.whole, 2)} decimal digits of the whole gradient, against float64"
        + (f"; the fewest: {told}" if told else "")
    )


def _halves(parameters: Iterable[Parameter]) -> list[Told]:
    """What float16 would do to all the gradients together."""
    known = [parameter.halves for parameter in parameters if parameter.halves]
    if not known:
        return []
    count = sum(half.count for half in known)
    lost, subnormal = sum(half.lost for half in known), sum(half.subnormal for half in known)
    largest = max(half.largest for half in known)
    return [
        Told(
            f"in float16, of the numbers other than 0, {share(lost, count)} are lost (below 2^-24), "
            f"{share(subnormal, count)} are below 2^-14 and lose digits; the largest is {number(largest)} of 65504"
        )
    ]


def training_section(steps: Sequence[TrainingStep], end: TrainingStep | None = None) -> Section:
    """The trajectory: curves over all steps, and a table of some of them, and where the last one led."""
    listed = [*steps, *([end] if end else [])]
    shown = [*thinned(len(steps)), *([len(steps)] if end else [])]
    columns = _columns(listed, len(steps))
    told = [(head, texts) for head, texts in columns if set(texts) != {"-"}]
    rows = tuple(
        tuple(Cell(texts[place], "error" if listed[place].nonfinite else "") for _, texts in told) for place in shown
    )
    left_out = f"{len(shown) - bool(end)} of {counted(len(steps), 'step')} are shown; --format json has every one"
    legend = "largest update: RMS of an update over that of its weights"
    after = [left_out] * (len(shown) - bool(end) < len(steps)) + [legend] * any(one.ratio is not None for one in steps)
    return Section(
        "training",
        f"training, {counted(len(steps), 'step')}",
        curves=(
            Curve("loss", tuple(step.loss for step in steps)),
            Curve("gradient norm", tuple(step.norm for step in steps)),
        ),
        grid=Grid(tuple(head for head, _ in told), rows),
        after=tuple(map(Told, after)),
    )


def _columns(steps: Sequence[TrainingStep], taken: int) -> list[tuple[str, list[str]]]:
    """What is told of each step; of a few numbers each with its gradient. What stands behind the last is no step."""
    labels = list(steps[0].point)
    return [
        ("step", [str(step.step) if place < taken else "after" for place, step in enumerate(steps)]),
        ("loss", [wide_number(step.loss) for step in steps]),
        *((label, [wide_number(step.point[label]) for step in steps]) for label in labels),
        *((f"gradient {label}", [number(step.gradient.get(label), 6) for step in steps]) for label in labels),
        ("norm", [number(step.norm, 6) for step in steps]),
        ("clipped to", [number(step.clipped, 6) for step in steps]),
        ("largest update", [number(step.ratio) for step in steps]),
        ("dead units", [f"{100 * step.dead:.3g} %" if step.dead else "-" for step in steps]),
        ("not finite", [step.nonfinite or "-" for step in steps]),
    ]


def thinned(count: int, most: int = STEPS) -> list[int]:
    """At most ``most`` places out of ``count``, evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})
