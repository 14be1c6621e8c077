"""One row of the operation table, and what its cells mean.

The cells are data, never evaluated as text:

* ``torch`` and ``tensorflow`` are call templates, ``"torch.clamp({x}, {lo}, {hi})"``, bound by dotted name in the
  framework's own process. An empty cell means that the framework runs ``formula`` instead.
* ``symbolic`` names the SymPy constructor; empty means that SymPy is given ``formula``.
* ``formula``, ``derivatives``, ``domain`` and ``kinks`` are written in the expression language itself, over the
  names of ``parameters``. ``derivatives[i]`` is the partial derivative by parameter i, in a form that loses no
  digits anywhere (so tanh' is 1/cosh^2, not 1 - tanh^2). ``kinks`` are expressions whose zero marks a point at which
  left and right derivatives may differ.
* ``options`` are settings that must be written out as whole numbers, such as ``axis``, with their defaults; a formula
  passes them on by name. ``shape`` names the rule that gives the shape of the result (``shapes.py``).
* ``stable`` is the formula as frameworks evaluate it, for a row over whole arrays (softmax subtracts the maximum).
* ``forward`` and ``backward`` state how a framework itself computes the value, and its derivative by each parameter
  (over the parameters and the output ``out``), where that form loses digits which a good one would not: they bound the
  rounding that is fair.
* ``loses`` holds forms whose rounding, or whose jumps within rounding, a framework's derivative by each parameter
  suffers besides.
* ``pullback`` states for each parameter of a row over whole arrays what of the gradient ``G`` of the result it gets
  (over the parameters, the output ``out``, and ``count``, how many entries are reduced to one): in the expression
  language where it has the words. It is for people only.
* ``deviations`` names what is known to be off by more than rounding, per framework, or per framework and dtype
  ("tensorflow/float64").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Operation"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table; the module docstring says what each cell means."""

    name: str
    parameters: tuple[str, ...]
    doc: str
    torch: str = ""
    tensorflow: str = ""
    symbolic: str = ""
    formula: str = ""
    derivatives: tuple[str, ...] = ()
    domain: str = ""
    kinks: tuple[str, ...] = ()
    group: str = "elementary"
    operator: str = ""
    aliases: tuple[str, ...] = ()
    variadic: bool = False
    """Takes more arguments, folded from the left: max(a, b, c) is max(max(a, b), c)."""
    logical: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    shape: str = "broadcast"
    stable: str = ""
    gather: bool = False
    """Takes any number of arguments, as one list."""
    instead: str = ""
    """What to write where people ask the row for more than it does."""
    called: str = ""
    """What people call it, where that is not the name: amax is written max(x)."""
    hidden: bool = False
    """For the table's own formulas; no user can write it."""
    forward: Mapping[str, str] = field(default_factory=dict)
    backward: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pullback: tuple[str, ...] = ()
    deviations: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name for people; an operator stands before its name, as in ``/ (divide)``."""
        return f"{self.operator} ({self.name})" if self.operator else self.called or self.name

    @property
    def signature(self) -> str:
        """How the row is called: ``sum(x, axis=None, keepdims=False)``."""
        settings = (f"{name}={default}" for name, default in self.options.items())
        return f"{self.name}({', '.join((*self.parameters, *settings))})"

    def deviation(self, framework: str, dtype: str) -> str:
        """What is known to be off in this framework and dtype; empty if nothing is."""
        return self.deviations.get(framework) or self.deviations.get(f"{framework}/{dtype}", "")

    def cell(self, framework: str) -> str:
        """The native call template of ``framework`` ("torch" or "tensorflow"); empty if it runs the formula.

        For "symbolic" the SymPy constructor.
        """
        return {"torch": self.torch, "tensorflow": self.tensorflow, "symbolic": self.symbolic}[framework]
