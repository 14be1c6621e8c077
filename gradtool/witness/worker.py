"""A witness in a process of its own: ``python -m gradtool.witness.worker MODULE``.

Requests come as lines on stdin, records leave as lines on what was stdout when the process began; from then on file
descriptor 1 points at stderr and descriptor 0 at nothing, so whatever a framework or a user's model prints or reads,
records and requests stay whole. When the requests end, the parent is gone or done, and the process leaves at once,
without the framework's slow teardown.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import queue
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from gradtool.evidence import (
    Asked,
    Failure,
    Record,
    decode,
    encode,
)
from gradtool.witness import parting

__all__ = ["main"]

DEEP = 20_000
"""Recursion limit: trees are at most 250 deep, but each level costs SymPy and the walk several frames."""


def main(module: str) -> None:
    """Answer every request on stdin with the records that ``module.answer`` yields, and a last empty line."""
    wire = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    asked = os.fdopen(os.dup(0), encoding="utf-8")
    # A process that the user's program forks closes sys.stdin, and would wait for ever for the thread that reads it.
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  # open as long as the process lives
    os.dup2(sys.stdin.fileno(), 0)
    sys.setrecursionlimit(DEEP)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, requests), daemon=True).start()
    try:
        answer = importlib.import_module(module).answer
    except BaseException as error:  # noqa: BLE001  # whatever an import does, the parent gets a record
        _refuse_everything(requests, wire, module, error)
    gc.freeze()  # a framework's objects stay to the end; Keras has them all looked through before each model: 0.15 s
    while True:
        record = decode(requests.get())
        parting.prepare(functools.partial(_leave, wire, record, module))
        _answered(wire, record, module, _lazily(answer, record))


def _lazily(answer: Callable[[Record], Iterator[Record]], record: Record) -> Iterator[Record]:
    """The records of ``answer``, which is called when the first of them is asked for."""
    yield from answer(record)


def _answered(wire: object, record: Record, module: str, replies: Iterable[Record]) -> None:
    try:
        for reply in replies:
            _send(wire, encode(reply))
    except BaseException as error:  # noqa: BLE001  # likewise
        _send(wire, encode(_failure(_key(record), module, error, getattr(record, "dtype", ""))))
    _send(wire, "")


def _leave(wire: object, record: Record, module: str, replies: Iterable[Record]) -> NoReturn:
    """Answer from inside a program that does not let go, and be gone."""
    _answered(wire, record, module, replies)
    sys.stdout.flush()
    os._exit(0)


def _listen(asked: Iterable[str], requests: queue.SimpleQueue[str]) -> None:
    for line in asked:
        requests.put(line)
    os._exit(0)


def _send(wire: object, line: str) -> None:
    print(line, file=wire, flush=True)  # type: ignore[call-overload]  # a text file


def _key(record: Record) -> int:
    return record.key if isinstance(record, Asked) else -1


def _refuse_everything(requests: queue.SimpleQueue[str], wire: object, module: str, error: BaseException) -> None:
    while True:
        _send(wire, encode(_failure(_key(decode(requests.get())), module, error)))
        _send(wire, "")


_NO_KERNEL = re.compile(
    r"Could not find device for node: \{\{node (\w+)\}\}"
    r"|list of allowed values.*\{\{node (\w+)\}\}"
    r"|^\"(\w+)\" not implemented for '"
)
"""What TensorFlow (twice) and PyTorch say where an operation is not there for a dtype."""


def _failure(key: int, module: str, error: BaseException, dtype: str = "") -> Failure:
    detail = "".join(traceback.format_exception(error))
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("gradtool"):
        return Failure(key, module, "missing", f"{error.name} is not installed", detail=detail)
    if isinstance(error, MemoryError):
        return Failure(key, module, "memory", "ran out of memory", "use smaller inputs", detail)
    if missing := _NO_KERNEL.search(" ".join(str(error).split())):
        message = " ".join(f"has no {dtype} kernel for {next(filter(None, missing.groups()))}".split())
        return Failure(key, module, "unsupported", message, "use another --dtype or --framework", detail)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return Failure(key, module, "raised", f"raised {text[:300]}", "run with --debug for the traceback", detail)


if __name__ == "__main__":
    main(sys.argv[1])
