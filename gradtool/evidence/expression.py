"""The records about an expression: what a witness is asked of it, and what the frameworks and SymPy testify."""

from __future__ import annotations

from dataclasses import dataclass

from gradtool.values import Index, Value

__all__ = [
    "Autodiff", "Checked", "Difference", "Formulas", "Points", "Request", "SampleRequest", "Survey", "Trace",
    "WrongEntry",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """Differentiate ``expression`` at ``point`` by the names in ``wrt``, as ``framework`` runs it in ``dtype``.

    ``mode`` is ``gradient`` (of the value, or of the sum of ``upstream`` times the entries of the value), ``jacobian``
    (of every entry of the value), ``hessian`` or ``orders`` (every derivative by one variable up to ``order``).
    ``formula`` asks for the derivative as text too, ``steps`` for a trace: the chain rule node by node. ``against``
    names the framework's own checker to be run on the same function, ``step`` the step of its differences (None: its
    own).
    """

    key: int
    expression: str
    point: dict[str, Value]
    wrt: list[str]
    framework: str
    dtype: str = "float64"
    seed: int = 0
    formula: bool = True
    mode: str = "gradient"
    order: int = 1
    upstream: Value | None = None
    against: str = ""
    step: float | None = None
    steps: bool = False


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Draw ``count`` points from ``seed`` at which every operation of ``expression`` is inside its domain."""

    key: int
    expression: str
    wrt: list[str]
    framework: str
    dtype: str = "float64"
    seed: int = 0
    count: int = 5


@dataclass(frozen=True, slots=True)
class Points:
    """The points drawn for a SampleRequest; fewer than asked for where the domain was not found."""

    key: int
    points: list[dict[str, Value]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Finite differences of the framework's own function along one coordinate, with error bars.

    ``variable`` and ``index`` name the entry as in ``Autodiff``; a ``variable`` of ``direction 1`` and so on stands
    for a random direction, along which autodiff claims the slope ``claim``.
    ``regime`` is what the growth of the differences with the step says: ``smooth``, ``kink``, ``jump``, ``steep``
    (a cusp or vertical tangent), ``one_sided`` (only one side has values) or ``unclear``.
    """

    variable: str
    regime: str
    value: float
    bar: float
    left: float
    left_bar: float
    right: float
    right_bar: float
    evaluations: int
    index: Index = ()
    claim: float = 0.0


@dataclass(frozen=True, slots=True)
class WrongEntry:
    """An entry of a gradient that a search has found: what is claimed, and what its own difference says."""

    variable: str
    index: Index
    claimed: float
    estimated: float
    bar: float


@dataclass(frozen=True, slots=True)
class Survey:
    """A gradient of too many entries to be followed one by one, tested as a whole along random directions.

    ``segments`` holds (difference of the values, integral of the gradient, error bar) for each direction; ``power`` is
    the smallest relative error of the whole that would have been seen in each, ``entries`` per variable the smallest
    error of any one entry. Where they disagree, ``wrong`` names entries and ``scaled`` whole variables (the empty name
    for all) with the factor by which they are off; ``complete`` says that nothing else was left to be found.
    ``evaluations`` counts values and gradients, ``gradients`` those that were gradients.
    """

    segments: list[tuple[float, float, float]]
    agree: bool
    power: float
    entries: dict[str, float]
    wrong: list[WrongEntry]
    scaled: dict[str, float]
    complete: bool
    evaluations: int
    gradients: int = 0


@dataclass(frozen=True, slots=True)
class Autodiff:
    """Reverse mode by a framework: the value, and the derivatives (None where it returned None).

    A gradient has the name of its variable. In a Jacobian the index of an entry is that of the output and then that
    of the variable. A Hessian's blocks are named by two variables, ``x,y``, a third derivative ``x,x,x``.
    """

    key: int
    witness: str
    version: str
    value: Value
    gradients: dict[str, Value | None]
    differences: list[Difference]
    seconds: float
    survey: Survey | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What the framework's own gradient checker ``tool`` says about the same function, point and dtype.

    ``asked`` is how it was asked for: ``gradcheck``, or ``gradcheck:1e-05`` with another step than its own.
    ``outcome`` is its verdict, ``passed`` or ``failed``, or ``compared`` where it leaves that to others, or
    ``not_run``; ``message`` is the first line of its error, or why it was not run. ``gradients`` are its own
    differences as in ``Autodiff``, where they can be had. ``function`` is what it was given.
    """

    key: int
    asked: str
    tool: str
    version: str
    settings: dict[str, float]
    outcome: str
    message: str
    gradients: dict[str, Value]
    function: str = "the expression"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Formulas:
    """SymPy's derivative per variable, in the expression language; ``values`` it gives at the point, 40 digits.

    A value is None where the formula has none. ``note`` says why formulas are missing, if they are.
    """

    key: int
    formulas: dict[str, str]
    values: dict[str, str | None]
    version: str
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Trace:
    """What a framework keeps of every node of the expression's tree, in the order of evaluation.

    Its value, its retained gradient (None where it keeps none), and the framework's own name for it. A variable is one
    node for each time it is used; its gradient is then the whole one.
    """

    key: int
    witness: str
    values: list[Value]
    gradients: list[Value | None]
    names: list[str]
