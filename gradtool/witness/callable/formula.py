"""The way from a callable to exact derivatives: what it computes, as expressions."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtool.values import Value

__all__ = ["Formula"]


@dataclass(frozen=True, slots=True)
class Formula:
    """The differentiated outputs as expressions, and the constants in them; else why there are none."""

    expressions: list[str] = field(default_factory=list)
    constants: dict[str, Value] = field(default_factory=dict)
    untraced: str = ""
