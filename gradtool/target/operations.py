"""THE operation table: one row per operation of the expression language.

Parser names and did-you-mean, the three witnesses, the sampling of points, ``gradtool ops``, the reference page and
one parametrised test all read these rows, so adding an operation is adding one row: in ``elementwise.py`` if it works
number by number, in ``array_operations.py`` if it needs whole arrays. ``operation.py`` says what the cells mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gradtool.target import array_operations, elementwise
from gradtool.target.operation import Operation

__all__ = ["ALIASES", "OPERATIONS", "Operation", "operation"]

_ROWS = (*elementwise.ROWS, *array_operations.ROWS)

OPERATIONS: Mapping[str, Operation] = MappingProxyType({row.name: row for row in _ROWS})
"""Every operation by its name."""

ALIASES: Mapping[str, str] = MappingProxyType({alias: row.name for row in _ROWS for alias in row.aliases})
"""Other spellings, such as ``arcsin``, to the name of the row."""


def operation(name: str) -> Operation | None:
    """The row called ``name`` or known by that alias, if a user can write it; None if there is none."""
    row = OPERATIONS.get(ALIASES.get(name, name))
    return None if row is None or row.hidden else row
