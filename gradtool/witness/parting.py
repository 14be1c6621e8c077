"""How an answer leaves from inside a user's program that cannot be ended otherwise.

The worker says once how; whoever must part hands over the records, and the process ends with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn

from gradtool.evidence import Record

__all__ = ["Leave", "part", "prepare"]

Leave = Callable[[Iterable[Record]], NoReturn]

_ways: list[Leave] = []


def prepare(leave: Leave) -> None:
    """From now on ``leave`` sends the last records and ends the process."""
    _ways[:] = [leave]


def part(records: Iterable[Record]) -> NoReturn:
    """Send ``records`` as the whole answer to the request at hand, and end the process."""
    _ways[-1](records)
