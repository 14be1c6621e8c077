"""What a check has found: the words of the verdict, one entry for each derivative, findings, and the whole record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gradtool.evidence import Cause, Checked, Difference, Failure, Slot
from gradtool.problem import Problem
from gradtool.values import Index, Shape, Value, label

__all__ = [
    "FINE", "HERE", "WORDS", "CallableFacts", "CheckRecord", "Entry", "Finding", "Judged", "JudgedEntry", "Step",
    "StepPath", "worst",
]  # fmt: skip

WORDS: Mapping[str, str] = {
    "wrong": "autodiff differs from the true derivative by more than rounding explains",
    "unstable": "the formula is right, but its floating-point evaluation loses more than half the digits, or breaks",
    "inconclusive": "the witnesses cannot tell",
    "undefined": "the function has no value at this point",
    "out_of_range": "the true value or derivative does not fit the dtype",
    "not_differentiable": "a kink, a jump or a vertical tangent: left and right derivatives differ",
    "verified": "autodiff agrees with independent witnesses, within what rounding explains",
}
"""The seven verdicts, worst first, and what each means."""

FINE = frozenset({"verified"})
"""The verdicts with which nothing is amiss."""

HERE = "at this point"
"""What a remedy says of the point at which it was tried; a sweep says at how many instead."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed beside the verdict: ``code`` names the rule, ``message`` carries the measured figure.

    ``source`` is the user's line, as ``model.py:12``, where one is known, and ``cause`` what happened there.
    """

    code: str
    severity: str
    where: str
    message: str
    remedy: str
    source: str = ""
    parameters: tuple[str, ...] = ()
    """Those that it strikes, where there are more than ``where`` names."""
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One derivative. ``variable`` and ``index`` name it as ``evidence.Autodiff`` does, ``label`` for people.

    ``symbolic``, ``left`` and ``right`` are exact decimal texts of up to 40 digits. ``ulp`` is the error of
    ``autodiff`` in units in the last place, None where the truth is 0 or unknown; ``power`` the smallest relative
    error that would have been found; ``unconnected`` that the framework returned None.
    """

    variable: str
    autodiff: float | None
    verdict: str
    reason: str
    symbolic: str | None = None
    left: str | None = None
    right: str | None = None
    finite_difference: float | None = None
    finite_difference_bar: float | None = None
    ulp: float | None = None
    power: float | None = None
    unconnected: bool = False
    index: Index = ()
    label: str = ""
    count: int = 1
    """How many derivatives this stands for, where they were not followed one by one."""
    whole: bool = False
    """Whether the verdict is on the gradient by the variable as a whole: no single entry was looked at."""
    spot: str = ""
    """What there is at the point instead of a derivative, whatever autodiff makes of it; empty where there is one."""

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", label(self.variable, self.index))


Numbers = tuple[str | None, ...]
"""Exact numbers of an array in C order, as decimal texts of up to 40 digits; None where there is none."""


