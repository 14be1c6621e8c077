"""The records about two models that are to be one: what each side is asked and has, and where they part."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.evidence.model import Assumed
from gradtool.evidence.written import Written
from gradtool.values import Shape

__all__ = [
    "Choices",
    "ComparedLayer",
    "ComparedParameter",
    "Distance",
    "Mapped",
    "PairEvidence",
    "PairRequest",
    "Reach",
    "Setting",
    "Side",
    "SideLayer",
    "SideRequest",
    "SideRun",
]


@dataclass(frozen=True, slots=True)
class SideRequest:
    """Asked of one side: to ``load`` its model, to ``describe`` it, to ``run`` it, or its ``reach``.

    To run is forward and backward; the reach is what else changes when the arrays of one of the ``sources`` do.

    ``side`` (``left`` or ``right``) begins the names of the files that this side writes into ``folder``; arrays travel
    through it. ``role`` names the function of a shared file (``torch_model``); ``name`` is what stands behind the
    colon. ``inputs`` is the file of the inputs. ``channels_last`` says how the other side lays out images. ``run``
    reads ``SIDE.given.npz`` and writes the outputs and gradients, of the projection instead of the file's loss without
    ``own_loss``; with ``draws`` it repeats that so often with weights and inputs moved by one rounding unit, in float64
    by 2**-27.
    """

    key: int
    step: str
    side: str
    path: str
    folder: str
    role: str = ""
    name: str = ""
    inputs: str = ""
    dtype: str = "float64"
    seed: int = 0
    mode: str = "train"
    channels_last: bool = True
    draws: int = 0
    sources: list[list[str]] = field(default_factory=list)
    own_loss: bool = True


@dataclass(frozen=True, slots=True)
class SideLayer:
    """One call of a layer, or of a function that counts as one; ``kind`` and ``config`` are in words common to both.

    ``weights`` are the names of its arrays by their part (``weight``, ``bias``), with their shapes beside them; a
    second call of the same layer has none. ``shape`` is that of the output, ``takes`` that of the input.
    """

    name: str
    kind: str
    title: str
    config: dict[str, str] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, list[int]] = field(default_factory=dict)
    shape: Shape = ()
    takes: list[int] = field(default_factory=list)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A line of the file's own ``gradtool_map``: a parameter on the left, one on the right, and the order of axes."""

    left: str
    right: str
    axes: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One model as its framework describes it. ``inputs`` says whether they are its ``own``, ``drawn`` or unknown.

    ``layers`` are in the order of execution and empty before ``describe``; ``outputs`` are the shapes that come out,
    ``keys`` what the model calls them (their places where it does not).
    ``trained`` are the parameters that get a gradient.
    """

    key: int
    framework: str
    version: str
    model: str
    kind: str
    dtype: str = ""
    inputs: str = ""
    channels_last: bool = True
    layers: list[SideLayer] = field(default_factory=list)
    trained: list[str] = field(default_factory=list)
    outputs: list[list[int]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    loss: str = ""
    assumed: list[Assumed] = field(default_factory=list)
    mapped: list[Mapped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: Written = field(default_factory=Written)


@dataclass(frozen=True, slots=True)
class SideRun:
    """The loss of one forward and backward pass, and the dtype of the weights it ran with."""

    key: int
    loss: float
    dtype: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reach:
    """Which numbers (``value:PLACE``, ``output:PLACE``) change with each source: layers, then inputs if several.

    ``known`` are all numbers that there are.
    """

    key: int
    known: list[str]
    changed: list[list[str]]


@dataclass(frozen=True, slots=True)
class PairRequest:
    """Asked of the pairing room: to ``pair`` the layers and carry the weights over, or to ``compare`` two runs each.

    ``choices`` asks for the ways in which layers may be partners, by what is ``reached`` on either side. ``partners``
    are places, left and right, that are settled so where kind, shapes and names leave a choice.
    """

    key: int
    step: str
    folder: str
    left: Side
    right: Side
    seed: int = 0
    dtypes: list[str] = field(default_factory=list)
    draws: int = 0
    partners: list[list[int]] = field(default_factory=list)
    reached: list[Reach] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choices:
    """The ways in which layers may be partners, the likeliest first: (left place, right place) each.

    ``certain`` says that what feeds what leaves the first one alone. ``message`` and ``hint`` are for people, where no
    way makes the models agree and none is certain.
    """

    key: int
    ways: list[list[list[int]]]
    certain: bool
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two arrays are apart in one dtype, relative to their size, and what rounding alone does to the left one.

    ``floor`` is the largest distance among the runs that were moved by one rounding unit, in float64 by 2**-27; None
    where none was made.
    """

    dtype: str
    difference: float
    floor: float | None = None
    left_error: float | None = None
    right_error: float | None = None
    """In a lower precision, how far each side's gradient is from its own in float64; None where that is not known."""


@dataclass(frozen=True, slots=True)
class ComparedParameter:
    """A parameter on both sides. ``word`` says how the left becomes the right; an empty name has no partner there."""

    left: str
    right: str
    left_shape: list[int]
    right_shape: list[int]
    word: str
    layer: str
    gradients: list[Distance] = field(default_factory=list)
    missing: str = ""
    """The side on which the backward pass gave no gradient, where only one did."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of a layer's configuration that differs."""

    name: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class ComparedLayer:
    """A layer on both sides, in the order of execution of the left. ``outputs`` is empty where they don't compare.

    ``alone`` names layers that ran since the pair before this one and have no partner: side, title, source.
    """

    left: str
    right: str
    kind: str
    left_title: str
    right_title: str
    left_source: str = ""
    right_source: str = ""
    outputs: list[Distance] = field(default_factory=list)
    gradients: list[Distance] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    alone: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """What comparing two models leaves behind: parameters, layers (the last one is the ``output``), and the losses."""

    key: int
    left: Side
    right: Side
    parameters: list[ComparedParameter]
    layers: list[ComparedLayer]
    loss: list[Distance] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)
    """The two losses in each dtype."""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    open: int = 0
    """Layers of the left for whose partners kind, shapes and names leave a choice."""
