"""The records about a model: what is asked of it, and what one forward and backward pass testify.

Figures of a tensor are taken over all of its numbers; a norm is the l2 norm. Nothing is judged here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.evidence.expression import Survey
from gradtool.values import Shape, Value

__all__ = [
    "Accumulated", "Assumed", "Candidate", "Clipped", "Descent", "Digits", "Halves", "Head", "InputSpec", "Layer",
    "Loss", "ModelEvidence", "ModelRequest", "Optimizer", "Parameter", "Statistics", "Term", "Training", "TrainingStep",
    "Weights",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input as ``--input`` describes it: ``8,16:int64<500``. An empty ``dtype`` is that of the model."""

    shape: Shape
    dtype: str = ""
    below: int = 0
    """Integers are drawn from 0 to one less; 0 where nothing was said."""


@dataclass(frozen=True, slots=True)
class Training:
    """Train for ``steps`` optimizer steps and look at every one. An empty ``optimizer`` is the file's own, or SGD."""

    steps: int
    optimizer: str = ""
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Find the model in the file ``path``, run it forward and backward once, and say what the gradient does.

    ``name`` is what stands behind the colon; ``script`` asks for the file to be run as a program until its first
    backward pass. Empty texts and None stand for what the file itself says. ``mode`` is ``train`` or ``eval``.
    ``moments`` asks for the mean, the mean size and the standard deviation of every gradient.
    """

    key: int
    path: str
    name: str = ""
    script: bool = False
    framework: str = "torch"
    dtype: str = ""
    device: str = ""
    seed: int = 0
    inputs: list[InputSpec] = field(default_factory=list)
    loss: str = ""
    labels: str = ""
    mode: str = "train"
    moments: bool = False
    clip: float | None = None
    accumulate: int = 0
    training: Training | None = None
    verify: bool = False
    expression: str = ""
    """Instead of a file: an expression, whose variables are the parameters, at this point."""
    point: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assumed:
    """One thing that was found or inferred: its ``value``, ``why``, and the ``flag`` that overrides it."""

    what: str
    value: str
    why: str
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the numbers of one tensor. ``norm`` and ``largest`` (of the sizes) are NaN or infinite where a number is.

    ``zeros`` are exactly 0. ``mean``, ``mean_size`` and ``deviation`` are there where they were asked for.
    """

    count: int
    norm: float
    largest: float
    zeros: int
    nan: int = 0
    inf: int = 0
    mean: float | None = None
    mean_size: float | None = None
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """What is looked at in the weights themselves: ``equal`` says that all numbers have one size, other than 0.

    ``mean`` is that of a vector, such as a bias; None for what has more axes.
    """

    count: int
    norm: float
    equal: bool = False
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Halves:
    """What float16 does to a gradient: ``lost`` and ``subnormal`` are the numbers, other than 0, below 2^-24 and 2^-14.

    ``least`` is the size below which only 1 in 1000 of the numbers other than 0 lies.
    """

    count: int
    lost: int
    subnormal: int
    largest: float
    least: float


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter and its gradient; ``gradient`` is None where backward left none.

    ``layer`` is the module that owns it and ``kind`` that module's class. ``rows`` of ``all_rows`` are filled in a
    sparse gradient; 0 of 0 in a dense one. ``others`` are further names of the same tensor (tied weights), ``fan_in``
    the numbers that one output sums over (0 where that means nothing). ``group`` is its place in the optimizer's
    groups, None where the optimizer does not hold it or there is none; ``hooks`` are the user's own that may change
    the gradient.
    """

    name: str
    shape: Shape
    dtype: str
    layer: str
    kind: str
    trainable: bool
    weights: Weights
    gradient: Statistics | None
    fan_in: int = 0
    others: list[str] = field(default_factory=list)
    rows: int = 0
    all_rows: int = 0
    group: int | None = None
    rate: float | None = None
    hooks: list[str] = field(default_factory=list)
    halves: Halves | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A module's output, in the order of execution (``place``); of several calls the figures of the strongest.

    ``kind`` is the class, ``activation`` the function it applies if it is known (``relu``, ``sigmoid``, ``tanh``,
    ``softmax``, ...), ``inner`` whether it has modules of its own. ``rms``, ``least`` and ``largest`` are the output's
    root mean square, minimum and maximum, ``nonfinite`` how many of its numbers are NaN or infinite, ``gradient`` the
    l2 norm of the loss's gradient by the output (None where none arrives). Units are the last axis, or the channels of
    an image: ``dead`` are 0 for every sample of ``samples``, ``saturated`` is the share of the numbers beyond where the
    activation is flat. ``axis`` is the length of the axis that a softmax runs over. ``source`` is the user's line that
    called it, as ``model.py:12``. Of several calls, ``first_rms`` is that of the first, and ``last_gradient`` the norm
    at the last.
    """

    name: str
    kind: str
    place: int
    calls: int
    shape: Shape
    inner: bool
    rms: float
    least: float
    largest: float
    nonfinite: int
    gradient: float | None
    activation: str = ""
    units: int = 0
    dead: int = 0
    samples: int = 0
    saturated: float = 0.0
    axis: int = 0
    source: str = ""
    first_rms: float | None = None
    last_gradient: float | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One named term of a loss that is a sum: its value, the norm of its own gradient, its cosine to the whole."""

    name: str
    value: float
    norm: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss: its value, ``how`` it is computed and on which line, and the named terms that it is a sum of."""

    value: float
    how: str
    source: str = ""
    terms: list[Term] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Head:
    """The model's output beside the targets, both as ranges. ``classes`` is the number of integer classes, else 0.

    ``activation`` is that of the last operation; ``expects`` what the loss takes: ``logits``, ``probabilities`` or
    nothing in particular.
    """

    shape: Shape
    least: float
    largest: float
    activation: str = ""
    target_shape: Shape = ()
    target_least: float | None = None
    target_largest: float | None = None
    classes: int = 0
    expects: str = ""


