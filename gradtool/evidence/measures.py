"""The records of how a gradient can be had, and how long it takes: by every mode of a framework, and written by hand.

Times are seconds of wall-clock time of one run, memory is in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.evidence.expression import Request
from gradtool.values import Value

__all__ = ["MeasureRequest", "Mode", "Spread", "Timed"]


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """Compute the gradient of ``request`` by every mode (``modes``), or measure how long it takes (``timing``).

    It is the gradient of the value, weighed by the upstream gradient, whatever mode the request itself names.
    ``formulas`` are derivatives as text in the expression language, by the label of their entry, as in
    ``evidence.Formulas``: they are evaluated by the framework beside its own gradient.
    """

    request: Request
    modes: bool = False
    timing: bool = False
    formulas: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> int:
        """That of the request."""
        return self.request.key


@dataclass(frozen=True, slots=True)
class Spread:
    """Of repeated runs after a warm-up: the median time, the quartiles, and how many runs there were.

    ``first`` is the very first run, in which whatever is compiled is compiled.
    """

    median: float
    low: float
    high: float
    runs: int
    first: float


@dataclass(frozen=True, slots=True)
class Mode:
    """The gradient by one mode: ``reverse``, ``forward``, ``loop``, ``vmap``, ``checkpoint``, ``graph``, ``compiled``.

    ``title`` is what the framework calls it. ``ulp`` is the worst difference to plain reverse mode, in units of the
    last place of the larger of both entries; NaN beside NaN is none. Where terms cancel many ulp are fair:
    ``ulp_of_largest`` counts the same in those of the largest entry by the same variable. ``time`` is of the value and
    the gradient at ``points`` points. ``peak`` is the most memory that was allocated at once for tensors, ``kept`` what
    is held between the forward and the backward pass: None where the framework keeps no account.

    Of forward mode, whose Jacobian J is tested with random v and w, ``left`` is <w, J v>, ``right`` is <J^T w, v> by
    reverse mode, and ``scale`` the sum of the magnitudes of all the terms of both. ``skipped`` says why nothing was
    computed.
    """

    key: int
    witness: str
    version: str
    mode: str
    title: str
    value: Value | None = None
    gradients: dict[str, Value | None] = field(default_factory=dict)
    ulp: float | None = None
    ulp_of_largest: float | None = None
    left: float | None = None
    right: float | None = None
    scale: float | None = None
    points: int = 1
    time: Spread | None = None
    peak: int | None = None
    kept: int | None = None
    memory: str = ""
    """How memory was measured, or why it was not."""
    note: str = ""
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Timed:
    """How long ``work`` takes: ``value``, ``gradient`` (with the value), or ``formula``, the derivative written out.

    ``gradient`` is by reverse mode. ``how`` is ``eager``, ``graph`` or ``compiled``, ``title`` the framework's name
    for that. ``ulp`` is the worst difference of the formula's numbers to the gradient, as in ``Mode``.
    """

    key: int
    witness: str
    version: str
    work: str
    how: str
    title: str
    time: Spread | None = None
    ulp: float | None = None
    skipped: str = ""
