"""What comparing two models means: where they part first, in execution order, and why. Pure functions on evidence.

In float64 pairs that agree are apart by 1e-13, or by some 1e-8 where Keras keeps constants in float32, and another
epsilon, slope or order moves what comes out by 1e-6 and more; what a model makes of a small move of its weights and
inputs is measured and allowed for. In a lower precision it is told where more than half of the digits are gone that
moving weights and inputs by one rounding unit leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gradtool.evidence import ComparedLayer, ComparedParameter, Distance, Failure, PairEvidence, Setting
from gradtool.problem import ExitCode
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["APART", "FEW", "ModelComparison", "apart", "differs", "exit_code", "first_apart", "judge_pair", "limit"]

APART = 1e-7
"""Relative difference in float64 from which two models are not the same function."""
CONSTANTS = 1e-11
"""That from which more than the order of sums is at work."""
FEW = 10.0
"""So many times what a small move does is the same function still; the largest of three draws is an estimate."""
UNITS: Mapping[str, float] = MappingProxyType(
    {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
)

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "epsilon": "Give both the same epsilon: eps= in PyTorch (1e-5 unless told), epsilon= in Keras (1e-3).",
        "slope": "Give both the same slope: negative_slope is 0.01 in PyTorch, 0.3 in Keras's LeakyReLU, and 0.2 in "
        "leaky_relu of Keras and TensorFlow.",
        "approximate": "Use one form of gelu: approximate='tanh' in PyTorch is approximate=True in Keras, and "
        "neither is the exact one; of all, keras.ops.gelu alone takes the one with tanh unless told.",
        "padding": "Pad by hand in Keras, ZeroPadding in front and padding='valid': with a stride, 'same' pads more "
        "at the end, PyTorch alike on both.",
        "reset after": "Use GRU(reset_after=True) in Keras, its default: PyTorch applies the reset gate after the "
        "product.",
        "statistics": "Bring both into one mode: train() and training=True, or eval() and training=False; in Keras, "
        "trainable=False makes a batch normalisation use its stored statistics.",
        "bias": "Give both layers a bias, or neither (bias=False in PyTorch, use_bias=False in Keras).",
        "function": "Use the same function on both sides.",
        "padding mode": "Pad in the same mode on both sides.",
        "padding counted": "AvgPool2d(count_include_pad=False) leaves out the padding, as Keras does.",
    }
)
"""What to do about a setting that differs."""


KINDS: Mapping[str, str] = MappingProxyType(
    {
        "flatten": "PyTorch flattens images with channels in front, Keras with channels last, and what follows is no "
        "dense layer whose weights could be carried over in that order: put layers.Permute((3, 1, 2)) before Flatten "
        "in Keras.",
    }
)
"""What to do about a kind of layer where no setting differs."""


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Two models. Without ``evidence``, ``failures`` say why there is none."""

    target: str
    evidence: PairEvidence | None
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    seed: int = 0
    seconds: float = 0.0


def exit_code(record: ModelComparison, *, strict: bool) -> ExitCode:
    """What the shell is told: findings before what could not be run, that before a witness that failed."""
    severities = {"error", "warning"} if strict else {"error"}
    if any(one.severity in severities for one in record.findings):
        return ExitCode.FINDING
    if any(failure.reason == "file" for failure in record.failures):
        return ExitCode.UNUSABLE
    return ExitCode.NO_VERDICT if record.failures or record.evidence is None else ExitCode.OK


def limit(one: Distance) -> float:
    """The distance that small moves of weights and inputs explain, and at least half the digits of a lower precision.

    Sums over thousands of terms that cancel, as in the gradient of a bias, lose a few digits more than such a move.
    """
    least = APART if one.dtype == "float64" else UNITS.get(one.dtype, 1.0) ** 0.5
    return max(least, FEW * (one.floor or 0.0))


def apart(one: Distance) -> bool:
    """Whether a distance is more than that, or no number."""
    return not one.difference <= limit(one)


def judge_pair(evidence: PairEvidence) -> tuple[Finding, ...]:
    """The findings, causes before what follows from them."""
    causes = [*_where(evidence)]
    follows = [*_unpaired(evidence), *_one_sided(evidence)]
    if causes or any(one.code == "GT324" for one in follows):
        return (*causes, *follows)
    return (*follows, *_beyond_rounding(evidence), *_constants(evidence))