@dataclass(frozen=True, slots=True)
class Optimizer:
    """The optimizer that was found or asked for. ``foreign`` counts tensors that it holds and the model does not."""

    kind: str
    rate: float | None
    foreign: int = 0
    adaptive: bool = False
    """Whether the size of a step is not that of the gradient, as in Adam; true too where it is not known."""
    first: float | None = None
    """Of an adaptive optimizer the size of its first step in units of the rate; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Descent:
    """One small step along -g, undone afterwards: the loss before and after, and what the gradient promises."""

    step: float
    before: float
    after: float
    promised: float


@dataclass(frozen=True, slots=True)
class Clipped:
    """Clipping to a global norm: that of before and after, and the framework's own figure for after."""

    limit: float
    before: float
    after: float
    own: float


@dataclass(frozen=True, slots=True)
class Accumulated:
    """The gradient of ``parts`` micro-batches against that of the full batch, as norms over all parameters.

    ``worst`` is the parameter with the largest relative difference; ``reasons`` are what is known to make one.
    """

    parts: int
    sizes: list[int]
    full: float
    summed: float
    difference: float
    worst: str = ""
    worst_difference: float = 0.0
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One optimizer step: the loss before it, the global norm before and after clipping, the largest update ratio.

    ``ratios`` are the root mean square of the update over that of the weights, by parameter. ``dead`` is the largest
    share of dead units of any layer, ``nonfinite`` the first parameter whose gradient is not finite. Where there are
    only a few numbers, ``point`` and ``gradient`` hold them by their labels.
    """

    step: int
    loss: float
    norm: float
    clipped: float | None = None
    ratio: float | None = None
    dead: float = 0.0
    nonfinite: str = ""
    point: dict[str, float] = field(default_factory=dict)
    gradient: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Digits:
    """How many decimal digits of a gradient survive in ``dtype``, against a run in float64: by parameter."""

    dtype: str
    parameters: dict[str, float]
    whole: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the file holds besides the model that was taken: its name, what it is, and why it was not taken."""

    name: str
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModelEvidence:
    """What one forward and one backward pass through a model leave behind, and the experiments that were asked for.

    ``model`` is its name in the file and ``kind`` its class; ``route`` says how it was found (``case``, ``name``,
    ``only``, ``class``, ``script``). ``norm`` is the global norm of the gradient. ``notes`` are sentences about what
    could not be looked at.
    """

    key: int
    framework: str
    version: str
    path: str
    model: str
    kind: str
    route: str
    dtype: str
    device: str
    mode: str
    seed: int
    assumed: list[Assumed]
    loss: Loss
    parameters: list[Parameter]
    layers: list[Layer]
    norm: float
    batch: int = 0
    head: Head | None = None
    optimizer: Optimizer | None = None
    candidates: list[Candidate] = field(default_factory=list)
    descent: Descent | None = None
    clipped: Clipped | None = None
    accumulated: Accumulated | None = None
    steps: list[TrainingStep] = field(default_factory=list)
    after: TrainingStep | None = None
    """Where the last step led: the loss and the norm behind it."""
    verified: Survey | None = None
    digits: list[Digits] = field(default_factory=list)
    zeroed: bool | None = None
    """In a training script, whether the gradients were cleared between two steps; None where that was not seen."""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
