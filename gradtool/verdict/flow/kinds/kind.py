"""One row of the catalogue of causes, and the numbers that its remedies name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["EPSILONS", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One row. ``kind`` is a word of ``evidence.Cause``; an empty ``tensorflow`` is the remedy of ``torch``.

    ``told`` says in a clause what happened, behind "got no gradient:", "is exactly 0:" or "is nan:"; ``torch`` and
    ``tensorflow`` say what to do. In each ``{operation}`` is the operation's name and ``{epsilon}`` the smallest round
    number that still counts beside 1 in the dtype of its operands.
    """

    kind: str
    told: str
    torch: str
    tensorflow: str = ""


EPSILONS: Mapping[str, str] = MappingProxyType(
    {"float64": "1e-15", "float32": "1e-7", "float16": "1e-3", "bfloat16": "1e-2"}
)
"""A number that neither 1 + e nor 1 - e rounds away: more than half a unit in the last place of 1."""
