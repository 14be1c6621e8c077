"""Arguments and results as people write them: lists, tuples and dicts with tensors somewhere inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["filled", "leaves", "name_of"]


def leaves(structure: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Whatever is no container, with its place behind the name of the whole: ``[0]``, ``['weight'][1]``."""
    if isinstance(structure, Mapping):
        for key, part in structure.items():
            yield from leaves(part, f"{path}[{key!r}]")
    elif isinstance(structure, list | tuple):
        for place, part in enumerate(structure):
            yield from leaves(part, f"{path}[{place}]")
    else:
        yield path, structure


def filled(structure: Any, parts: Iterator[Any]) -> Any:
    """The same with other leaves, taken from ``parts`` in the order of ``leaves``."""
    if isinstance(structure, Mapping):
        return {key: filled(part, parts) for key, part in structure.items()}
    if isinstance(structure, list | tuple):
        made: Sequence[Any] = [filled(part, parts) for part in structure]
        if hasattr(structure, "_fields"):
            return type(structure)(*made)
        return tuple(made) if isinstance(structure, tuple) else made
    return next(parts)


def name_of(place: int, names: Sequence[str]) -> str:
    """What a positional argument is called."""
    return names[place] if place < len(names) else f"argument {place + 1}"
