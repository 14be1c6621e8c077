"""What the tests of the host share: requests for rogues, and whether a process is alive."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from gradtool.evidence import Points, Record, Request
from gradtool.witness.host import Witness

__all__ = ["Registry", "alive", "figure", "gone_within", "requests"]

Registry = dict[str, Witness]


def requests(*words: str) -> list[Request]:
    return [Request(key, word, {"x": 1.0}, ["x"], "torch") for key, word in enumerate(words, 1)]


def alive(pid: float) -> bool:
    """Whether process ``pid`` runs; a zombie waiting for its parent does not."""
    try:
        status = Path(f"/proc/{int(pid)}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def gone_within(pid: float, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    if not alive(pid):
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid), signal.SIGKILL)
    return False


def figure(records: list[Record], name: str = "pid") -> float:
    assert isinstance(records[0], Points), records
    return records[0].points[0][name]
