"""What the user's running program calls its values: the names in the frames from a call outwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

from gradtool.witness.model.user_file import is_users

__all__ = ["named_values", "names_of_values", "scopes"]

MOST = 1000
"""So many parts of a list, a mapping or an object are looked at."""


def scopes(frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """The names that the user's frames know and what they stand for, innermost first."""
    seen: set[int] = set()
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            for scope in (frame.f_locals, frame.f_globals):
                if id(scope) not in seen:
                    seen.add(id(scope))
                    yield from list(scope.items())
        frame = frame.f_back


def names_of_values(
    frame: FrameType | None, wanted: Callable[[Any], bool], closed: Callable[[Any], bool]
) -> dict[int, str]:
    """Names by ``id`` of what is ``wanted``, also in lists, mappings and objects that are not ``closed``: ``net.w``."""
    return {key: name for key, (name, _) in named_values(scopes(frame), wanted, closed).items()}


def named_values(
    names: Iterable[tuple[str, Any]], wanted: Callable[[Any], bool], closed: Callable[[Any], bool]
) -> dict[int, tuple[str, Any]]:
    """The same with the values, of what ``names`` stand for."""
    found: dict[int, tuple[str, Any]] = {}

    def look(name: str, value: Any, depth: int) -> None:
        if wanted(value):
            found.setdefault(id(value), (name, value))
        elif depth:
            for inner, part in _parts(name, value, closed):
                look(inner, part, depth - 1)

    for name, value in names:
        if name == "self" and not wanted(value):
            for inner, part in _parts("", value, closed):
                look(inner.lstrip("."), part, 2)
        elif not name.startswith("__"):
            look(name, value, 2)
    return found


def _parts(name: str, value: Any, closed: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        yield from ((f"{name}[{place}]", part) for place, part in enumerate(value[:MOST]))
    elif isinstance(value, Mapping):
        yield from ((f"{name}[{key!r}]", part) for key, part in list(value.items())[:MOST])
    elif not isinstance(value, type) and not closed(value) and hasattr(value, "__dict__"):
        yield from ((f"{name}.{key}", part) for key, part in list(vars(value).items())[:MOST])
