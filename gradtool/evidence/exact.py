"""The records of the exact walk through an expression. High-precision numbers are decimal strings."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.values import Array, Index

__all__ = ["Exact", "ExactEntry", "ExactNode", "ExactTrace", "Grid", "Link", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the expression: its operation and the characters of the text that it covers."""

    operation: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the chain rule: the operation, and by how much it scales the upstream gradient, as decimal text."""

    place: Place
    factor: str


@dataclass(frozen=True, slots=True)
class ExactEntry:
    """One exact derivative, as decimal strings of 40 digits, and how well it can be computed.

    ``variable`` and ``index`` name it as in ``Autodiff``.

    ``kind`` is ``smooth`` (the derivative exists), ``kink``, ``jump``, ``vertical`` (an infinite one-sided slope),
    ``one_sided`` (defined on one side only), ``isolated`` (on neither), ``unknown`` (the slopes have no limit),
    ``baseless`` (of a higher derivative: the one below does not exist) or ``unsettled`` (the limits were not found).
    ``bound`` is the rounding error of the evaluation as written to first order, ``sensitivity`` what one rounding unit
    of the point does to the derivative. ``loss`` is the node where most digits are lost, and ``cause`` is how:

    - ``overflow`` and ``underflow`` of a value, ``backward_overflow`` of an adjoint, ``flushed`` of a subnormal
      coordinate;
    - ``cancellation`` in a sum, ``adjoint`` where paths meet in the backward pass, ``backward`` in a local derivative
      as the framework computes it, ``amplification`` of an argument's rounding;
    - ``branch``, a condition decided by rounding, and ``edge``, an argument within rounding of its domain's edge.

    ``touched`` stands exactly on a kink or an infinite slope, ``doubtful`` says that rounding decides some condition,
    ``flat`` is the operation that makes the derivative 0, ``absorbing`` a sum that loses its smaller term altogether,
    ``shrinking`` and ``growing`` are the steepest links of the chain.
    """

    variable: str
    kind: str
    derivative: str | None
    bound: str = "0"
    sensitivity: str = "0"
    left: str | None = None
    right: str | None = None
    loss: Place | None = None
    cause: str = ""
    touched: Place | None = None
    doubtful: bool = False
    flat: Place | None = None
    absorbing: Place | None = None
    shrinking: Link | None = None
    growing: Link | None = None
    index: Index = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """The exact derivatives by one variable of many entries, as ``high`` + ``low``: two float64 numbers, 32 digits.

    ``bound`` and ``sensitivity`` are as in ``ExactEntry``. ``loss`` counts from 1 in ``losses``, pairs of a place and a
    cause; 0 stands for none.
    """

    variable: str
    high: Array
    low: Array
    bound: Array
    sensitivity: Array
    loss: Array
    losses: list[tuple[Place, str]]


@dataclass(frozen=True, slots=True)
class Exact:
    """The exact walk: value and derivatives of the expression as written, computed in high precision.

    Of many entries ``grids`` holds the ordinary ones, and ``entries`` those that there is more to say about.

    ``status`` is ``defined``, ``undefined`` (``reason`` says which operation has no value there; ``limit`` is the
    value that would fill a removable singularity) or ``beyond`` (a number too large for any computer
    arises; ``value`` is then infinity if it is the value itself). ``value_loss`` and ``value_cause`` say where most
    digits of the value are lost, and how, as ``loss`` and ``cause`` of an ``ExactEntry`` do of a derivative.
    """

    key: int
    status: str
    value: str | None
    entries: list[ExactEntry]
    value_bound: str = "0"
    reason: str = ""
    where: Place | None = None
    limit: str | None = None
    digits: int = 0
    seconds: float = 0.0
    grids: list[Grid] = field(default_factory=list)
    value_loss: Place | None = None
    value_cause: str = ""


@dataclass(frozen=True, slots=True)
class ExactNode:
    """The exact walk at one node of the tree: decimal texts for each of its numbers, None where there is none.

    ``bounds`` are those of the values. ``entries`` are the derivatives of the output by each number of the node, along
    the path through this node alone. ``local`` is the derivative of the node above, in the shape that ``target.chain``
    gives it; empty where it is not written out.
    """

    values: list[str | None]
    bounds: list[str]
    entries: list[ExactEntry]
    local: list[str | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ExactTrace:
    """The exact walk node by node, in the order of evaluation; without nodes where it has none, for a ``reason``."""

    key: int
    nodes: list[ExactNode]
    reason: str = ""
