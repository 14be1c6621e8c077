"""What a framework's room answers to a MeasureRequest: a record for each mode, and for each time that is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gradtool.evidence import MeasureRequest, Mode, Progress, Timed
from gradtool.witness.modes import Modes, modes
from gradtool.witness.timing import WORKS, Timing, timing

__all__ = ["Room", "measured"]


class Room(Modes, Timing, Protocol):
    """What a framework's room provides for both."""


def measured(room: Room, asked: MeasureRequest) -> Iterator[Mode | Timed | Progress]:
    """Each record as soon as it is there, so that a run which is stopped keeps what it has; what is run before it."""
    if asked.modes:
        rows = modes(room, asked)
        for way in room.ways:
            yield Progress(asked.key, f"running {way.title}")
            yield next(rows)
    if asked.timing:
        times = timing(room, asked)
        for how in room.hows:
            for work in WORKS:
                yield Progress(asked.key, f"timing the {work}, {how.title}")
                yield next(times)