@dataclass(frozen=True, slots=True)
class StepPath:
    """One use of a node: as argument ``place`` of the node ``parent``.

    ``local`` is the derivative of the parent, an array of ``local_shape``, empty where it is long; ``formula`` says it
    in the user's own words, ``rule`` what the argument of an operation over whole arrays gets of the gradient G of its
    result. ``contribution`` is what this path adds to the node's adjoint.
    """

    parent: int
    place: int
    formula: str = ""
    rule: str = ""
    local: Numbers = ()
    local_shape: Shape = ()
    contribution: Numbers = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the chain rule: ``output``, ``intermediate``, ``leaf``, ``constant`` or ``condition``.

    ``arguments`` and ``paths`` name other nodes by their ``id``. ``value`` and ``retained`` are the framework's value
    and gradient, ``exact`` and ``adjoint`` the exact ones; ``value_off`` says that the value has lost half its digits,
    or more than rounding explains. ``verdict`` and ``ulp`` are about the gradient, the worst of its entries; ``note``
    says what goes wrong first here.
    """

    id: int
    kind: str
    operation: str
    text: str
    span: tuple[int, int]
    shape: Shape = ()
    arguments: tuple[int, ...] = ()
    paths: tuple[StepPath, ...] = ()
    value: Value | None = None
    exact: Numbers = ()
    value_off: bool = False
    adjoint: Numbers = ()
    framework_node: str = ""
    retained: Value | None = None
    ulp: float | None = None
    verdict: str = ""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallableFacts:
    """What a callable is, and how it was looked at; fields as in ``evidence.CallableEvidence`` and its points.

    ``label`` says where the point of the record comes from, ``beside`` the verdicts at other points.
    """

    name: str
    kind: str
    source: str
    label: str
    inputs: tuple[Slot, ...] = ()
    outputs: tuple[Slot, ...] = ()
    assumed: str = ""
    beside: tuple[tuple[str, str], ...] = ()
    evaluations: int = 0
    expression: str = ""
    untraced: str = ""
    surrogate: bool = False
    notes: tuple[str, ...] = ()
    chosen: bool = False
    """Whether it was said by which inputs to differentiate."""
    cast: bool = False
    """Whether its inputs were given the dtype that was asked for."""


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """One target at one point, by the ``framework`` whose name for people is ``title``.

    With ``problems`` the target could not be read, and nothing else is filled in.
    """

    name: str
    target: str
    framework: str
    title: str
    dtype: str
    seed: int
    point: Mapping[str, Value] = field(default_factory=dict)
    at: Mapping[str, str] = field(default_factory=dict)
    """What gave the point, as it was typed; empty where it was drawn."""
    mode: str = "gradient"
    order: int = 1
    upstream: Value | None = None
    shape: Shape = ()
    """That of the value."""
    versions: Mapping[str, str] = field(default_factory=dict)
    value: Value | None = None
    exact_value: str | None = None
    verdict: str = "inconclusive"
    entries: tuple[Entry, ...] = ()
    formulas: Mapping[str, str] = field(default_factory=dict)
    formula_note: str = ""
    norm: float | None = None
    asymmetry: float | None = None
    """Of a Hessian, the largest difference between two mirrored entries."""
    nan: int = 0
    inf: int = 0
    directions: tuple[Difference, ...] = ()
    """Finite differences along random directions, where there are too many entries for one each."""
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    problems: tuple[Problem, ...] = ()
    against: Checked | None = None
    """What the framework's own checker says, if it was asked."""
    seconds: float = 0.0
    drawn: bool = False
    """Whether the point was drawn from the seed, not given."""
    steps: tuple[Step, ...] = ()
    """The chain rule node by node, where it was asked for; the last one is the output."""
    callable: CallableFacts | None = None
    """Of a function, an operation or a module; None for an expression."""


class JudgedEntry(Protocol):
    """What figures over many records read of a derivative, whether it was checked or compared."""

    @property
    def verdict(self) -> str:
        """One of the command's words."""

    @property
    def reason(self) -> str:
        """Why."""

    @property
    def ulp(self) -> float | None:
        """The error, or the distance."""

    @property
    def count(self) -> int:
        """How many derivatives this stands for."""

    @property
    def label(self) -> str:
        """The name for people."""


class Judged(Protocol):
    """What figures over many records read of one of them, whether it is a check or a comparison."""

    @property
    def target(self) -> str:
        """The expression."""

    @property
    def dtype(self) -> str:
        """The arithmetic."""

    @property
    def point(self) -> Mapping[str, Value]:
        """Where."""

    @property
    def verdict(self) -> str:
        """The worst of its entries."""

    @property
    def entries(self) -> Sequence[JudgedEntry]:
        """One for each derivative."""

    @property
    def findings(self) -> Sequence[Finding]:
        """What was noticed."""

    @property
    def failures(self) -> Sequence[Failure]:
        """Witnesses that gave no evidence."""

    @property
    def problems(self) -> Sequence[Problem]:
        """Why it could not be read."""


def worst(words: list[str]) -> str:
    """The worst of some verdicts; ``inconclusive`` for none."""
    order = list(WORDS)
    return min(words, key=order.index, default="inconclusive")
