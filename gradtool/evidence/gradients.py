"""The records of what is seen of parameters and layers in one forward and backward pass.

Figures of a tensor are taken over all of its numbers; a norm is the l2 norm.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.values import Shape

__all__ = ["Halves", "Layer", "Parameter", "Statistics", "Weights"]


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
    late: bool = False
    """Whether a later pass of the program left a gradient, where the one that is told of left none."""
    held_in: str = ""
    """The plain list or mapping of a module (``model.hidden``) that holds it unregistered; empty for any other."""


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
