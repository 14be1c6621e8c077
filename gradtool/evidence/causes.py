"""Why a gradient is None, exactly zero or not finite: the operation, its line, and the way from there."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.values import Shape

__all__ = ["Cause", "CodeLine", "FurtherCut", "Operand", "Waypoint"]


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A line of the user's program: ``source`` as ``model.py:12``, its ``text``, and the ``function`` it stands in.

    Where the code lies in no file, as in a notebook, ``text`` may be empty and the function is all that is known.
    """

    source: str = ""
    text: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True)
class Operand:
    """What an operation was given: a tensor's range and how many of its ``count`` numbers are 0, NaN or infinite."""

    shape: Shape
    dtype: str
    least: float | None = None
    """Of the finite numbers; None where there is none."""
    largest: float | None = None
    count: int = 0
    zeros: int = 0
    nan: int = 0
    inf: int = 0
    name: str = ""
    """The parameter or the input that it is, where it is one."""


@dataclass(frozen=True, slots=True)
class Waypoint:
    """One operation on the way from the birth of a number to the first gradient that it spoils."""

    operation: str
    phase: str
    """``forward`` or ``backward``."""
    line: CodeLine


@dataclass(frozen=True, slots=True)
class FurtherCut:
    """Another line by which the same gradient is lost, of a ``kind`` as of a ``Cause``.

    It stands behind the first on the same way to the loss, or else on another way.
    """

    kind: str
    operation: str
    line: CodeLine
    behind: bool


@dataclass(frozen=True, slots=True)
class Cause:
    """What became of the gradient of ``parameters``, by which ``operation``, on which ``line``.

    ``fate`` is ``none`` (there is no gradient), ``cut`` (there is one, and a path to the loss is missing from it),
    ``zero`` (every entry is exactly 0), ``nan`` or ``inf``; with the last two ``parameters`` may be empty: the loss
    itself is not finite. ``kind`` is the class of the cause, a word of ``verdict.flow.causes``. Operands are those of
    the operation; ``way`` begins there. ``step`` is the training step, 0 for the only pass.
    """

    fate: str
    kind: str
    operation: str
    line: CodeLine
    parameters: list[str] = field(default_factory=list)
    phase: str = "forward"
    operands: list[Operand] = field(default_factory=list)
    way: list[Waypoint] = field(default_factory=list)
    step: int = 0
    told: str = ""
    """A clause for people beside the kind, such as the value of an epsilon."""
    further: list[FurtherCut] = field(default_factory=list)
    """What else has to be mended before the gradient is whole, in the order of the program."""
