"""What a verdict is given on: the evidence on one target at one point, and how much rounding explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context

from gradtool.evidence import Autodiff, Exact
from gradtool.values import Value

__all__ = ["SAFETY", "WIDE", "Case"]

SAFETY = 4
"""So many times its bound may an error be, to be explained by rounding."""

WIDE = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""Decimal arithmetic for numbers far beyond floats; what is beyond even that becomes infinite or 0."""


@dataclass(frozen=True, slots=True)
class Case:
    """The evidence on one target at one point; a witness that failed is None. ``operations`` are those that ran."""

    text: str
    dtype: str
    framework: str
    title: str
    autodiff: Autodiff | None
    exact: Exact | None
    operations: frozenset[str]
    variables: tuple[str, ...]
    point: Mapping[str, Value]
    assumed: bool = False
    """Whether an upstream gradient of ones was assumed for want of another."""
    slack: int = 1
    """So many times the rounding error of the expression as written is allowed: more where something else ran."""