def _deciding(evidence: PairEvidence, found: Sequence[Distance]) -> Distance | None:
    """The distance in float64, or in the other dtype where a side would not run in float64."""
    wide = evidence.left.dtype == evidence.right.dtype == "float64"
    return None if not found else found[0] if wide else found[-1]


def _parts(evidence: PairEvidence, found: Sequence[Distance]) -> bool:
    one = _deciding(evidence, found)
    return one is not None and apart(one)


def differs(evidence: PairEvidence) -> bool:
    """Whether the models are different functions of their inputs and weights: by output, loss or gradient.

    A layer that differs, and nothing that follows from it does, is no difference between the models.
    """
    outcomes = [layer.outputs for layer in evidence.layers[-1:]] + [one.gradients for one in evidence.parameters]
    return any(_parts(evidence, found) for found in (*outcomes, evidence.loss))


def _forward(evidence: PairEvidence) -> ComparedLayer | None:
    """The first layer in execution order whose output differs, in its numbers or its shape."""
    shapes = ("output shape",)
    return next(
        (
            layer
            for layer in evidence.layers
            if _parts(evidence, layer.outputs) or any(one.name in shapes for one in layer.settings)
        ),
        None,
    )


def first_apart(evidence: PairEvidence) -> ComparedLayer | None:
    """The first layer in execution order whose output differs, else the first on the way back whose gradient does."""
    if not differs(evidence):
        return None
    forward = _forward(evidence)
    if forward is not None or _parts(evidence, evidence.loss):
        return forward
    place = _backward(evidence)
    return None if place is None else evidence.layers[place]


def _where(evidence: PairEvidence) -> Iterator[Finding]:
    """The place where the two part."""
    if not differs(evidence):
        return
    forward = _forward(evidence)
    if forward is not None:
        yield _at_layer(evidence, forward)
    elif _parts(evidence, evidence.loss):
        yield _at_loss(evidence)
    elif (place := _backward(evidence)) is not None:
        layer = evidence.layers[place]
        worst = max((d.difference for p in evidence.parameters for d in p.gradients[:1]), default=0.0)
        yield finding(
            "GT322", _both_names(layer),
            f"outputs agree, and gradients differ by up to {worst:.2g}: they part on the way back through "
            f"{_shown(layer)}{_because(evidence, layer)}", _remedy(layer), source=_source(layer),
        )  # fmt: skip


def _backward(evidence: PairEvidence) -> int | None:
    """The layer nearest to the output whose way back differs: its input's gradient, or a parameter's of its own."""
    compared = [place for place, layer in enumerate(evidence.layers) if layer.gradients or layer.kind == "output"]
    wrong = [place for place in compared if _parts(evidence, evidence.layers[place].gradients)]
    behind = [next((later for later in compared if later > place), place) for place in wrong[-1:]]
    owners = {layer.left: place for place, layer in enumerate(evidence.layers)}
    own = [owners[p.layer] for p in evidence.parameters if p.layer in owners and _parts(evidence, p.gradients)]
    return max([*behind, *own], default=None)


def _at_layer(evidence: PairEvidence, layer: ComparedLayer) -> Finding:
    figure = _deciding(evidence, layer.outputs)
    size = f"{figure.difference:.2g} in {figure.dtype}" if figure else ""
    what = f"differs by {size}" if size else "has another shape"
    message = f"everything before agrees, and the output of {_shown(layer)} {what}{_because(evidence, layer)}"
    others = sum(_parts(evidence, one.gradients) for one in evidence.parameters)
    if others:
        message += f"; {others} of {len(evidence.parameters)} parameters get another gradient"
    return finding("GT320", _both_names(layer), message, _remedy(layer), source=_source(layer))


def _at_loss(evidence: PairEvidence) -> Finding:
    mine, yours = evidence.values[0]
    ratio = f", {max(mine / yours, yours / mine):.4g} times as much" if mine * yours > 0 else ""
    told = f"{mine:.6g} in {_name(evidence, 0)} and {yours:.6g} in {_name(evidence, 1)}{ratio}"
    return finding("GT321", "loss", f"the outputs agree, and the loss is {told}")


