"""What a framework's room answers to a MeasureRequest: a record for each mode, and for each time that is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gradtool.evidence import MeasureRequest, Mode, Timed
from gradtool.witness.modes import Modes, modes
from gradtool.witness.timing import Timing, timing

__all__ = ["Room", "measured"]


class Room(Modes, Timing, Protocol):
    """What a framework's room provides for both."""


def measured(room: Room, asked: MeasureRequest) -> Iterator[Mode | Timed]:
    """Each record as soon as it is there, so that a run which is stopped keeps what it has."""
    if asked.modes:
        yield from modes(room, asked)
    if asked.timing:
        yield from timing(room, asked)
