"""How a model's file itself writes what a comparison takes from it, so that a program can be written that does too."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.values import Shape

__all__ = ["Numbers", "Written"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """An array. ``code`` is how the file writes it (``inputs[0]``), empty where it is drawn; ``maker`` its library.

    ``whole`` numbers are drawn below ``below``.
    """

    code: str
    maker: str
    shape: Shape
    whole: bool = False
    below: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """In the file's own names ``model`` (``build()``) and ``loss`` (``loss_fn(output, targets)``).

    ``model`` is empty where no name gives it alone, as with ``gradtool_case()``; ``loss`` where there is none, or the
    case has it. ``targets`` are one array or none. ``moved`` says of which inputs the channels change places here.
    """

    model: str = ""
    loss: str = ""
    inputs: list[Numbers] = field(default_factory=list)
    targets: list[Numbers] = field(default_factory=list)
    moved: list[bool] = field(default_factory=list)
