"""Starts witnesses, asks them, and keeps their time: the only file that knows processes.

A witness that lacks its framework, raises, crashes, hangs past its deadline or is killed costs one Failure record for
the request it was at; where it is gone, a fresh one is started for the next. Every witness has its own process group,
and the whole group is killed at the deadline, on an interrupt, and at the end.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import IO

from gradtool.evidence import Failure, Record, Request, SampleRequest, decode, encode

__all__ = ["WITNESSES", "Host", "Witness"]


@dataclasses.dataclass(frozen=True, slots=True)
class Witness:
    """A row of the registry: the module that testifies, the name people know, and the pip line that brings it."""

    module: str
    title: str
    install: str = ""


WITNESSES: Mapping[str, Witness] = MappingProxyType(
    {
        "torch": Witness("gradtool.witness.pytorch.expression", "PyTorch", 'pip install "gradtool[torch]"'),
        "tensorflow": Witness(
            "gradtool.witness.tensorflow.expression", "TensorFlow", 'pip install "gradtool[tensorflow]"'
        ),
        "symbolic": Witness("gradtool.witness.symbolic.expression", "the symbolic witness", "pip install gradtool"),
    }
)

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
}


class Host:
    """The witnesses of one run. Use it as a context manager: leaving it ends every process.

    ``timeout`` is the longest that a witness may take for one request, its start included, in seconds.
    """

    def __init__(self, names: Iterable[str], timeout: float, registry: Mapping[str, Witness] = WITNESSES) -> None:
        self.timeout = timeout
        self.registry = registry
        self._processes = {name: _Process(registry[name].module) for name in names}

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.kill()

    def ask(self, name: str, requests: Iterable[Request | SampleRequest]) -> Iterator[list[Record]]:
        """The records with which witness ``name`` answers each of ``requests``, in their order.

        Everything is handed over at once, before this returns, so two witnesses asked in turn work at the same time.
        A failure is the last record of its list.
        """
        pending = list(requests)
        self._processes[name].send(pending)
        return self._answers(name, pending)

    def _answers(self, name: str, pending: list[Request | SampleRequest]) -> Iterator[list[Record]]:
        for index, request in enumerate(pending):
            process = self._processes[name]
            records, reason = process.receive(time.monotonic() + self.timeout)
            if reason:
                records.append(self._failure(name, request.key, reason, process))
                self._processes[name] = _Process(self.registry[name].module)
                self._processes[name].send(pending[index + 1 :])
            yield [self._titled(name, record) for record in records]

    def _titled(self, name: str, record: Record) -> Record:
        """A Failure from inside a worker, with the witness's own name and remedy."""
        if not isinstance(record, Failure) or record.witness == name:
            return record
        witness = self.registry[name]
        if record.reason == "missing":
            return dataclasses.replace(
                record, witness=name, message=f"{witness.title} is not installed", hint=witness.install
            )
        return dataclasses.replace(record, witness=name, message=f"{witness.title} {record.message}")

    def _failure(self, name: str, key: int, reason: str, process: _Process) -> Failure:
        title, noise = self.registry[name].title, process.noise()
        process.kill()
        if reason == "timeout":
            message = f"{title} gave no answer within {self.timeout:g} s and was stopped"
            return Failure(key, name, "timeout", message, "raise --timeout, or make the problem smaller", noise)
        code = process.exit_code()
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                reason = signal.Signals(-code).name
            hint = "out of memory?" if reason == "SIGKILL" else "run with --debug for what it printed"
            return Failure(key, name, "killed", f"{title} was killed ({reason})", hint, noise)
        message = f"{title} ended without an answer (exit code {code})"
        return Failure(key, name, "crashed", message, "run with --debug for what it printed", noise)


class _Process:
    """One worker process, and a thread that reads its answers."""

    def __init__(self, module: str) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._process = subprocess.Popen(  # noqa: S603  # our own module, no shell
            [sys.executable, "-m", "gradtool.witness.worker", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._write, daemon=True).start()

    def send(self, requests: Iterable[Request | SampleRequest]) -> None:
        """Hand over requests; a thread writes them, so a full pipe never stops the caller."""
        for request in requests:
            self._outbox.put(encode(request) + "\n")

    def receive(self, deadline: float) -> tuple[list[Record], str]:
        """The records of one answer; a reason with them if the process ended or the deadline passed."""
        records: list[Record] = []
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                return records, "timeout"
            if line is None:
                return records, "gone"
            if not line:
                return records, ""
            records.append(decode(line))

    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None if the process still runs."""
        try:
            return self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return None

    def noise(self) -> str:
        """The end of what the process wrote to stderr."""
        self._errors.seek(0)
        return self._errors.read()[-4000:].decode(errors="replace")

    def kill(self) -> None:
        """End the process and everything it started."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # opened above
        for line in self._process.stdout:
            self._lines.put(line.decode().rstrip("\n"))
        self._lines.put(None)

    def _write(self) -> None:
        assert self._process.stdin is not None  # noqa: S101  # opened above
        with contextlib.suppress(BrokenPipeError, OSError):
            while True:
                self._process.stdin.write(self._outbox.get().encode())
                self._process.stdin.flush()