def _because(evidence: PairEvidence, layer: ComparedLayer) -> str:
    """What is known of the reason: settings that differ, and layers that only one side runs."""
    names = {"left": _name(evidence, 0), "right": _name(evidence, 1)}
    told = [_setting(one, names) for one in layer.settings]
    for side in ("left", "right"):
        alone = [f"{title} ({source})" if source else title for where, title, source in layer.alone if where == side]
        if alone:
            told.append(f"only {names[side]} runs {', '.join(alone)} before it")
    return f": {'; '.join(told)}" if told else ""


def _setting(one: Setting, names: Mapping[str, str]) -> str:
    return f"{one.name} {one.left or 'not set'} in {names['left']}, {one.right or 'not set'} in {names['right']}"


def _name(evidence: PairEvidence, place: int) -> str:
    return (evidence.left, evidence.right)[place].framework


def _remedy(layer: ComparedLayer) -> str:
    """What to do about the first setting that differs, or that which is known of the layers in between."""
    known = next((REMEDIES[one.name] for one in layer.settings if one.name in REMEDIES), "")
    known = known or KINDS.get(layer.kind, "")
    if known or not layer.alone:
        return known
    return f"Run the same layers on both sides: {', '.join(title for _, title, _ in layer.alone)} has no partner."


def _both_names(layer: ComparedLayer) -> str:
    return layer.left if layer.left == layer.right else f"{layer.left} / {layer.right}"


def _shown(layer: ComparedLayer) -> str:
    if layer.kind == "output":
        return "the models"
    mine = f"{layer.left_title}{f' ({layer.left_source})' if layer.left_source else ''}"
    yours = f"{layer.right_title}{f' ({layer.right_source})' if layer.right_source else ''}"
    return mine if mine == yours else f"{mine} and {yours}"


def _source(layer: ComparedLayer) -> str:
    return layer.left_source or layer.right_source


def _unpaired(evidence: PairEvidence) -> Iterator[Finding]:
    for one in evidence.parameters:
        if one.left and one.right:
            continue
        mine, other = (0, 1) if one.left else (1, 0)
        layer = next((x for x in evidence.layers if one.layer == (x.left, x.right)[mine]), None)
        where = one.left or one.right
        shape = "x".join(map(str, one.left_shape or one.right_shape))
        yield finding(
            "GT323", _both_names(layer) if layer else where,
            f"{where} ({shape}) of {_name(evidence, mine)} has no partner in {_name(evidence, other)}",
            source=_source(layer) if layer else "",
        )  # fmt: skip


def _one_sided(evidence: PairEvidence) -> Iterator[Finding]:
    for one in evidence.parameters:
        if one.missing:
            names = _name(evidence, 0), _name(evidence, 1)
            without, having = names if one.missing == "left" else names[::-1]
            yield finding(
                "GT324", one.left, f"{one.left} / {one.right} gets a gradient in {having} and none in {without}"
            )


def _beyond_rounding(evidence: PairEvidence) -> Iterator[Finding]:
    """The first parameter, in the order of the model, that is too far apart in the dtype asked for."""
    found = [(one, d) for one in evidence.parameters for d in one.gradients[-1:] if d.dtype != "float64" and apart(d)]
    if found:
        one, worst = max(found, key=lambda row: row[1].difference / limit(row[1]))
        moved = (
            f", and moving weights and inputs by a rounding unit changes it by {worst.floor:.2g}" if worst.floor else ""
        )
        others = f"; so do those of {len(found) - 1} other parameters" if len(found) > 1 else ""
        yield finding(
            "GT325", _parameter(one), f"its gradients differ by {worst.difference:.2g} in {worst.dtype}{moved}{others}"
        )


def _parameter(one: ComparedParameter) -> str:
    return one.left if one.left == one.right else f"{one.left} / {one.right}"


def _constants(evidence: PairEvidence) -> Iterator[Finding]:
    """A difference in float64 that is too large for rounding and too small for another function."""
    for layer in evidence.layers:
        for one in layer.outputs[:1]:
            if one.dtype == "float64" and CONSTANTS < one.difference <= APART:
                yield finding(
                    "GT326", _both_names(layer),
                    f"from {_shown(layer)} on the outputs differ by {one.difference:.2g} in float64",
                    source=_source(layer),
                )  # fmt: skip
                return
