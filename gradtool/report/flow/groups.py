"""Many names told as few: by module, and where a module is one long list, by stretches of it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SHOW_ALL", "Group", "grouped"]

ALONE, ROWS = 40, 24
"""Up to ALONE names each have a row of their own; more are told in at most ROWS rows."""

SHOW_ALL = "--all shows each"
"""What is said where rows stand for several, or are left out."""

_SEPARATOR = re.compile(r"[./]")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Group:
    """The ``places`` of some names in the list, and what they are called together."""

    name: str
    places: tuple[int, ...]
    prefix: str
    """What the names begin with, up to a dot or a slash; a whole name where there is only one."""


def grouped(names: Sequence[str], alone: int = ALONE, rows: int = ROWS) -> list[Group]:
    """The names in at most ``rows`` groups, in their own order; up to ``alone`` names each on its own.

    Modules that differ in a number only (``layer.0``, ``layer.1``) are opened together or not at all, those with the
    most names first, as long as there is room for all that comes out.
    """
    if len(names) <= alone:
        return [Group(name, (place,), name) for place, name in enumerate(names)]
    groups = [Group("", tuple(range(len(names))), "")]
    shut: set[str] = set()
    while True:
        kinds: dict[str, list[Group]] = defaultdict(list)
        for group in groups:
            kinds[_kind(group)].append(group)
        sizes = {kind: sum(len(group.places) for group in own) for kind, own in kinds.items() if kind not in shut}
        opens = [kind for kind in sizes if any(_children(group, names) != [group] for group in kinds[kind])]
        if not opens:
            return groups
        kind = max(opens, key=sizes.__getitem__)
        opened = [part for group in groups for part in (_children(group, names) if _kind(group) == kind else [group])]
        room = rows - (len(groups) - len(kinds[kind]))
        if len(opened) > rows and len(kinds[kind]) == 1 and 2 * sizes[kind] > len(names):
            opened = [
                part for group in groups for part in (_runs(group, names, room) if _kind(group) == kind else [group])
            ]
            shut.update(map(_kind, opened))
        if len(opened) <= rows:
            groups = sorted(opened, key=lambda group: group.places[0])
        else:
            shut.add(kind)


def _kind(group: Group) -> str:
    return _NUMBER.sub("*", group.name)


def _children(group: Group, names: Sequence[str]) -> list[Group]:
    """The next modules under a group; itself where it is a single name."""
    parts: dict[str, list[int]] = defaultdict(list)
    for place in group.places:
        name = names[place]
        found = _SEPARATOR.search(name, len(group.prefix) + 1 if group.prefix else 0)
        parts[name[: found.start()] if found else name].append(place)
    return [Group(prefix, tuple(places), prefix) for prefix, places in parts.items()]


def _runs(group: Group, names: Sequence[str], count: int) -> list[Group]:
    """The next modules under a group in at most ``count`` stretches of neighbours."""
    parts = _children(group, names)
    length = math.ceil(len(parts) / max(count, 1))
    stretches = [parts[start : start + length] for start in range(0, len(parts), length)]
    return [
        Group(
            own[0].name if len(own) == 1 else f"{own[0].name} to {own[-1].name[len(group.prefix) :].lstrip('./')}",
            tuple(place for part in own for place in part.places),
            group.prefix,
        )
        for own in stretches
    ]
