"""A witness that behaves as the expression of its request says: well, noisily, or badly in one of many ways."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator

from gradtool.evidence import Points, Record, Request

__all__ = ["answer"]


def answer(record: Record) -> Iterator[Record]:
    """What the word in ``record.expression`` asks for; anything else is answered well."""
    assert isinstance(record, Request)
    yield from _BEHAVIOURS.get(record.expression, _well)(record)


def _well(record: Request) -> Iterator[Record]:
    yield Points(record.key, [{"pid": os.getpid(), "length": len(record.expression)}])


def _noise(record: Request) -> Iterator[Record]:
    print('{"type":"Points","key":0,"points":[]}')
    print("noise", file=sys.stderr)
    sys.__stdout__.write("\n\n\n")
    sys.stdout.flush()
    os.write(1, b'\n{"type":"Points"\n\xff\xfe\n')
    subprocess.run(["/bin/echo", "noise of a child"], check=True)
    yield from _well(record)
    os.write(1, b"no line break")


def _much_noise(record: Request) -> Iterator[Record]:
    for _ in range(200):
        os.write(1, b"x" * 100_000)
        os.write(2, b"y" * 100_000)
    yield from _well(record)


def _raises(_: Request) -> Iterator[Record]:
    raise ValueError("seven\nis not a prime")
    yield


def _memory(_: Request) -> Iterator[Record]:
    raise MemoryError
    yield


def _leaves(_: Request) -> Iterator[Record]:
    raise SystemExit(5)
    yield


def _interrupt(_: Request) -> Iterator[Record]:
    raise KeyboardInterrupt
    yield


def _kill(_: Request) -> Iterator[Record]:
    print("last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    yield


def _segfault(_: Request) -> Iterator[Record]:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def _exit(_: Request) -> Iterator[Record]:
    os._exit(3)
    yield


def _sleeps(_: Request) -> Iterator[Record]:
    time.sleep(60)
    yield


def _deaf(_: Request) -> Iterator[Record]:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)
    yield


def _child() -> int:
    return subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]).pid


def _parent(record: Request) -> Iterator[Record]:
    yield Points(record.key, [{"pid": os.getpid(), "child": _child()}])


def _parent_exits(record: Request) -> Iterator[Record]:
    yield from _parent(record)
    os._exit(3)


def _parent_sleeps(record: Request) -> Iterator[Record]:
    yield from _parent(record)
    time.sleep(60)


def _fork_exits(_: Request) -> Iterator[Record]:
    if not os.fork():
        time.sleep(60)
    os._exit(3)
    yield


def _answers_then_dies(record: Request) -> Iterator[Record]:
    yield from _well(record)
    os.kill(os.getpid(), signal.SIGKILL)


def _answers_then_raises(record: Request) -> Iterator[Record]:
    yield from _well(record)
    raise RuntimeError("too late")


def _half_a_line(_: Request) -> Iterator[Record]:
    for number in range(3, 20):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.write(number, b'{"type":"Points","key":1,"poi')
    os.kill(os.getpid(), signal.SIGKILL)
    yield


def _first_hangs(record: Request) -> Iterator[Record]:
    if record.key == 1:
        time.sleep(60)
    yield from _well(record)


_BEHAVIOURS = {
    "noise": _noise, "much noise": _much_noise, "raises": _raises, "memory": _memory, "leaves": _leaves,
    "interrupt": _interrupt, "kill": _kill, "segfault": _segfault, "exit": _exit, "sleeps": _sleeps, "deaf": _deaf,
    "parent": _parent, "parent exits": _parent_exits, "parent sleeps": _parent_sleeps,
    "answers then dies": _answers_then_dies, "answers then raises": _answers_then_raises,
    "half a line": _half_a_line, "fork exits": _fork_exits, "first hangs": _first_hangs,
}  # fmt: skip
