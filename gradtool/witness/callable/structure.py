"""Arguments and results as people write them: lists, tuples, dicts and dataclasses with tensors somewhere inside."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["filled", "leaves", "name_of"]


def leaves(structure: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Whatever is no container, with its place behind the name of the whole: ``[0]``, ``['weight'][1]``, ``.bias``."""
    if isinstance(structure, Mapping):
        for key, part in structure.items():
            yield from leaves(part, f"{path}[{key!r}]")
    elif isinstance(structure, list | tuple):
        for place, part in enumerate(structure):
            yield from leaves(part, f"{path}[{place}]")
    elif _is_record(structure):
        for field in dataclasses.fields(structure):
            yield from leaves(getattr(structure, field.name), f"{path}.{field.name}")
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
    if _is_record(structure):
        return _with_fields(structure, parts)
    return next(parts)


def _is_record(value: Any) -> bool:
    """Whether it is an object of a dataclass; one that can be called, as a module, is none."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type) and not callable(value)


def _with_fields(record: Any, parts: Iterator[Any]) -> Any:
    """A copy with other fields, set as they are: what ``__post_init__`` made of them once is not made again."""
    made = copy.copy(record)
    for field in dataclasses.fields(record):
        object.__setattr__(made, field.name, filled(getattr(record, field.name), parts))
    return made


def name_of(place: int, names: Sequence[str]) -> str:
    """What a positional argument is called."""
    return names[place] if place < len(names) else f"argument {place + 1}"
