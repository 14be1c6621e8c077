"""The records about a callable: a function, a custom operation, a module or a layer, of which no formula is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.evidence.causes import Cause
from gradtool.evidence.expression import Autodiff, Checked, WrongEntry
from gradtool.values import Shape, Value

__all__ = ["Breach", "CallableEvidence", "CallablePoint", "CallableRequest", "Slot"]


@dataclass(frozen=True, slots=True)
class CallableRequest:
    """Check the gradient of ``name`` in the file ``path``, or of every callable there if it has no name.

    ``at`` gives inputs by the names of the arguments, else the file says or they are drawn. An empty ``dtype`` is that
    of the inputs. ``order`` 2 asks for the gradient of the gradient too. ``surrogate`` says that the gradient is wrong
    on purpose (straight-through, reversal): then only the contract is looked at. ``against`` and ``step`` are as in
    ``Request``.
    """

    key: int
    path: str
    name: str = ""
    framework: str = "torch"
    at: dict[str, Value] = field(default_factory=dict)
    wrt: list[str] = field(default_factory=list)
    dtype: str = ""
    device: str = ""
    seed: int = 0
    mode: str = "gradient"
    order: int = 1
    upstream: Value | None = None
    surrogate: bool = False
    against: str = ""
    step: float | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """An argument or a result: its name, shape and dtype, and whether it is differentiated."""

    name: str
    shape: Shape
    dtype: str
    differentiated: bool = True


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule between an operation and autodiff that is broken: ``kind`` is its code in ``verdict.contract_rules``.

    ``variable`` is the argument or the result concerned, empty for all; ``told`` is a sentence with the figures
    measured, ``size`` the largest of them, relative where that makes sense. ``at`` names the point.
    """

    kind: str
    variable: str
    told: str
    size: float = 0.0
    at: str = ""


@dataclass(frozen=True, slots=True)
class CallablePoint:
    """Autodiff and what disagrees with it at one point.

    ``label`` says where the point comes from: ``given``, ``drawn``, ``negative``, ``large``, ``zero``, ``equal`` ...;
    ``upstream`` are the weights of the outputs, whose weighed sum is differentiated, one for each output. ``autodiff``
    holds differences entry by entry where there are few, and a survey of the whole. ``confirmed`` are the entries that
    a ladder of differences and the path integral along the entry's own axis both contradict. ``expressions`` are the
    outputs as formulas over the point and ``constants``, where the callable could be traced; else ``untraced`` says
    why.
    """

    label: str
    point: dict[str, Value]
    upstream: list[Value]
    autodiff: Autodiff
    confirmed: list[WrongEntry] = field(default_factory=list)
    expressions: list[str] = field(default_factory=list)
    constants: dict[str, Value] = field(default_factory=dict)
    untraced: str = ""
    causes: list[Cause] = field(default_factory=list)
    """Why the gradient is None or not finite here, or what cuts a part of it; their parameters are the inputs."""


@dataclass(frozen=True, slots=True)
class CallableEvidence:
    """One callable: what it is, where it stands in the file (``source``), and what was seen of it."""

    key: int
    witness: str
    version: str
    name: str
    kind: str
    source: str
    dtype: str
    inputs: list[Slot]
    outputs: list[Slot]
    points: list[CallablePoint]
    breaches: list[Breach]
    assumed: str = ""
    """How the inputs were found."""
    surrogate: bool = False
    evaluations: int = 0
    seconds: float = 0.0
    checked: Checked | None = None
    """What the framework's own checker says, if it was asked."""
    notes: list[str] = field(default_factory=list)
