"""Names in a printed program: the user's own wherever Python allows them, and others that do not collide with them."""

from __future__ import annotations

import itertools
import keyword
from collections.abc import Iterable, Mapping

__all__ = ["Names"]

_RESERVED = frozenset({"torch", "tf", "math", "print", "range", *keyword.kwlist})
"""What a program uses itself, and what Python keeps."""


class Names:
    """The names of one program; a variable called ``lambda`` or ``tf`` gets an underscore."""

    def __init__(self, variables: Iterable[str]) -> None:
        wanted = list(variables)
        self._taken = {*_RESERVED, *wanted}
        self.variables: Mapping[str, str] = {
            name: self.fresh(f"{name}_") if name in _RESERVED else name for name in wanted
        }

    def fresh(self, *candidates: str) -> str:
        """The first of ``candidates`` that is still free, else the first with a number; it is taken from then on."""
        numbered = (f"{candidates[0]}{number}" for number in itertools.count(1))
        name = next(name for name in itertools.chain(candidates, numbered) if name not in self._taken)
        self._taken.add(name)
        return name
